//! Reading a secret.

use http::Method;
use llm_types::{Json, Result, Secret};

use super::{FIELD, Hashicorp, WHO};
use crate::vaults::desk;
use crate::vaults::field;

/// The field `key` of the secret; nothing when it is not there, or was deleted.
pub(super) async fn read(vault: &Hashicorp, name: &str) -> Result<Option<Secret>> {
    let answer = vault.of_secret(Method::GET, name, None).await?;
    if answer.status == 404 {
        return Ok(None);
    }
    let reply: Json = desk::json(WHO, &answer)?;
    let held = reply.get("data").and_then(|outer| outer.get("data")).ok_or_else(|| desk::odd(WHO))?;
    let secret = field(held, FIELD);
    if secret.is_none() {
        tracing::warn!(secret = name, "the secret has no field `key`: it counts as not there");
    }
    Ok(secret)
}
