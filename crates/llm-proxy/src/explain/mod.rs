//! Why a request goes where it goes: `POST /router/explain` for a request that is not sent, `GET /router/decisions/{id}` for
//! one that was. Both come from the code that decides.

mod command;
mod told;

use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response};
use llm_accounts::{Credential, Identity};
use llm_client::engine::Open;
use llm_router::{AutoRouter, DecisionId};
use llm_types::{Error, Json, Kind, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::models::answer;
use crate::routes::{self, Action};
use crate::snapshot::Snapshot;

pub use command::{Explain, run};

/// Decisions that a list has when nobody says how many.
const LISTED: usize = 20;

/// `POST /router/explain`: `{path?, body, headers?, key?}`, or just the body of a chat request. `key` is whose request it
/// would be; nothing: the caller's own.
///
/// # Errors
/// What the request itself would be refused for before a deployment is chosen.
pub async fn request(
    core: &Core,
    parts: &Parts,
    body: &Bytes,
    who: &std::sync::Arc<Identity>,
) -> Result<Response<Reply>> {
    let top = Top::parse(body)?;
    let inner = top.get("body").filter(|b| b.starts_with('{'));
    let path = top.str("path").filter(|_| inner.is_some()).unwrap_or("/v1/chat/completions".into());
    let route = routes::find(&Method::POST, &path);
    let Some((route, Action::Call(operation, format))) = route.as_ref().map(|r| (r, r.action)) else {
        return Err(Error::bad_request(format!("{path} calls no model")).with_param("path"));
    };
    let who = match top.str("key").filter(|_| inner.is_some()) {
        Some(key) => core.identify_as(&Credential::Key(&key), parts).await?,
        None => std::sync::Arc::clone(who),
    };
    let mut parts = parts.clone();
    let headers = if inner.is_some() { top.read::<Json>("headers") } else { None };
    for (name, value) in headers.iter().filter_map(Json::as_object).flatten() {
        let value = value.as_str().and_then(|v| HeaderValue::from_str(v).ok());
        if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            parts.headers.insert(name, value);
        }
    }
    let body = inner.map_or_else(|| body.clone(), |inner| Bytes::copy_from_slice(inner.as_bytes()));
    let mut ctx = Context::new(core, route.name, operation, format, parts, SocketAddr::from(([127, 0, 0, 1], 0)));
    ctx.streams = route.streams;
    let wish = crate::read::wish(&ctx, &Top::parse(&body)?, route.model.map(crate::read::decode_path), &who)?;
    let model = wish.model.to_string();
    let call = crate::read::call(&ctx, &wish, body);
    let engine = &ctx.snapshot.engine;
    let (explained, auto) = engine.explain(&core.http, &call, &Open).await?;
    Ok(answer(&told::explanation(&model, auto.as_ref(), &explained, &engine.router)))
}

/// `GET /router/decisions?limit=`: the latest, newest first.
#[must_use]
pub fn list(snapshot: &Snapshot, parts: &Parts) -> Response<Reply> {
    let query = parts.uri.query().unwrap_or_default();
    let limit = query.split('&').find_map(|p| p.strip_prefix("limit=")?.parse().ok()).unwrap_or(LISTED);
    let all = snapshot.engine.router.state().latest_decisions(limit);
    answer(&Json::object([("data", Json::Array(all.iter().map(told::decision).collect()))]))
}

/// `GET /router/decisions/{id}`
///
/// # Errors
/// 404 for an id that is not among the last thousand.
pub fn one(snapshot: &Snapshot, id: &str) -> Result<Response<Reply>> {
    let found = id.parse::<DecisionId>().ok().and_then(|id| snapshot.engine.router.state().decision(id));
    let unknown = || Error::new(Kind::NotFound, format!("no decision {id} is among the last ones"));
    Ok(answer(&told::decision(&found.ok_or_else(unknown)?)))
}

/// The gateway's budgets of providers, deployments and tags.
#[must_use]
pub fn budgets(snapshot: &Snapshot) -> Response<Reply> {
    let all = snapshot.engine.router.budgets(std::time::Instant::now());
    let told = all.iter().map(|b| {
        Json::object([
            ("owner", Json::from(b.owner.as_str())),
            ("spend", Json::from(b.spent)),
            ("budget_limit", Json::from(b.limit)),
            ("reset_at_ms", Json::from(b.ends_ms)),
        ])
    });
    answer(&Json::object([("data", Json::Array(told.collect()))]))
}

/// `GET /adaptive_router/state`: what adaptive routers believe of their models, in LiteLLM's shape.
///
/// # Errors
/// 404 when there is none.
pub fn learned(snapshot: &Snapshot) -> Result<Response<Reply>> {
    let router = &snapshot.engine.router;
    let routers = router.deployments().iter().filter_map(|d| match d.auto.as_deref() {
        Some(AutoRouter::Adaptive(adaptive)) => Some(told::learned(adaptive, router)),
        _ => None,
    });
    let routers: Vec<Json> = routers.collect();
    if routers.is_empty() {
        return Err(Error::new(Kind::NotFound, "no adaptive router is configured"));
    }
    Ok(answer(&Json::object([("routers", Json::Array(routers))])))
}
