//! Writing and deleting a secret.

use http::Method;
use llm_types::{Json, Result, Secret};

use super::{Hashicorp, Place, WHO};
use crate::vaults::desk::good;

/// A new version of the secret.
pub(super) async fn keep(vault: &Hashicorp, place: &Place, name: &str, value: &Secret) -> Result<()> {
    let mut data = Json::object([(place.field.as_str(), value.expose())]);
    if let Some(description) = &vault.description {
        data.set("description", description.as_str());
    }
    good(WHO, &vault.of_secret(place, Method::POST, name, Some(&Json::object([("data", data)]))).await?)
}

/// Deletes the newest version; Vault can bring it back.
pub(super) async fn forget(vault: &Hashicorp, place: &Place, name: &str) -> Result<()> {
    let answer = vault.of_secret(place, Method::DELETE, name, None).await?;
    if answer.status == 404 { Ok(()) } else { good(WHO, &answer) }
}
