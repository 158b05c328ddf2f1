//! Microsoft Entra: tokens for Azure's services.
//!
//! | file | what |
//! |---|---|
//! | [`facts`] | what the parameters and the environment say |
//! | [`directory`] | a secret, a certificate, a password or somebody's word, shown to the directory |
//! | [`identity`] | the identity that the machine itself has |

mod directory;
mod facts;
mod identity;

#[cfg(test)]
mod tests;

use llm_types::auth::AzureAuth;
use llm_types::{Result, Secret};

use crate::flow::{Flow, denied};
use crate::shelf::{Issued, Key, KeyOf};
use facts::Facts;

pub(crate) fn key(need: &AzureAuth) -> Key {
    KeyOf::new("entra")
        .text(&need.scope)
        .maybe(need.authority.as_deref())
        .maybe(need.tenant_id.as_deref())
        .maybe(need.client_id.as_deref())
        .secret(need.client_secret.as_ref())
        .maybe(need.certificate.as_deref())
        .maybe(need.username.as_deref())
        .secret(need.password.as_ref())
        .secret(need.assertion.as_ref())
        .maybe(need.federated_token_file.as_deref())
        .text(if need.managed_identity { "machine" } else { "any" })
        .end()
}

/// A new token.
pub(crate) async fn fetch(flow: Flow<'_>, need: &AzureAuth) -> Result<Issued<Secret>> {
    let facts = Facts::of(flow.ambient, need)?;
    match &facts.proof {
        Some(proof) => directory::token(flow, &facts, proof).await,
        None => identity::token(flow, &facts).await?.ok_or_else(nothing),
    }
}

/// A token for `scope` from whatever the environment has.
pub(crate) async fn ambient_token(flow: Flow<'_>, scope: &str) -> Result<String> {
    let need = AzureAuth { scope: scope.to_owned(), ..AzureAuth::default() };
    Ok(fetch(flow, &need).await?.value.expose().to_owned())
}

fn nothing() -> llm_types::Error {
    denied(
        "there are no Azure credentials: no client secret, certificate, password or federated token in the parameters or \
         the environment, and the machine has no managed identity (az login is not looked at)",
    )
}
