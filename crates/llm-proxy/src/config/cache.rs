//! `cache` and `cache_params` → where the response cache lives.

use std::path::PathBuf;
use std::time::Duration;

use llm_blob::Cloud;
use llm_cache::semantic::{FlatLimits, Meaning, QdrantSettings};
use llm_cache::{CacheSettings, CacheType, disk};
use llm_kv::redis::RedisSettings;
use llm_types::{Json, Secret};

use super::env::Environment;
use super::node::{Node, Value};
use super::problem::Mark;
use super::section::Section;
use super::{Context, redis};

/// The response cache, as it is configured.
#[derive(Debug, Clone)]
pub struct CacheConfig {
    /// What is cached, how long, for whom.
    pub settings: CacheSettings,
    /// Where.
    pub place: Place,
    /// The parameters as they were written, references resolved.
    pub written: Json,
    /// The line that says so.
    pub origin: Origin,
}

/// A place in the configuration, for problems that show later.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The place.
    pub mark: Mark,
    /// The key there.
    pub key: String,
}

/// Where a cache lives.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this process.
    Memory,
    /// In a file in this folder, with so many bytes at most.
    Disk(PathBuf, u64),
    /// In Redis.
    Redis(RedisSettings),
    /// In memory, in front of Redis.
    Dual(RedisSettings),
    /// In a bucket.
    Bucket(Bucket),
    /// Somewhere where questions are compared by meaning.
    Semantic(Index, Meaning),
}

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

/// What compares questions.
#[derive(Debug, Clone)]
pub enum Index {
    /// This process.
    Flat(FlatLimits),
    /// Redis or Valkey with a search module; the index's name.
    Redis(RedisSettings, String),
    /// Qdrant.
    Qdrant(QdrantSettings),
}

/// A parameter, the option it is for a cloud, and the variables that stand in for it.
type Option3 = (Option<&'static str>, &'static str, &'static [&'static str]);

