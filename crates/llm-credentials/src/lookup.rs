//! The first of several names that has a value.

use llm_types::Secret;

use crate::{SecretError, SecretSource};

/// A key and where it came from.
#[derive(Debug, Clone)]
pub struct FoundKey {
    /// The name that had it, for messages.
    pub name: String,
    /// The key.
    pub secret: Secret,
}

/// Asks for each name in turn, as a provider's row lists them (`api_key_env`, `api_base_env`). An empty value counts as
/// absent: `NAME=` is how people unset things in `.env` files.
pub async fn first_key<N: AsRef<str>>(source: &dyn SecretSource, names: &[N]) -> Result<Option<FoundKey>, SecretError> {
    for name in names {
        let name = name.as_ref();
        if let Some(secret) = source.get(name).await?.filter(|secret| !secret.is_empty()) {
            return Ok(Some(FoundKey { name: name.to_owned(), secret }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    #[tokio::test]
    async fn order_decides_and_empty_values_do_not_count() {
        let set = [("FIRST", ""), ("SECOND", "two"), ("THIRD", "three")];
        let env = Environment::with(set.map(|(name, value)| (name.to_owned(), Secret::new(value))));
        let found = first_key(&env, &["ZEROTH", "FIRST", "SECOND", "THIRD"]).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.secret.expose()), ("SECOND", "two"));
        assert!(first_key(&env, &["FIRST"]).await.unwrap().is_none());
        assert!(first_key::<&str>(&env, &[]).await.unwrap().is_none());
    }
}
