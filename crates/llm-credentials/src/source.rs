//! A secret by name.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use llm_http::BoxFuture;
use llm_types::Secret;

/// Why a source could not say whether it knows a name. Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The source cannot be reached or refuses us.
    #[error("secret source {source_name}: {message}")]
    Unavailable {
        /// Which source.
        source_name: &'static str,
        /// What it said.
        message: String,
    },
    /// A reference of a kind that is not understood.
    #[error("secret references of the form {0} are not supported")]
    Unsupported(String),
    /// The value of this name is not text.
    #[error("the value of {0} is not text")]
    NotText(String),
}

/// Somewhere secrets live under names.
pub trait SecretSource: Send + Sync + fmt::Debug {
    /// The secret of that name; `None` when this source has none.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>>;
}

/// The process's environment, with values laid over it: a configuration's `environment_variables` count as set without
/// changing the process (which is not safe once threads run).
#[derive(Debug, Default)]
pub struct Environment {
    over: HashMap<String, Secret>,
}

impl Environment {
    /// The environment as it is.
    pub fn new() -> Self {
        Environment::default()
    }

    /// With these on top.
    pub fn with(over: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Environment { over: over.into_iter().collect() }
    }

    /// The variable's value, without a future.
    pub fn read(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        if let Some(secret) = self.over.get(name) {
            return Ok(Some(secret.clone()));
        }
        // Such names make `var` panic on some systems.
        if name.is_empty() || name.contains(['=', '\0']) {
            return Ok(None);
        }
        match std::env::var(name) {
            Ok(value) => Ok(Some(Secret::new(value))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::NotText(name.to_owned())),
        }
    }
}

impl SecretSource for Environment {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        Box::pin(std::future::ready(self.read(name)))
    }
}

/// Several sources; the first that has the name wins. A source that fails stops the search: a later one might hold an
/// older value.
#[derive(Debug, Clone)]
pub struct Chain(Vec<Arc<dyn SecretSource>>);

impl Chain {
    /// Sources in the order in which they are asked.
    pub fn new(sources: Vec<Arc<dyn SecretSource>>) -> Self {
        Chain(sources)
    }
}

impl SecretSource for Chain {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        Box::pin(async move {
            for source in &self.0 {
                if let Some(secret) = source.get(name).await? {
                    return Ok(Some(secret));
                }
            }
            Ok(None)
        })
    }
}

/// A source that is asked for some names only: LiteLLM's `hosted_keys`.
#[derive(Debug)]
pub struct Hosted<S> {
    source: S,
    names: HashSet<String>,
}

impl<S> Hosted<S> {
    /// `source`, for these names.
    pub fn new(source: S, names: impl IntoIterator<Item = String>) -> Self {
        Hosted { source, names: names.into_iter().collect() }
    }
}

impl<S: SecretSource> SecretSource for Hosted<S> {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        if self.names.contains(name) { self.source.get(name) } else { Box::pin(std::future::ready(Ok(None))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        Environment::with(pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))))
    }

    #[tokio::test]
    async fn the_first_source_that_knows_wins() {
        let hosted = Hosted::new(env(&[("A", "vault"), ("B", "vault")]), ["A".to_owned()]);
        let chain = Chain::new(vec![Arc::new(hosted), Arc::new(env(&[("A", "env"), ("B", "env")]))]);
        let value = async |name| chain.get(name).await.unwrap().map(|secret| secret.expose().to_owned());
        assert_eq!(value("A").await.as_deref(), Some("vault"));
        assert_eq!(value("B").await.as_deref(), Some("env"));
        assert_eq!(value("LLM_CREDENTIALS_TEST_UNSET").await, None);
    }

    #[tokio::test]
    async fn a_failing_source_is_not_passed_over() {
        #[derive(Debug)]
        struct Down;
        impl SecretSource for Down {
            fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
                let error = SecretError::Unavailable { source_name: "down", message: "no route".to_owned() };
                Box::pin(std::future::ready(Err(error)))
            }
        }
        let chain = Chain::new(vec![Arc::new(Down), Arc::new(env(&[("A", "old")]))]);
        assert_eq!(chain.get("A").await.unwrap_err().to_string(), "secret source down: no route");
    }

    #[test]
    fn the_environment_is_read() {
        let env = Environment::new();
        assert_eq!(env.read("PATH").unwrap().unwrap().expose(), std::env::var("PATH").unwrap());
        for name in ["", "A=B", "A\0B", "LLM_CREDENTIALS_TEST_UNSET"] {
            assert!(env.read(name).unwrap().is_none());
        }
    }
}
