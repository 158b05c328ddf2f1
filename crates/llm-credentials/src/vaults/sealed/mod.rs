//! The environment, where it holds values that were sealed with a key service: AWS KMS, Google Cloud KMS.
//!
//! A variable holds the sealed value in base64. Wire facts:
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>,
//! <https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys/decrypt>.

mod read;

use llm_http::BoxFuture;
use llm_types::auth::GoogleAuth;
use llm_types::{AuthNeed, Result, Secret};

use super::aws_json::AwsJson;
use super::desk::{Desk, below};
use super::{Vault, VaultKind, VaultSettings};

/// A service that opens what was sealed with its keys.
#[derive(Debug)]
pub(super) enum Sealed {
    Aws(AwsJson),
    Google { desk: Desk, need: AuthNeed, url: String },
}

impl Sealed {
    pub(super) fn open(desk: Desk, kind: VaultKind, settings: &VaultSettings) -> Result<Self> {
        if kind == VaultKind::AwsKms {
            return Ok(Self::Aws(AwsJson::new(desk, "kms", "TrentService", "AWS_ENDPOINT_URL_KMS", settings)));
        }
        let key = desk.needed("GOOGLE_KMS_RESOURCE_NAME")?;
        let named = desk.ambient.var("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS");
        let base = named.unwrap_or_else(|| "https://cloudkms.googleapis.com/".to_owned());
        let path = ["v1"].into_iter().chain(key.split('/').filter(|segment| !segment.is_empty()));
        let url = format!("{}:decrypt", below(&base, path)?);
        Ok(Self::Google { need: AuthNeed::Google(Box::<GoogleAuth>::default()), desk, url })
    }

    fn desk(&self) -> &Desk {
        match self {
            Self::Aws(aws) => &aws.desk,
            Self::Google { desk, .. } => desk,
        }
    }
}

impl Vault for Sealed {
    fn kind(&self) -> VaultKind {
        match self {
            Self::Aws(_) => VaultKind::AwsKms,
            Self::Google { .. } => VaultKind::GoogleKms,
        }
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(self, name))
    }
}
