//! Reading the current version of a secret.

use http::Method;
use llm_types::{Json, Result, Secret};

use super::KeyVault;
use crate::vaults::desk::{self, below};

const WHO: &str = "Azure Key Vault";
const VERSION: &str = "?api-version=7.4";

/// The value; nothing when it is not there. Names have letters, digits and dashes: others are not asked for.
pub(super) async fn read(vault: &KeyVault, name: &str) -> Result<Option<Secret>> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(None);
    }
    let url = format!("{}{VERSION}", below(&vault.base, ["secrets", name])?);
    let mut request = desk::request(Method::GET, &url, None, String::new())?;
    vault.desk.signer.apply(vault.desk.http(), &vault.need, &mut request).await?;
    let answer = vault.desk.flow().send(WHO, request).await?;
    if answer.status == 404 {
        return Ok(None);
    }
    let reply: Json = desk::json(WHO, &answer)?;
    reply.text("value").map(|value| Some(Secret::new(value))).ok_or_else(|| desk::odd(WHO))
}
