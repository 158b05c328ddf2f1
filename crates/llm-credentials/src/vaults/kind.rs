//! Which vaults there are.

use std::path::PathBuf;
use std::time::Duration;

use crate::Ambient;
use crate::cached::DEFAULT_LIFETIME;

/// A kind of vault, by LiteLLM's `key_management_system`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultKind {
    /// AWS KMS, which opens sealed values of the environment.
    AwsKms,
    /// AWS Secrets Manager.
    AwsSecrets,
    /// Azure Key Vault.
    Azure,
    /// CyberArk Conjur.
    Conjur,
    /// Google Cloud KMS, which opens sealed values of the environment.
    GoogleKms,
    /// Google Secret Manager.
    GoogleSecrets,
    /// HashiCorp Vault and OpenBao.
    Hashicorp,
}

/// What a vault wants of the way out to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WireNeeds {
    /// Files of our certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Its certificate is not checked.
    pub unchecked: bool,
}

struct Row {
    kind: VaultKind,
    name: &'static str,
    writes: bool,
    /// Says for how many seconds what it said is believed.
    lifetime: Option<&'static str>,
    usual: Duration,
    /// Variables that lead to the vault itself; a `*` at the end stands for anything.
    own: &'static [&'static str],
    identity: Option<(&'static str, &'static str)>,
    verify: Option<&'static str>,
}

/// LiteLLM's list; nobody can ask AWS for the keys that asking AWS takes.
const AWS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION_NAME",
    "AWS_REGION",
    "AWS_BEDROCK_RUNTIME_ENDPOINT",
];
const GOOGLE: &[&str] = &["GOOGLE_APPLICATION_CREDENTIALS", "GCS_PATH_SERVICE_ACCOUNT", "GOOGLE_SECRET_MANAGER_*"];

const USUAL: Row = Row {
    kind: VaultKind::AwsKms,
    name: "aws_kms",
    writes: false,
    lifetime: None,
    usual: DEFAULT_LIFETIME,
    own: AWS,
    identity: None,
    verify: None,
};

const ROWS: [Row; 7] = [
    USUAL,
    Row { kind: VaultKind::AwsSecrets, name: "aws_secret_manager", writes: true, ..USUAL },
    Row { kind: VaultKind::Azure, name: "azure_key_vault", own: &["AZURE_KEY_VAULT_URI"], ..USUAL },
    Row {
        kind: VaultKind::Conjur,
        name: "cyberark",
        writes: true,
        lifetime: Some("CYBERARK_REFRESH_INTERVAL"),
        usual: Duration::from_secs(300),
        own: &["CYBERARK_*"],
        identity: Some(("CYBERARK_CLIENT_CERT", "CYBERARK_CLIENT_KEY")),
        verify: Some("CYBERARK_SSL_VERIFY"),
    },
    Row { kind: VaultKind::GoogleKms, name: "google_kms", own: GOOGLE, ..USUAL },
    Row {
        kind: VaultKind::GoogleSecrets,
        name: "google_secret_manager",
        lifetime: Some("GOOGLE_SECRET_MANAGER_REFRESH_INTERVAL"),
        own: GOOGLE,
        ..USUAL
    },
    Row {
        kind: VaultKind::Hashicorp,
        name: "hashicorp_vault",
        writes: true,
        lifetime: Some("HCP_VAULT_REFRESH_INTERVAL"),
        own: &["HCP_VAULT_*"],
        identity: Some(("HCP_VAULT_CLIENT_CERT", "HCP_VAULT_CLIENT_KEY")),
        ..USUAL
    },
];

/// The general variable for how long secrets are believed.
const LIFETIME: &str = "SECRET_MANAGER_REFRESH_INTERVAL";
/// Secrets of Google are asked for anew each time the configuration is read.
const ALWAYS: &str = "GOOGLE_SECRET_MANAGER_ALWAYS_READ_SECRET_MANAGER";

impl VaultKind {
    /// The kind that LiteLLM calls so.
    pub fn parse(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.kind)
    }

    /// The names of all, in order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|row| row.name)
    }

    fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.kind == self).unwrap_or(&USUAL)
    }

    /// LiteLLM's name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// True for those that are written, too.
    pub fn writes(self) -> bool {
        self.row().writes
    }

    /// For how long a secret is believed.
    pub fn lifetime(self, ambient: &Ambient) -> Duration {
        if self == Self::GoogleSecrets && ambient.flag(ALWAYS) {
            return Duration::ZERO;
        }
        let row = self.row();
        let said = |name: &str| ambient.var(name)?.trim().parse().ok().map(Duration::from_secs);
        let general = || (row.usual == DEFAULT_LIFETIME).then(|| said(LIFETIME)).flatten();
        row.lifetime.and_then(said).or_else(general).unwrap_or(row.usual)
    }

    /// True for a variable that leads to the vault itself.
    pub fn needs(self, name: &str) -> bool {
        self.row().own.iter().any(|own| match own.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => *own == name,
        })
    }

    /// What it wants of the way out.
    pub(super) fn wire(self, ambient: &Ambient) -> WireNeeds {
        let row = self.row();
        let identity = row.identity.and_then(|(certificate, key)| Some((ambient.var(certificate)?, ambient.var(key)?)));
        let off = |name| ambient.var(name).is_some_and(|text| text.trim().eq_ignore_ascii_case("false"));
        WireNeeds {
            identity: identity.map(|(certificate, key)| (certificate.into(), key.into())),
            unchecked: row.verify.is_some_and(off),
        }
    }
}
