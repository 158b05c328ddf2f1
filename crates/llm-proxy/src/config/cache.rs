//! `cache` and `cache_params` → where the response cache lives.

mod bucket;

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
pub use bucket::Bucket;
use bucket::{AZURE, GCS, S3, bucket};
pub(super) use bucket::{azure as azure_bucket, environment_options, s3 as s3_bucket};

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
