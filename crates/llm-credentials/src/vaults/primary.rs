//! One secret that holds many: `primary_secret_name`.

use llm_http::BoxFuture;
use llm_types::{Json, Secret};

use super::field;
use crate::{SecretError, SecretSource};

/// Reads names out of the JSON object that is the value of one secret.
#[derive(Debug)]
pub struct Primary<S> {
    source: S,
    name: String,
}

impl<S> Primary<S> {
    /// Names are fields of the secret `name` of `source`.
    pub fn new(source: S, name: impl Into<String>) -> Self {
        Primary { source, name: name.into() }
    }
}

impl<S: SecretSource> SecretSource for Primary<S> {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        Box::pin(async move {
            let wrong = |message: &str| SecretError::Unavailable {
                source_name: "primary_secret_name",
                message: format!("the secret {} {message}", self.name),
            };
            let held = self.source.get(&self.name).await?.ok_or_else(|| wrong("is not there"))?;
            let held: Json = serde_json::from_str(held.expose()).map_err(|_| wrong("is no JSON"))?;
            held.as_object().ok_or_else(|| wrong("is no JSON object"))?;
            Ok(field(&held, name))
        })
    }
}
