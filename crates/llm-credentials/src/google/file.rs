//! Credentials as Google's tools write them, and where the default ones are.

use std::collections::HashMap;
use std::path::PathBuf;

use llm_types::{Result, Secret};
use serde::Deserialize;

use crate::Ambient;
use crate::ambient::{read, read_if_there};
use crate::flow::denied;

/// Where credentials were found.
pub(super) enum Source {
    /// In a file or a parameter.
    File(Box<Credentials>),
    /// Nowhere: the machine itself may have an account.
    Machine,
}

/// A credentials file.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Credentials {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(User),
    #[serde(rename = "external_account_authorized_user")]
    ExternalUser(ExternalUser),
    #[serde(rename = "external_account")]
    External(Box<External>),
    #[serde(rename = "impersonated_service_account")]
    Impersonated(Impersonated),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) client_email: String,
    pub(super) private_key: Secret,
    pub(super) private_key_id: Option<String>,
    pub(super) token_uri: Option<String>,
    project_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Secret,
    pub(super) token_uri: Option<String>,
    quota_project_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ExternalUser {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Secret,
    pub(super) token_url: String,
    quota_project_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Impersonated {
    pub(super) service_account_impersonation_url: String,
    #[serde(default)]
    pub(super) delegates: Vec<String>,
    pub(super) source_credentials: Box<Credentials>,
    quota_project_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct External {
    pub(super) audience: String,
    pub(super) subject_token_type: String,
    pub(super) token_url: String,
    pub(super) credential_source: CredentialSource,
    pub(super) service_account_impersonation_url: Option<String>,
    pub(super) service_account_impersonation: Option<Lifetime>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
    pub(super) workforce_pool_user_project: Option<String>,
    project_id: Option<String>,
    quota_project_id: Option<String>,
    // LiteLLM's own: how to get the AWS keys that vouch for us.
    pub(super) aws_access_key_id: Option<Secret>,
    pub(super) aws_secret_access_key: Option<Secret>,
    pub(super) aws_session_token: Option<Secret>,
    pub(super) aws_region_name: Option<String>,
    pub(super) aws_session_name: Option<String>,
    pub(super) aws_profile_name: Option<String>,
    pub(super) aws_role_name: Option<String>,
    pub(super) aws_web_identity_token: Option<Secret>,
    pub(super) aws_sts_endpoint: Option<String>,
    pub(super) aws_external_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Lifetime {
    pub(super) token_lifetime_seconds: Option<u32>,
}

/// Where the token of whoever vouches for us is.
#[derive(Deserialize)]
pub(super) struct CredentialSource {
    pub(super) file: Option<PathBuf>,
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) headers: HashMap<String, String>,
    #[serde(default)]
    pub(super) format: TokenFormat,
    pub(super) environment_id: Option<String>,
    pub(super) region_url: Option<String>,
    pub(super) regional_cred_verification_url: Option<String>,
    pub(super) imdsv2_session_token_url: Option<String>,
    pub(super) executable: Option<serde::de::IgnoredAny>,
    pub(super) certificate: Option<serde::de::IgnoredAny>,
}

/// How that token is written.
#[derive(Deserialize, Default)]
pub(super) struct TokenFormat {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) subject_token_field_name: Option<String>,
}

impl Credentials {
    /// The project that the file names.
    pub(super) fn project(&self) -> Option<&str> {
        match self {
            Credentials::ServiceAccount(account) => account.project_id.as_deref(),
            Credentials::AuthorizedUser(user) => user.quota_project_id.as_deref(),
            Credentials::ExternalUser(user) => user.quota_project_id.as_deref(),
            Credentials::External(external) => external.project_id.as_deref().or(external.quota_project_id.as_deref()),
            Credentials::Impersonated(impersonated) => {
                impersonated.quota_project_id.as_deref().or_else(|| impersonated.source_credentials.project())
            }
            Credentials::Other => None,
        }
    }
}

/// The given credentials, JSON text or a file's path; without them the application default ones:
/// `GOOGLE_APPLICATION_CREDENTIALS`, then what `gcloud auth application-default login` left.
pub(super) async fn find(ambient: &Ambient, given: Option<&Secret>) -> Result<Source> {
    if let Some(given) = given.map(Secret::expose).filter(|text| !text.trim().is_empty()) {
        let text = match given.trim_start().starts_with('{') {
            true => given.to_owned(),
            false => read(&ambient.path(given.trim()), "the file of the Google credentials").await?,
        };
        return parse(&text, "the Google credentials");
    }
    if let Some(path) = ambient.var("GOOGLE_APPLICATION_CREDENTIALS") {
        let what = "the file of GOOGLE_APPLICATION_CREDENTIALS";
        return parse(&read(&ambient.path(&path), what).await?, what);
    }
    if let Some(folder) = gcloud(ambient) {
        let what = "gcloud's application default credentials";
        if let Some(text) = read_if_there(&folder.join("application_default_credentials.json"), what).await? {
            return parse(&text, what);
        }
    }
    Ok(Source::Machine)
}

fn gcloud(ambient: &Ambient) -> Option<PathBuf> {
    if let Some(folder) = ambient.var("CLOUDSDK_CONFIG") {
        return Some(PathBuf::from(folder));
    }
    match ambient.var("APPDATA").filter(|_| cfg!(windows)) {
        Some(folder) => Some(PathBuf::from(folder).join("gcloud")),
        None => Some(ambient.home()?.join(".config/gcloud")),
    }
}

fn parse(text: &str, what: &str) -> Result<Source> {
    // The parser's message may quote the text, and with it the key.
    let credentials = serde_json::from_str(text).map_err(|error| {
        let why = match error.classify() {
            serde_json::error::Category::Data => "they lack a field, or have one of the wrong kind",
            _ => "they are not JSON",
        };
        denied(format!("{what}: {why} (line {} column {})", error.line(), error.column()))
    })?;
    Ok(Source::File(Box::new(credentials)))
}
