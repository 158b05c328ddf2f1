//! `/cache/*`, with LiteLLM's answers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response};
use llm_cache::{Cache, CacheError, Entry, Place};
use llm_types::{Error, Json, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::errors::json;
use crate::models::answer;

const NONE: &str = "Cache not initialized. litellm.cache is None";

/// Written to see whether Redis takes writes.
const TEST_KEY: &str = "llm-proxy:cache-ping";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET /cache/ping`
    Ping,
    /// `POST /cache/delete`
    Delete,
    /// `POST /cache/flushall`
    Flush,
    /// `GET /cache/redis/info`
    Info,
}

/// Answers one of the endpoints.
///
/// # Errors
/// 400 for a body that cannot be read.
pub async fn serve(cache: Option<&Cache>, verb: Verb, body: &[u8]) -> Result<Response<Reply>> {
    Ok(match (verb, cache) {
        (Verb::Ping, None) => ping_failed(NONE, Json::Null),
        (Verb::Ping, Some(cache)) => ping(cache).await,
        (Verb::Delete, None) => detail(500, &format!("Cache Delete Failed(503: {NONE})")),
        (Verb::Delete, Some(cache)) => delete(cache, body).await?,
        (Verb::Flush | Verb::Info, None) => detail(503, &format!("Service Unhealthy (503: {NONE})")),
        (Verb::Flush, Some(cache)) => match flush(cache).await {
            Ok(()) => success(),
            Err(error) => unhealthy(&error),
        },
        (Verb::Info, Some(cache)) => info(cache).await,
    })
}

async fn ping(cache: &Cache) -> Response<Reply> {
    let kind = cache.settings().kind;
    let shown = shown(cache);
    let pinged = match cache.place() {
        Place::Exact(backend) => backend.ping().await,
        Place::Semantic(semantic) => semantic.ping().await,
    };
    if let Err(error) = pinged {
        return ping_failed(&format!("Service Unhealthy ({error})"), shown);
    }
    let set = match cache.place() {
        Place::Exact(backend) if kind.is_redis() => {
            let entry = Entry::new(Bytes::from_static(b"{}"), SystemTime::now());
            match backend.set(TEST_KEY, entry, Some(Duration::from_secs(60))).await {
                Ok(()) => Json::from("success"),
                Err(error) => return ping_failed(&format!("Service Unhealthy ({error})"), shown),
            }
        }
        _ => Json::Null,
    };
    answer(&Json::object([
        ("status", Json::from("healthy")),
        ("cache_type", Json::from(kind.name())),
        ("ping_response", if kind.is_redis() { Json::from(true) } else { Json::Null }),
        ("set_cache_response", set),
        ("litellm_cache_params", Json::from(shown.to_string())),
        ("health_check_cache_params", Json::Null),
    ]))
}

/// What may be told of the settings: no connection, no secrets.
fn shown(cache: &Cache) -> Json {
    let settings = cache.settings();
    let seconds = |ttl: Option<Duration>| ttl.map_or(Json::Null, |t| Json::from(t.as_secs_f64().to_string()));
    let text = |text: Option<&str>| text.map_or(Json::Null, Json::from);
    Json::object([
        ("type", Json::from(settings.kind.name())),
        ("namespace", text(settings.namespace.as_deref())),
        ("ttl", seconds(settings.default_ttl())),
        ("mode", Json::from(settings.mode.name())),
    ])
}

fn ping_failed(why: &str, params: Json) -> Response<Reply> {
    let message =
        Json::object([("message", Json::from(why)), ("litellm_cache_params", Json::from(params.to_string()))]);
    let error = Json::object([
        ("message", Json::from(message.to_string())),
        ("type", Json::from("cache_ping_error")),
        ("param", Json::from("cache_ping")),
        ("code", Json::from("503")),
    ]);
    told(503, &Json::object([("error", error)]))
}

async fn delete(cache: &Cache, body: &[u8]) -> Result<Response<Reply>> {
    let Some(keys) = Top::parse(body)?.read::<Vec<String>>("keys") else {
        return Err(Error::bad_request("keys: a list of cache keys is needed").with_param("keys"));
    };
    for key in &keys {
        let gone = match cache.place() {
            Place::Exact(backend) => backend.remove(key).await,
            Place::Semantic(semantic) => semantic.remove(key).await,
        };
        if let Err(error) = gone {
            return Ok(detail(500, &format!("Cache Delete Failed({error})")));
        }
    }
    Ok(success())
}

async fn flush(cache: &Cache) -> std::result::Result<(), CacheError> {
    match cache.place() {
        Place::Exact(backend) => backend.clear().await,
        Place::Semantic(semantic) => semantic.clear().await,
    }
}

async fn info(cache: &Cache) -> Response<Reply> {
    let told = match cache.place() {
        Place::Exact(backend) => backend.info().await,
        Place::Semantic(_) => Ok(None),
    };
    match told {
        Ok(Some(info)) => answer(&info),
        Ok(None) => {
            let kind = cache.settings().kind.name();
            detail(503, &format!("Service Unhealthy (500: Cache type {kind} does not support flushing)"))
        }
        Err(error) => unhealthy(&error),
    }
}

fn success() -> Response<Reply> {
    answer(&Json::object([("status", Json::from("success"))]))
}

fn unhealthy(error: &CacheError) -> Response<Reply> {
    detail(503, &format!("Service Unhealthy ({error})"))
}

fn detail(status: u16, why: &str) -> Response<Reply> {
    told(status, &Json::object([("detail", Json::from(why))]))
}

fn told(status: u16, body: &Json) -> Response<Reply> {
    json(status, Bytes::from(body.to_string()), HeaderMap::new())
}
