//! Health: of the process, and of the deployments.
//!
//! | file | what |
//! |---|---|
//! | [`probe`] | one tiny call to a deployment |
//! | [`round`] | calls to all of them, and what came of it |
//! | [`background`] | rounds at intervals, one gateway for all that share a Redis |

mod background;
mod probe;
mod round;

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use llm_types::Json;

use crate::app::App;
use crate::body::Reply;
use crate::core::Core;
use crate::errors::{fixed, json};
use crate::models::answer;
use crate::snapshot::Snapshot;

pub use background::{Checks, run};
pub use probe::{QUERY, try_out, try_search};
pub use round::{Found, Round};

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
    ready(app, Vec::new()).await
}

/// Whether calls should come here, with `more` to tell of it.
pub(crate) async fn ready(app: &App, more: Vec<(&'static str, Json)>) -> Response<Reply> {
    let stopping = app.gauge.stopping.load(Ordering::Relaxed);
    let db = app.database_state().await;
    let (code, status) = match (stopping, db == "Disconnected") {
        (true, _) => (503, "shutting down"),
        (false, true) => (503, "unhealthy"),
        (false, false) => (200, "healthy"),
    };
    let mut body = Json::object([("status", Json::from(status)), ("db", Json::from(db))]);
    more.into_iter().for_each(|(name, value)| body.set(name, value));
    if let Some(share) = &app.share {
        // Its absence is no reason to send callers elsewhere: everybody shares the same Redis.
        body.set("shared_state", share.state());
    }
    json(code, Bytes::from(body.to_string()), http::HeaderMap::new())
}

/// `GET /health`: a tiny call to every deployment, or to those of one model; with background checks, what the last
/// round found.
pub async fn health(core: &Core, snapshot: &Snapshot, parts: &Parts) -> Response<Reply> {
    let query = parts.uri.query().unwrap_or_default();
    let named = |key: &str| query.split('&').find_map(|p| p.strip_prefix(key)).map(crate::read::decode_path);
    let (model, id) = (named("model="), named("model_id="));
    let narrowed = model.is_some() || id.is_some();
    let wanted = |group: &str, of: &str, its: &str| {
        model.as_deref().is_none_or(|m| group == m || of == m) && id.as_deref().is_none_or(|i| its == i)
    };
    let settings = &snapshot.settings.health;
    let round = match core.app.health.latest() {
        Some(round) if settings.background => round,
        _ => {
            let mut chosen = if settings.background {
                round::watched(snapshot) // the first round is not over yet
            } else {
                round::probed(snapshot).cloned().collect()
            };
            chosen.retain(|d| wanted(&d.group, &d.model, &d.id));
            let round = round::make(&core.http, snapshot, chosen).await;
            if settings.background && !narrowed {
                background::apply(&core.app, snapshot, round.clone()); // the router knows what callers are told
            }
            round.into()
        }
    };
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for found in round.found.iter().filter(|f| wanted(&f.group, &f.model, &f.id)) {
        let list = if found.error.is_none() { &mut healthy } else { &mut unhealthy };
        list.push(found.told(settings.details));
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
