//! Health: of the process, and of the deployments.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use llm_client::engine::Open;
use llm_client::{Call, Target};
use llm_router::Deployment;
use llm_types::{Format, Json, OperationKind};

use crate::app::App;
use crate::body::Reply;
use crate::core::Core;
use crate::errors::{fixed, json};
use crate::models::answer;
use crate::snapshot::Snapshot;

/// `GET /health/liveliness`.
#[must_use]
pub fn liveliness(app: &App) -> Response<Reply> {
    if app.gauge.stopping.load(Ordering::Relaxed) {
        return fixed(503, "\"shutting down\"");
    }
    fixed(200, "\"I'm alive!\"")
}

/// `GET /health/readiness`.
pub async fn readiness(app: &App) -> Response<Reply> {
    let stopping = app.gauge.stopping.load(Ordering::Relaxed);
    let db = app.database_state().await;
    let broken = db == "Disconnected";
    let status = if stopping {
        "shutting down"
    } else if broken {
        "unhealthy"
    } else {
        "healthy"
    };
    let mut body = Json::object([("status", Json::from(status)), ("db", Json::from(db))]);
    if let Some(share) = &app.share {
        // Its absence is no reason to send callers elsewhere: everybody shares the same Redis.
        body.set("shared_state", share.state());
    }
    let code = if stopping || broken { 503 } else { 200 };
    json(code, Bytes::from(body.to_string()), http::HeaderMap::new())
}

/// `GET /health`: a tiny call to every deployment, or to those of one model.
pub async fn health(core: &Core, snapshot: &Snapshot, parts: &Parts) -> Response<Reply> {
    let query = parts.uri.query().unwrap_or_default();
    let named = |key: &str| query.split('&').find_map(|p| p.strip_prefix(key)).map(crate::read::decode_path);
    let (model, id) = (named("model="), named("model_id="));
    let narrowed = model.is_some() || id.is_some();
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for deployment in snapshot.engine.router.deployments() {
        let wanted = model.as_deref().is_none_or(|m| &*deployment.group == m || &*deployment.model == m)
            && id.as_deref().is_none_or(|i| &*deployment.id == i);
        if !wanted || deployment.model.contains('*') {
            continue;
        }
        let mut entry =
            Json::object([("model", Json::from(&*deployment.model)), ("model_id", Json::from(&*deployment.id))]);
        if let Some(base) = deployment.payload::<Target>().and_then(|t| t.api_base.as_deref()) {
            entry.set("api_base", base);
        }
        match probe(core, snapshot, deployment).await {
            Ok(()) => healthy.push(entry),
            Err(why) => {
                entry.set("error", why);
                unhealthy.push(entry);
            }
        }
    }
    let code = if narrowed && healthy.is_empty() { 503 } else { 200 };
    let (good, bad) = (healthy.len() as u64, unhealthy.len() as u64);
    let body = Json::object([
        ("healthy_endpoints", Json::Array(healthy)),
        ("unhealthy_endpoints", Json::Array(unhealthy)),
        ("healthy_count", Json::from(good)),
        ("unhealthy_count", Json::from(bad)),
    ]);
    let mut response = answer(&body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}

/// One tiny call, straight to the deployment.
async fn probe(core: &Core, snapshot: &Snapshot, deployment: &Arc<Deployment>) -> Result<(), String> {
    let mode = deployment
        .payload::<Target>()
        .and_then(|t| t.price(&snapshot.engine.prices, &t.model)?.mode().map(str::to_owned));
    let id = Json::from(&*deployment.id);
    let (operation, format, body) = match mode.as_deref() {
        Some("embedding") => (
            OperationKind::Embed,
            Format::OpenAiEmbeddings,
            Json::object([("model", id), ("input", Json::Array(vec![Json::from("test from litellm")]))]),
        ),
        None | Some("chat" | "completion" | "responses") => {
            let message = Json::object([("role", "user"), ("content", "test from litellm")]);
            let body = Json::object([
                ("model", id),
                ("messages", Json::Array(vec![message])),
                ("max_tokens", Json::from(5_u64)),
            ]);
            (OperationKind::Generate, Format::OpenAiChat, body)
        }
        Some(other) => return Err(format!("models of the mode {other} cannot be probed yet")),
    };
    let mut call = Call::new(operation, format, Bytes::from(body.to_string()), Arc::clone(&deployment.id));
    call.controls.num_retries = Some(0);
    call.controls.disable_fallbacks = true;
    call.controls.drop_params = Some(true);
    call.controls.timeout = Some(Duration::from_secs(60));
    match snapshot.engine.answer(&core.http, &call, &Open).await {
        Ok(_) => Ok(()),
        Err(failure) => Err(failure.error.message),
    }
}
