//! Credentials that cannot be printed, and how they are shown to an upstream.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A secret text: an API key, a password, a token. It has no `Display`, its `Debug` shows nothing, it is wiped when
/// dropped, and it is not serialised.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Call it where the secret leaves the process, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True for an empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self::new)
    }
}

/// How an upstream wants to be shown the credential. Schemes that need a computation (request signatures, token
/// exchange) are resolved by `llm-credentials` into headers before the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthScheme {
    /// Nothing is sent.
    None,
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `Authorization: Bearer KEY` when a key is known, nothing otherwise (local servers).
    BearerOptional,
    /// The key alone in a header of this name.
    Header(Arc<str>),
    /// The key in a query parameter of this name.
    Query(Arc<str>),
    /// `Authorization: Basic base64(KEY)`.
    Basic,
    /// Any other fixed shape of a header: name and a template in which `{key}` stands for the key.
    Template {
        /// Header name
        name: Arc<str>,
        /// Value with `{key}` in it
        value: Arc<str>,
    },
}
