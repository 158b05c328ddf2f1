//! A cache in a bucket, and how the environment says that buckets are reached.

use llm_blob::Cloud;
use llm_types::Secret;

use super::Place;
use crate::config::env::Environment;
use crate::config::section::Section;

/// A bucket of a cloud.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Whose.
    pub cloud: Cloud,
    /// Its name.
    pub name: String,
    /// The folder in it.
    pub folder: Option<String>,
    /// How it is reached, in the words of [`llm_blob::Bucket::open`].
    pub options: Vec<(String, Secret)>,
}

/// A parameter, the option it is for a cloud, and the variables that stand in for it.
pub(super) type Option3 = (Option<&'static str>, &'static str, &'static [&'static str]);

pub(super) const S3: &[Option3] = &[
    (Some("s3_region_name"), "aws_region", &["AWS_REGION", "AWS_REGION_NAME", "AWS_DEFAULT_REGION"]),
    (Some("s3_endpoint_url"), "aws_endpoint", &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
    (Some("s3_aws_access_key_id"), "aws_access_key_id", &["AWS_ACCESS_KEY_ID"]),
    (Some("s3_aws_secret_access_key"), "aws_secret_access_key", &["AWS_SECRET_ACCESS_KEY"]),
    (Some("s3_aws_session_token"), "aws_session_token", &["AWS_SESSION_TOKEN"]),
    (None, "aws_web_identity_token_file", &["AWS_WEB_IDENTITY_TOKEN_FILE"]),
    (None, "aws_role_arn", &["AWS_ROLE_ARN"]),
    (None, "aws_role_session_name", &["AWS_ROLE_SESSION_NAME"]),
    (None, "aws_container_credentials_relative_uri", &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]),
    (None, "aws_container_credentials_full_uri", &["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
    (None, "aws_container_authorization_token_file", &["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]),
];

pub(super) const GCS: &[Option3] = &[
    (Some("gcs_path_service_account"), "google_service_account", &[]),
    (None, "google_application_credentials", &["GOOGLE_APPLICATION_CREDENTIALS"]),
    (None, "google_base_url", &["STORAGE_EMULATOR_HOST"]),
];

pub(super) const AZURE: &[Option3] = &[
    (Some("azure_account_url"), "azure_storage_endpoint", &[]),
    (None, "azure_storage_account_key", &["AZURE_STORAGE_ACCOUNT_KEY"]),
    (None, "azure_storage_tenant_id", &["AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"]),
    (None, "azure_storage_client_id", &["AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"]),
    (None, "azure_storage_client_secret", &["AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"]),
    (None, "azure_federated_token_file", &["AZURE_FEDERATED_TOKEN_FILE"]),
];

pub(super) fn bucket(
    p: &Section<'_>,
    env: &Environment,
    cloud: Cloud,
    (name, folder): (&'static str, &'static str),
    table: &[Option3],
) -> Option<Place> {
    let (bucket, folder) = (p.text(name).filter(|n| !n.is_empty()), p.text(folder));
    let Some(bucket) = bucket else {
        p.error("type", format!("this cache needs {name}"));
        return None;
    };
    let mut options = said(Some(p), env, table);
    if let Err(why) = more_options(cloud, p.flag("s3_use_ssl") == Some(false), &mut options) {
        p.error("type", why);
    }
    let folder = folder.filter(|f| !f.trim_matches('/').is_empty());
    Some(Place::Bucket(Bucket { cloud, name: bucket, folder, options }))
}

/// Options as parameters say them, else the environment.
fn said(p: Option<&Section<'_>>, env: &Environment, table: &[Option3]) -> Vec<(String, Secret)> {
    let mut options: Vec<(String, Secret)> = Vec::new();
    for (param, option, variables) in table {
        let given = param.and_then(|param| p?.secret(param)).filter(|value| !value.expose().is_empty());
        let found = given.or_else(|| variables.iter().find_map(|v| env.filled(v)).map(Secret::new));
        options.extend(found.map(|value| ((*option).to_owned(), value)));
    }
    options
}

/// The bucket of S3 that these parameters (`s3_...`) and the environment say.
pub(in crate::config) fn s3(name: String, p: &Section<'_>, env: &Environment) -> Result<Bucket, &'static str> {
    let mut options = said(Some(p), env, S3);
    more_options(Cloud::S3, p.flag("s3_use_ssl") == Some(false), &mut options)?;
    Ok(Bucket { cloud: Cloud::S3, name, folder: None, options })
}

/// A container of Azure's that the environment says.
pub(in crate::config) fn azure(name: String, endpoint: String, env: &Environment) -> Result<Bucket, &'static str> {
    let mut options = said(None, env, AZURE);
    options.push(("azure_storage_endpoint".to_owned(), Secret::new(endpoint)));
    more_options(Cloud::Azure, false, &mut options)?;
    Ok(Bucket { cloud: Cloud::Azure, name, folder: None, options })
}

/// How a bucket of S3 or Google is reached, by the environment alone.
pub(in crate::config) fn environment_options(cloud: Cloud, env: &Environment) -> Vec<(String, Secret)> {
    let table = if cloud == Cloud::Gcs { GCS } else { S3 };
    let found = |(_, option, variables): &Option3| {
        let value = variables.iter().find_map(|variable| env.filled(variable))?;
        Some(((*option).to_owned(), Secret::new(value)))
    };
    let mut options: Vec<(String, Secret)> = table.iter().filter_map(found).collect();
    // Only Azure's can fail, whose account is no variable.
    if more_options(cloud, false, &mut options).is_err() {
        options.clear();
    }
    options
}

/// What follows from the other options.
fn more_options(cloud: Cloud, plain_s3: bool, options: &mut Vec<(String, Secret)>) -> Result<(), &'static str> {
    let value = |name: &str| options.iter().find(|(n, _)| n == name).map(|(_, v)| v.expose().to_owned());
    let mut more: Vec<(&str, String)> = Vec::new();
    let plain = |address: &str| address.starts_with("http://");
    match cloud {
        Cloud::S3 => {
            let endpoint = value("aws_endpoint");
            if endpoint.as_deref().is_some_and(plain) || plain_s3 {
                more.push(("aws_allow_http", "true".to_owned()));
            }
            if value("aws_region").is_none() {
                more.push(("aws_region", "us-east-1".to_owned()));
            }
        }
        Cloud::Gcs => {
            if value("google_base_url").is_some() {
                // An emulator takes any token.
                more.push(("google_bearer_token", "emulator".to_owned()));
                more.push(("allow_http", "true".to_owned()));
            }
        }
        Cloud::Azure => match value("azure_storage_endpoint") {
            Some(address) => {
                more.push(("azure_storage_account_name", account_of(&address)));
                if plain(&address) {
                    more.push(("allow_http", "true".to_owned()));
                }
            }
            None => return Err("this cache needs azure_account_url"),
        },
    }
    options.extend(more.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))));
    Ok(())
}

/// The account: first label of the host, or, of an address without names, first part of the path.
fn account_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.split(':').next().unwrap_or(authority);
    let numeric = host == "localhost" || host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let account = if numeric { path.split('/').next() } else { host.split('.').next() };
    account.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::account_of;

    #[test]
    fn accounts_are_found_in_addresses() {
        assert_eq!(account_of("https://acme.blob.core.windows.net"), "acme");
        assert_eq!(account_of("http://127.0.0.1:10000/devstoreaccount1"), "devstoreaccount1");
        assert_eq!(account_of("http://localhost:10000/dev/"), "dev");
    }
}
