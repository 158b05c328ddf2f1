//! Google Secret Manager.
//!
//! Wire facts: <https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access>.

mod read;

use llm_http::BoxFuture;
use llm_types::auth::GoogleAuth;
use llm_types::{AuthNeed, Result, Secret};

use super::desk::Desk;
use super::{Vault, VaultKind};

/// A project and who we are there.
#[derive(Debug)]
pub(super) struct GoogleSecrets {
    desk: Desk,
    need: AuthNeed,
    base: String,
    project: String,
}

impl GoogleSecrets {
    pub(super) fn open(desk: Desk) -> Result<Self> {
        let project = desk.needed("GOOGLE_SECRET_MANAGER_PROJECT_ID")?;
        let named = desk.ambient.var("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER");
        let base = named.unwrap_or_else(|| "https://secretmanager.googleapis.com/".to_owned());
        let credentials = desk.ambient.var("GCS_PATH_SERVICE_ACCOUNT").map(Secret::new);
        let need = AuthNeed::Google(Box::new(GoogleAuth { credentials, ..GoogleAuth::default() }));
        Ok(GoogleSecrets { desk, need, base, project })
    }
}

impl Vault for GoogleSecrets {
    fn kind(&self) -> VaultKind {
        VaultKind::GoogleSecrets
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(self, name))
    }
}
