//! Tokens: credentials that somebody issues and that end.

use std::fmt;
use std::time::SystemTime;

use llm_http::BoxFuture;
use llm_types::Secret;

use crate::SecretError;

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// When it stops working; `None` when nobody said.
    pub expires: Option<SystemTime>,
}

/// Somebody who issues tokens: an identity provider, or a configuration that holds one.
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// A token that works now.
    fn token(&self) -> BoxFuture<'_, Result<Token, SecretError>>;
}

/// A token from the configuration, passed on as it is: Azure's `azure_ad_token`. Whoever configured it renews it.
#[derive(Debug, Clone)]
pub struct StaticToken(pub Secret);

impl TokenSource for StaticToken {
    fn token(&self) -> BoxFuture<'_, Result<Token, SecretError>> {
        Box::pin(std::future::ready(Ok(Token { secret: self.0.clone(), expires: None })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_configured_token_is_passed_on() {
        let token = StaticToken(Secret::new("eyJ0")).token().await.unwrap();
        assert_eq!((token.secret.expose(), token.expires), ("eyJ0", None));
        assert!(!format!("{token:?}").contains("eyJ0"));
    }
}
