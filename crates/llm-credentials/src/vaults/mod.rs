//! Services that keep secrets under names: LiteLLM's secret managers (`key_management_system`).
//!
//! | file | what |
//! |---|---|
//! | `kind` | which services there are: names, variables, how long what they say is believed |
//! | `desk` | what all of them work with: the way out, variables, tokens |
//! | `aws_json` | calls of AWS services |
//! | `place` | another place in the same vault |
//! | `primary` | one secret that holds many, as a JSON object |
//! | `hashicorp`, `conjur`, `aws_secrets` | services that are read and written |
//! | `google_secrets`, `azure` | services that are read |
//! | `sealed` | the environment, where it holds what a key service (AWS KMS, Google KMS) opens |
//!
//! Each has the same files: `mod` (where it is and who we are there), `read`, and `write` where it is written.

mod aws_json;
mod aws_secrets;
mod azure;
mod conjur;
mod desk;
mod google_secrets;
mod hashicorp;
mod kind;
mod place;
mod primary;
mod sealed;

use std::fmt;
use std::sync::Arc;

use llm_http::{BoxFuture, Transport};
use llm_types::{Json, Result, Secret};

use crate::flow::denied;
use crate::{Ambient, SecretError, SecretSource};
use desk::Desk;
pub use kind::{VaultKind, WireNeeds};
pub use place::VaultPlace;
pub use primary::Primary;

/// A service that keeps secrets under names.
pub trait Vault: Send + Sync + fmt::Debug {
    /// What it is called, for messages.
    fn kind(&self) -> VaultKind;

    /// Proves who we are and asks nothing else; where the service is.
    ///
    /// # Errors
    /// As [`Vault::read`]; always for services that cannot be asked who we are.
    fn greet(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(std::future::ready(Err(denied(format!("{} cannot be tried", self.kind().name())))))
    }

    /// False for a name that it could not have: it is not asked for it.
    fn may_hold(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// The secret of that name; `None` when the service has none.
    ///
    /// # Errors
    /// When the service cannot be reached, refuses us, or the name is none that it could have.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>>;

    /// Keeps a secret under a name, in place of what was there.
    ///
    /// # Errors
    /// As [`Vault::read`]; always for services that are only read.
    fn keep<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        let _ = (name, value);
        Box::pin(std::future::ready(Err(only_read(self.kind()))))
    }

    /// The same service, at another place in it. Nothing is asked.
    ///
    /// # Errors
    /// For services that have no such places, and places that none could be at.
    fn at(self: Arc<Self>, place: &VaultPlace) -> Result<Arc<dyn Vault>> {
        let _ = place;
        Err(denied(format!("secrets of {} lie in one place", self.kind().name())))
    }

    /// Lets go of the secret of that name, if there is one.
    ///
    /// # Errors
    /// As [`Vault::keep`].
    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        let _ = name;
        Box::pin(std::future::ready(Err(only_read(self.kind()))))
    }
}

fn only_read(kind: VaultKind) -> llm_types::Error {
    denied(format!("{} is only read here", kind.name()))
}

/// What a configuration says of a vault beside its kind. Fields that a kind does not know have no effect.
#[derive(Debug, Clone, Default)]
pub struct VaultSettings {
    /// What is noted beside secrets that are written.
    pub description: Option<String>,
    /// Labels of secrets that are written (AWS).
    pub tags: Vec<(String, String)>,
    /// Who we are for AWS; the service is filled in here.
    pub aws: llm_types::auth::AwsAuth,
    /// The key that AWS seals new secrets with.
    pub kms_key_id: Option<String>,
    /// Regions of AWS into which new secrets are copied.
    pub replica_regions: Vec<String>,
}

/// Opens a vault. Nothing is asked yet. `wire` makes the way out, with what this vault wants of it.
///
/// # Errors
/// When a variable is missing that says where the vault is or who we are.
pub fn open(
    kind: VaultKind,
    settings: &VaultSettings,
    ambient: Ambient,
    wire: impl FnOnce(&WireNeeds) -> Arc<dyn Transport>,
) -> Result<Arc<dyn Vault>> {
    let http = wire(&kind.wire(&ambient));
    let desk = Desk::new(http, ambient);
    Ok(match kind {
        VaultKind::Hashicorp => Arc::new(hashicorp::Hashicorp::open(desk, settings)?),
        VaultKind::Conjur => Arc::new(conjur::Conjur::open(desk)?),
        VaultKind::AwsSecrets => Arc::new(aws_secrets::AwsSecrets::open(desk, settings)),
        VaultKind::GoogleSecrets => Arc::new(google_secrets::GoogleSecrets::open(desk)?),
        VaultKind::Azure => Arc::new(azure::KeyVault::open(desk)?),
        VaultKind::AwsKms | VaultKind::GoogleKms => Arc::new(sealed::Sealed::open(desk, kind, settings)?),
    })
}

/// A vault as a source of secrets. What the vault itself needs to be reached is never asked of it, and what is no name for it
/// is not there.
#[derive(Debug, Clone)]
pub struct Asked(pub Arc<dyn Vault>);

impl SecretSource for Asked {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::result::Result<Option<Secret>, SecretError>> {
        let kind = self.0.kind();
        if kind.needs(name) || !self.0.may_hold(name) {
            return Box::pin(std::future::ready(Ok(None)));
        }
        Box::pin(async move {
            let read = self.0.read(name).await;
            read.map_err(|error| SecretError::Unavailable { source_name: kind.name(), message: error.message })
        })
    }
}

/// The value of a field as the text of a secret.
fn field(object: &Json, name: &str) -> Option<Secret> {
    match object.get(name)? {
        Json::String(text) => Some(Secret::new(text.as_str())),
        value @ (Json::Number(_) | Json::Bool(_)) => Some(Secret::new(value.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
