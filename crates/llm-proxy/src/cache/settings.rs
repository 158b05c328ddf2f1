//! `/cache/settings`: what the cache is configured with, and whether other settings would work. The shapes are LiteLLM's.

use llm_accounts::{hidden_cache, tried_cache};
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Response};
use llm_types::{Error, Json, Result};
use llm_wire::top::Top;

use super::{Opening, connect};
use crate::body::Reply;
use crate::config::{CacheConfig, Environment, Severity, Source, load_text};
use crate::errors::json;
use crate::models::answer;

/// Name, type, label, for which kind of Redis, and what it is.
type Field = (&'static str, &'static str, &'static str, Option<&'static str>, &'static str);

const FIELDS: &[Field] = &[
    ("redis_type", "String", "Redis Type", None, "One server, a cluster, or Sentinel"),
    ("url", "String", "Redis URL", None, "Address with everything in it; goes before host, port, login and database"),
    ("host", "String", "Host", None, "Name or address of the server"),
    ("port", "String", "Port", None, "Its port"),
    ("db", "Integer", "Database Index", None, "Number of the database"),
    ("password", "String", "Password", None, "Password to log in with"),
    ("username", "String", "Username", None, "Name to log in with"),
    ("ssl", "Boolean", "SSL", None, "Whether to speak TLS"),
    ("namespace", "String", "Namespace", None, "Put before every key"),
    ("ttl", "Float", "TTL (seconds)", None, "Lifetime of answers"),
    ("max_connections", "Integer", "Max Connections", None, "Taken, without effect: one connection carries all"),
    ("redis_startup_nodes", "List", "Startup Nodes", Some("cluster"), "Some nodes of the cluster"),
    ("sentinel_nodes", "List", "Sentinel Nodes", Some("sentinel"), "The sentinels"),
    ("service_name", "String", "Service Name", Some("sentinel"), "The sentinels' name for the master"),
    ("sentinel_password", "String", "Sentinel Password", Some("sentinel"), "Password of the sentinels"),
    ("similarity_threshold", "Float", "Similarity Threshold", Some("semantic"), "How like a question must be, up to 1"),
    (
        "redis_semantic_cache_embedding_model",
        "Models_Select",
        "Embedding Model",
        Some("semantic"),
        "The model group that makes vectors",
    ),
    ("ssl_cert_reqs", "String", "SSL Cert Reqs", None, "`none` accepts any certificate"),
];

const KINDS: &[(&str, &str)] = &[
    ("node", "One server"),
    ("cluster", "A cluster: the keys are spread over several servers"),
    ("sentinel", "Sentinel: another server takes over when one fails"),
];

/// `GET /cache/settings`.
#[must_use]
pub fn show(config: Option<&CacheConfig>) -> Response<Reply> {
    let current = config.map_or_else(|| Json::Object(Vec::new()), |config| hidden_cache(&config.written));
    let text = |text: Option<&str>| text.map_or(Json::Null, Json::from);
    let fields = FIELDS.iter().map(|(name, kind, label, redis, what)| {
        Json::object([
            ("field_name", Json::from(*name)),
            ("field_type", Json::from(*kind)),
            ("field_value", current.get(name).cloned().unwrap_or(Json::Null)),
            ("field_description", Json::from(*what)),
            ("field_default", if *name == "redis_type" { Json::from("node") } else { Json::Null }),
            ("ui_field_name", Json::from(*label)),
            ("redis_type", text(*redis)),
        ])
    });
    let fields = Json::Array(fields.collect());
    let kinds = Json::Object(KINDS.iter().map(|(name, what)| ((*name).to_owned(), Json::from(*what))).collect());
    answer(&Json::object([("fields", fields), ("current_values", current), ("redis_type_descriptions", kinds)]))
}

/// `POST /cache/settings/test`: opens a cache with these settings and asks it. What comes back hidden is what `there` has; it
/// and the environment count for the place that `there` says, and for no other.
///
/// # Errors
/// 400 for a body without settings, and as [`tried_cache`].
pub async fn test(body: &[u8], there: &Json, env: &Environment, with: &Opening<'_>) -> Result<Response<Reply>> {
    let given = Top::parse(body)?.read::<Json>("cache_settings").unwrap_or_default();
    let Some(given) = given.as_object() else {
        return Err(Error::bad_request("cache_settings: an object is needed").with_param("cache_settings"));
    };
    let (mut settings, at_home) = tried_cache(given, there)?;
    let nothing = Environment::of::<String, String>([]);
    let env = if at_home { env } else { &nothing };
    settings.remove("redis_type"); // told by the form of the admin interface, of no use here
    let params = [("cache", Json::Bool(true)), ("cache_params", settings)];
    let text = Json::object([("litellm_settings", Json::object(params))]).to_string();
    let (loaded, problems) = load_text(&text, "cache_settings", Path::new(""), &Source::default(), env);
    let wrong = problems.into_iter().filter(|p| p.severity == Severity::Error && p.key.contains("cache"));
    let mut wrong: Vec<String> = wrong.map(|p| format!("{}: {}", p.key, p.message)).collect();
    if let Some(config) = loaded.and_then(|loaded| loaded.cache) {
        let (_, problem) = connect(&config, with).await;
        wrong.extend(problem.map(|p| p.message));
    } else if wrong.is_empty() {
        wrong.push("these are no settings of a cache".to_owned());
    }
    let body = match wrong.is_empty() {
        true => Json::object([
            ("status", Json::from("success")),
            ("message", Json::from("Cache connection test successful")),
            ("error", Json::Null),
        ]),
        false => {
            let why = wrong.join("; ");
            Json::object([
                ("status", Json::from("failed")),
                ("message", Json::from(format!("Cache connection test failed: {why}"))),
                ("error", Json::from(why)),
            ])
        }
    };
    Ok(json(200, Bytes::from(body.to_string()), HeaderMap::new()))
}
