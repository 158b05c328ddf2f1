//! Azure Key Vault: secrets.
//!
//! Wire facts: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>.

mod read;

use llm_http::BoxFuture;
use llm_types::auth::AzureAuth;
use llm_types::{AuthNeed, Result, Secret};

use super::desk::Desk;
use super::{Vault, VaultKind};

/// Whom tokens are for; other clouds have other names (`AZURE_KEY_VAULT_SCOPE`, ours).
const SCOPE: &str = "https://vault.azure.net/.default";

/// A vault and who we are there.
#[derive(Debug)]
pub(super) struct KeyVault {
    desk: Desk,
    need: AuthNeed,
    base: String,
}

impl KeyVault {
    pub(super) fn open(desk: Desk) -> Result<Self> {
        let base = desk.needed("AZURE_KEY_VAULT_URI")?;
        let scope = desk.ambient.var("AZURE_KEY_VAULT_SCOPE").unwrap_or_else(|| SCOPE.to_owned());
        let need = AuthNeed::Azure(Box::new(AzureAuth { scope, ..AzureAuth::default() }));
        Ok(KeyVault { desk, need, base })
    }
}

impl Vault for KeyVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Azure
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(self, name))
    }
}