const S3: &[Option3] = &[
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

const GCS: &[Option3] = &[
    (Some("gcs_path_service_account"), "google_service_account", &[]),
    (None, "google_application_credentials", &["GOOGLE_APPLICATION_CREDENTIALS"]),
    (None, "google_base_url", &["STORAGE_EMULATOR_HOST"]),
];

const AZURE: &[Option3] = &[
    (Some("azure_account_url"), "azure_storage_endpoint", &[]),
    (None, "azure_storage_account_key", &["AZURE_STORAGE_ACCOUNT_KEY"]),
    (None, "azure_storage_tenant_id", &["AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"]),
    (None, "azure_storage_client_id", &["AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"]),
    (None, "azure_storage_client_secret", &["AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"]),
    (None, "azure_federated_token_file", &["AZURE_FEDERATED_TOKEN_FILE"]),
];

/// What [`CacheSettings`] reads by itself.
const SETTINGS: &str = "type namespace ttl default_in_memory_ttl default_in_redis_ttl mode supported_call_types
    tenant_isolation collapse_identical_requests local_max_entries local_max_bytes local_max_entry_bytes
    semantic_cache_scope enable_caching_on_provider_specific_optional_params";

/// Fine points that are not served.
const NOT_SERVED: &str = "s3_api_version s3_verify s3_config";

/// LiteLLM's limit for a call to Redis.
const DEADLINE: Duration = Duration::from_millis(100);

/// Reads the two. Without a type LiteLLM's gateway takes Redis.
pub(super) fn read(s: &Section<'_>, ctx: &Context<'_>) -> Option<CacheConfig> {
    let on = s.flag("cache");
    let own = s.flag("enable_caching_on_provider_specific_optional_params").unwrap_or_default();
    let params = s.section("cache_params");
    if on != Some(true) {
        return None;
    }
    let mut settings = match s.node("cache_params") {
        None => CacheSettings::default(),
        Some(_) => s.read::<CacheSettings>("cache_params")?,
    };
    settings.enable_caching_on_provider_specific_optional_params |= own;
    let named = params.as_ref().filter(|p| p.node("type").is_some());
    let origin = match named {
        Some(p) => Origin { mark: p.mark_of("type").clone(), key: s.path("cache_params.type") },
        None => Origin { mark: s.mark_of("cache").clone(), key: s.path("cache") },
    };
    let none = Node::new(Value::Map(Vec::new()), origin.mark.clone());
    let empty = Section::open(&none, s.path("cache_params"), s.problems())?;
    let p = params.as_ref().unwrap_or(&empty);
    let place = match settings.kind {
        CacheType::Local => Some(Place::Memory),
        CacheType::Redis => servers(p, ctx.env).map(Place::Redis),
        CacheType::Dual => servers(p, ctx.env).map(Place::Dual),
        CacheType::Disk => Some(disk_place(p)),
        CacheType::S3 => bucket(p, ctx.env, Cloud::S3, ("s3_bucket_name", "s3_path"), S3),
        CacheType::Gcs => bucket(p, ctx.env, Cloud::Gcs, ("gcs_bucket_name", "gcs_path"), GCS),
        CacheType::AzureBlob => bucket(p, ctx.env, Cloud::Azure, ("azure_blob_container", "azure_blob_path"), AZURE),
        CacheType::LocalSemantic => {
            let limits = flat(&settings);
            meaning(p, "semantic_cache_embedding_model").map(|m| Place::Semantic(Index::Flat(limits), m))
        }
        CacheType::RedisSemantic => {
            searched(p, ctx.env, ("redis_semantic_cache_embedding_model", "redis_semantic_cache_index_name"))
        }
        CacheType::ValkeySemantic => {
            searched(p, ctx.env, ("valkey_semantic_cache_embedding_model", "valkey_semantic_cache_index_name"))
        }
        CacheType::QdrantSemantic => qdrant(p, ctx.env),
    };
    if let Some(p) = &params {
        p.accept(SETTINGS);
        p.accept(redis::HARMLESS);
        p.accept("redis_flush_size");
        p.accept(redis::IDENTITY);
        p.not_served(NOT_SERVED);
        p.finish();
    }
    let written = s.node("cache_params").map_or_else(|| Json::Object(Vec::new()), Node::json);
    Some(CacheConfig { settings, place: place?, written, origin })
}

/// The Redis of the parameters, else that of the environment.
fn servers(p: &Section<'_>, env: &Environment) -> Option<RedisSettings> {
    redis::no_identities(p);
    let named = ["url", "redis_startup_nodes", "startup_nodes", "sentinel_nodes", "host"];
    let mut settings = if named.iter().any(|key| p.node(key).is_some_and(|node| !node.is_off())) {
        redis::read(p, &redis::PLAIN, env)?.settings
    } else {
        let Some(found) = redis::environment(env) else {
            p.error("type", "this cache needs host or url (or REDIS_HOST or REDIS_URL in the environment)");
            return None;
        };
        found
    };
    if p.node("socket_timeout").is_none() {
        settings.deadline = DEADLINE;
    }
    Some(settings)
}

fn searched(p: &Section<'_>, env: &Environment, (model, index): (&'static str, &'static str)) -> Option<Place> {
    let servers = servers(p, env);
    let meaning = meaning(p, model);
    let name = p.text(index).filter(|n| !n.is_empty()).unwrap_or_else(|| "litellm_semantic_cache_index".to_owned());
    Some(Place::Semantic(Index::Redis(servers?, name), meaning?))
}

fn disk_place(p: &Section<'_>) -> Place {
    let folder = p.text("disk_cache_dir").unwrap_or_else(|| ".litellm_cache".to_owned());
    Place::Disk(PathBuf::from(folder), p.whole("disk_max_bytes").unwrap_or(disk::BYTES))
}

fn bucket(
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
    let mut options: Vec<(String, Secret)> = Vec::new();
    for (param, option, variables) in table {
        let given = param.and_then(|param| p.secret(param)).filter(|value| !value.expose().is_empty());
        let found = given.or_else(|| variables.iter().find_map(|v| env.filled(v)).map(Secret::new));
        options.extend(found.map(|value| ((*option).to_owned(), value)));
    }
    if let Err(why) = more_options(cloud, p.flag("s3_use_ssl") == Some(false), &mut options) {
        p.error("type", why);
    }
    let folder = folder.filter(|f| !f.trim_matches('/').is_empty());
    Some(Place::Bucket(Bucket { cloud, name: bucket, folder, options }))
}

/// How a bucket of S3 or Google is reached, by the environment alone.
pub(super) fn environment_options(cloud: Cloud, env: &Environment) -> Vec<(String, Secret)> {
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

fn flat(settings: &CacheSettings) -> FlatLimits {
    let usual = FlatLimits::default();
    FlatLimits {
        items: settings.local_max_entries.unwrap_or(usual.items),
        bytes: settings.local_max_bytes.unwrap_or(usual.bytes),
        ttl: settings.default_ttl().unwrap_or(usual.ttl),
    }
}

fn meaning(p: &Section<'_>, model: &'static str) -> Option<Meaning> {
    let Some(threshold) = p.number("similarity_threshold") else {
        p.error("type", "this cache needs similarity_threshold");
        return None;
    };
    if !(0.0..=1.0).contains(&threshold) {
        p.error("similarity_threshold", "expected a number between 0 and 1");
        return None;
    }
    Some(Meaning {
        threshold: threshold as f32,
        model: p.text(model).unwrap_or_else(|| "text-embedding-ada-002".to_owned()),
        timeout: p.seconds("semantic_cache_embedding_timeout").unwrap_or(Duration::from_secs(5)),
        most_tokens: p.whole("semantic_cache_embedding_max_input_tokens").and_then(|n| usize::try_from(n).ok()),
    })
}

fn qdrant(p: &Section<'_>, env: &Environment) -> Option<Place> {
    let base = p.text("qdrant_api_base").or_else(|| env.filled("QDRANT_URL")).or_else(|| env.filled("QDRANT_API_BASE"));
    let key = p.secret("qdrant_api_key").or_else(|| env.filled("QDRANT_API_KEY").map(Secret::new));
    let collection = p.text("qdrant_collection_name").filter(|c| !c.is_empty());
    let size = p.whole("qdrant_semantic_cache_vector_size").and_then(|n| usize::try_from(n).ok());
    let quantization = quantization(p);
    let meaning = meaning(p, "qdrant_semantic_cache_embedding_model");
    let (Some(base), Some(collection)) = (base, collection) else {
        p.error("type", "this cache needs qdrant_api_base and qdrant_collection_name");
        return None;
    };
    let base = base.trim_end_matches('/').to_owned();
    let settings = QdrantSettings { base, key, collection, quantization: quantization?, size };
    meaning.map(|m| Place::Semantic(Index::Qdrant(settings), m))
}

/// `qdrant_quantization_config`: LiteLLM's three words, or Qdrant's own object. The inner `None` is no quantization.
fn quantization(p: &Section<'_>) -> Option<Option<Json>> {
    let Some(node) = p.node("qdrant_quantization_config").filter(|n| !n.is_off()) else { return Some(None) };
    let text = match node.text() {
        Some("binary") => r#"{"binary":{"always_ram":false}}"#,
        Some("scalar") => r#"{"scalar":{"type":"int8","quantile":0.99,"always_ram":false}}"#,
        Some("product") => r#"{"product":{"compression":"x16","always_ram":false}}"#,
        None if !node.entries().is_empty() => return Some(Some(node.json())),
        _ => {
            p.error("qdrant_quantization_config", "expected binary, scalar, product or a map");
            return None;
        }
    };
    Some(serde_json::from_str(text).ok())
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
