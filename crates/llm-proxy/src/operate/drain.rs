//! `GET /health/drain`: what an orchestrator calls before it ends the process. From then on the probes say no, and the answer
//! comes when no call is under way.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::Response;
use http::request::Parts;
use llm_accounts::KeyDigest;
use llm_types::Json;

use crate::body::Reply;
use crate::core::Core;
use crate::errors::fixed;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// How often it is looked whether calls are under way.
const LOOK: Duration = Duration::from_millis(50);

/// Answers 404 unless `enable_drain_endpoint` is set, 401 without the token where there is one.
pub(super) async fn drain(core: &Core, snapshot: &Snapshot, parts: &Parts) -> Response<Reply> {
    let Some(settings) = &snapshot.settings.drain else { return fixed(404, "{\"detail\":\"Not Found\"}") };
    if let Some(token) = &settings.token {
        let given = parts.headers.get("x-drain-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !KeyDigest::of(given).same(token) {
            return fixed(401, "{\"detail\":\"Invalid or missing X-Drain-Token\"}");
        }
    }
    let app = &core.app;
    if !app.gauge.stopping.swap(true, Ordering::Relaxed) {
        tracing::info!("told to drain: probes say no from now on, calls are still served");
    }
    let running = || app.in_flight.load(Ordering::Relaxed);
    let (before, began) = (running(), Instant::now());
    while running() > 0 && began.elapsed() < settings.patience {
        tokio::time::sleep(LOOK).await;
    }
    let left = running();
    if left > 0 {
        tracing::warn!(left, "calls are still under way after the time to drain");
    }
    answer(&Json::object([
        ("status", Json::from("drained")),
        ("drained_requests", Json::from(before.saturating_sub(left))),
    ]))
}
