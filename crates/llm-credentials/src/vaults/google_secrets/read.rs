//! Reading the latest version of a secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use llm_types::{Json, Result, Secret};

use super::GoogleSecrets;
use crate::vaults::desk::{self, below};

const WHO: &str = "Google Secret Manager";

/// The payload; nothing when the secret, or an enabled version of it, is not there.
pub(super) async fn read(vault: &GoogleSecrets, name: &str) -> Result<Option<Secret>> {
    // Nothing else can be a name there, and no such name is asked for.
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
        return Ok(None);
    }
    let path = ["v1", "projects", &vault.project, "secrets", name, "versions", "latest:access"];
    let mut request = desk::request(Method::GET, &below(&vault.base, path)?, None, String::new())?;
    vault.desk.signer.apply(vault.desk.http(), &vault.need, &mut request).await?;
    let answer = vault.desk.flow().send(WHO, request).await?;
    if answer.status == 404 {
        return Ok(None);
    }
    let reply: Json = desk::json(WHO, &answer)?;
    let data = reply.get("payload").and_then(|payload| payload.text("data")).ok_or_else(|| desk::odd(WHO))?;
    let text = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| Some(Secret::new(text))).ok_or_else(|| desk::odd(WHO))
}
