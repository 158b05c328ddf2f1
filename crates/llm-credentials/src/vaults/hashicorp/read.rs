//! Reading a secret.

use http::Method;
use llm_types::{Json, Result, Secret};

use super::{Hashicorp, Place, WHO};
use crate::vaults::desk;
use crate::vaults::field;

/// The field of the secret that holds it; nothing when it is not there, or was deleted.
pub(super) async fn read(vault: &Hashicorp, place: &Place, name: &str) -> Result<Option<Secret>> {
    let answer = vault.of_secret(place, Method::GET, name, None).await?;
    if answer.status == 404 {
        return Ok(None);
    }
    let reply: Json = desk::json(WHO, &answer)?;
    let held = reply.get("data").and_then(|outer| outer.get("data")).ok_or_else(|| desk::odd(WHO))?;
    let secret = field(held, &place.field);
    if secret.is_none() {
        tracing::warn!(secret = name, field = place.field, "the secret has no such field: it counts as not there");
    }
    Ok(secret)
}
