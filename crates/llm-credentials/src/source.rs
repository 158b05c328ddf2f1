//! A secret by name.

use std::fmt;

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
}

/// Somewhere secrets live under names.
pub trait SecretSource: Send + Sync + fmt::Debug {
    /// The secret of that name; `None` when this source has none.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>>;
}
