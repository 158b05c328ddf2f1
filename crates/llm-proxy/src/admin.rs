//! Small routes: metrics, the route list, the home page, the cache.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use llm_accounts::Identity;
use llm_types::{Error, Json, Kind, Result};

use crate::app::App;
use crate::body::Reply;
use crate::errors::{fixed, whole};
use crate::models::answer;
use crate::routes::{self, Route};
use crate::snapshot::Snapshot;

/// `GET /metrics`.
pub async fn metrics(app: &Arc<App>) -> Response<Reply> {
    let text = app.metrics_text().await;
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static(llm_callbacks::prometheus::CONTENT_TYPE);
    headers.insert(CONTENT_TYPE, kind);
    whole(200, Bytes::from(text), headers)
}

/// `GET /test`.
#[must_use]
pub fn test(route: &Route<'_>) -> Response<Reply> {
    answer(&Json::object([("route", route.name)]))
}

/// `GET /routes`.
#[must_use]
pub fn routes() -> Response<Reply> {
    let list = routes::all()
        .map(|(method, path)| {
            let methods = Json::Array(vec![Json::from(method.as_str())]);
            Json::object([("path", Json::from(path)), ("methods", methods)])
        })
        .collect();
    answer(&Json::object([("routes", Json::Array(list))]))
}

/// `GET /`.
#[must_use]
pub fn home() -> Response<Reply> {
    fixed(
        200,
        "{\"message\":\"llm-proxy is running. Send OpenAI requests to /v1/chat/completions, Anthropic requests to /v1/messages.\"}",
    )
}

/// `GET /cache/ping`.
pub async fn cache_ping(snapshot: &Snapshot) -> Response<Reply> {
    let Some(cache) = &snapshot.cache else {
        let why = "{\"error\":{\"message\":\"Cache not initialized. litellm.cache is None\",\"type\":\"cache_ping_error\",\"param\":\"none\",\"code\":\"503\"}}";
        return fixed(503, why);
    };
    let works = cache.backend().ping().await.is_ok();
    let kind = format!("{:?}", cache.settings().kind).to_lowercase();
    let body = Json::object([
        ("status", Json::from(if works { "healthy" } else { "unhealthy" })),
        ("cache_type", Json::from(kind)),
        ("ping_response", Json::from(works)),
    ]);
    let mut response = answer(&body);
    if !works {
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// `POST /cache/flushall`.
///
/// # Errors
/// 403 for others than administrators.
pub async fn cache_flush(snapshot: &Snapshot, who: Option<&Identity>) -> Result<Response<Reply>> {
    if !who.is_some_and(Identity::is_admin) {
        return Err(Error::new(Kind::PermissionDenied, "only proxy admins may flush the cache"));
    }
    if let Some(cache) = &snapshot.cache {
        cache.backend().clear().await.map_err(|e| Error::internal(e.to_string()))?;
    }
    Ok(fixed(200, "{\"status\":\"success\"}"))
}
