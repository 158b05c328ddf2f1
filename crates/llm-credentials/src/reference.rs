//! Secrets as configurations write them: by reference or as they are.

use llm_types::Secret;

use crate::{SecretError, SecretSource};

const ENVIRONMENT: &str = "os.environ/";
const OIDC: &str = "oidc/";

/// A configured value, parsed.
///
/// Resolve values from the operator's own configuration only. A reference in something a caller sent would hand out
/// whatever secret it names.
#[derive(Debug, Clone)]
pub enum Reference {
    /// `os.environ/NAME`: the secret of that name, from the environment or the secret manager in charge of it.
    Name(String),
    /// `oidc/...`: a token of an identity provider.
    Oidc(String),
    /// The value itself.
    Literal(Secret),
}

impl Reference {
    /// Never fails: what is no reference is a literal.
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix(ENVIRONMENT) {
            return Reference::Name(name.to_owned());
        }
        match text.strip_prefix(OIDC) {
            Some(rest) => Reference::Oidc(rest.to_owned()),
            None => Reference::Literal(Secret::new(text)),
        }
    }

    /// Whether the value is somewhere else.
    pub fn is_indirect(&self) -> bool {
        !matches!(self, Reference::Literal(_))
    }

    /// The value; `None` when the name has none, which LiteLLM treats as "not configured".
    pub async fn resolve(&self, source: &dyn SecretSource) -> Result<Option<Secret>, SecretError> {
        match self {
            Reference::Name(name) => source.get(name).await,
            Reference::Oidc(kind) => {
                let kind = kind.split('/').next().unwrap_or_default();
                Err(SecretError::Unsupported(format!("{OIDC}{kind}/...")))
            }
            Reference::Literal(secret) => Ok(Some(secret.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    #[tokio::test]
    async fn references_and_literals() {
        let env = Environment::with([("KEY".to_owned(), Secret::new("from the environment"))]);
        let resolve = async |text: &str| {
            let secret = Reference::parse(text).resolve(&env).await?;
            Ok::<_, SecretError>(secret.map(|secret| secret.expose().to_owned()))
        };
        assert_eq!(resolve("os.environ/KEY").await, Ok(Some("from the environment".to_owned())));
        assert_eq!(resolve("os.environ/LLM_CREDENTIALS_TEST_UNSET").await, Ok(None));
        assert_eq!(resolve("os.environ/").await, Ok(None));
        assert_eq!(resolve("sk-literal").await, Ok(Some("sk-literal".to_owned())));
        assert_eq!(resolve("KEY").await, Ok(Some("KEY".to_owned())), "a bare name is a literal");
        let error = resolve("oidc/google/https://audience").await.unwrap_err();
        assert_eq!(error, SecretError::Unsupported("oidc/google/...".to_owned()));
        assert!(Reference::parse("os.environ/KEY").is_indirect() && !Reference::parse("x").is_indirect());
    }

    #[test]
    fn debug_shows_names_and_no_secrets() {
        assert_eq!(format!("{:?}", Reference::parse("os.environ/KEY")), r#"Name("KEY")"#);
        assert!(!format!("{:?}", Reference::parse("sk-literal")).contains("sk-literal"));
    }
}
