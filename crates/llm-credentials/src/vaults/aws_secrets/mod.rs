//! AWS Secrets Manager.
//!
//! Wire facts: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/>, JSON 1.1.

mod read;
mod write;

use llm_http::BoxFuture;
use llm_types::{Result, Secret};

use super::aws_json::AwsJson;
use super::desk::Desk;
use super::{Vault, VaultKind, VaultSettings};

/// The service in a region, and who we are there.
#[derive(Debug)]
pub(super) struct AwsSecrets {
    aws: AwsJson,
    settings: VaultSettings,
}

impl AwsSecrets {
    pub(super) fn open(desk: Desk, settings: &VaultSettings) -> Self {
        let aws = AwsJson::new(desk, "secretsmanager", "secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER", settings);
        AwsSecrets { aws, settings: settings.clone() }
    }
}

impl Vault for AwsSecrets {
    fn kind(&self) -> VaultKind {
        VaultKind::AwsSecrets
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(self, name))
    }

    fn keep<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::keep(self, name, value))
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::forget(self, name))
    }
}
