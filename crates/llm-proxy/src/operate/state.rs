//! How the gateway is: readiness in detail, calls under way, budgets of providers, callbacks; trying a model out.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use llm_callbacks::registry;
use llm_callbacks::remote::{Param, Service};
use llm_types::{Error, Json, Result};

use crate::answer::LITELLM_VERSION;
use crate::body::Reply;
use crate::core::Core;
use crate::health;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// `GET /health/readiness/details`.
pub(crate) async fn readiness(core: &Core) -> Response<Reply> {
    let app = &core.app;
    let cache = app.cache_setup.load().config.as_ref().map(|config| config.settings.kind.name());
    let callbacks = app.accounts.serving().ok().map(|serving| serving.in_force("litellm_settings"));
    let callbacks = callbacks.and_then(|section| section.get("callbacks").cloned()).unwrap_or_default();
    let more = vec![
        ("cache", Json::from(cache)),
        ("litellm_version", Json::from(LITELLM_VERSION)),
        ("version", Json::from(env!("CARGO_PKG_VERSION"))),
        ("success_callbacks", callbacks),
        ("in_flight_requests", Json::from(app.in_flight.load(Ordering::Relaxed))),
    ];
    health::ready(app, more).await
}

/// `GET /health/backlog`.
pub(super) fn backlog(core: &Core) -> Response<Reply> {
    answer(&Json::object([("in_flight_requests", Json::from(core.app.in_flight.load(Ordering::Relaxed)))]))
}

/// `GET /health/shared-status`: whether gateways share their rounds of checks, and how old the last one is.
pub(super) fn shared_checks(core: &Core, snapshot: &Snapshot) -> Response<Reply> {
    let settings = &snapshot.settings.health;
    let enabled = settings.shared && settings.background && core.app.share.is_some();
    let mut out = Json::object([("shared_health_check_enabled", Json::from(enabled))]);
    if !enabled {
        out.set("message", "Health checks are shared where they run in the background and a Redis is configured.");
        return answer(&out);
    }
    let latest = core.app.health.latest();
    let age = latest.as_ref().map(|round| round.age(std::time::SystemTime::now()).as_secs_f64());
    let status = Json::object([
        ("results_available", Json::from(latest.is_some())),
        ("results_age_seconds", Json::from(age)),
        ("checked_deployments", Json::from(latest.as_ref().map(|round| round.found.len() as u64))),
        ("health_check_interval", Json::from(settings.interval.as_secs_f64())),
    ]);
    out.set("status", status);
    answer(&out)
}

/// `GET /health/license`: there is none to have.
pub(super) fn license() -> Response<Reply> {
    answer(&Json::object([("has_license", Json::from(false)), ("license_type", Json::from("none needed"))]))
}

/// `GET /callbacks/configs`: the callbacks that are served, and what those for single keys and teams take.
pub(super) fn callbacks() -> Response<Reply> {
    let param = |param: &Param| {
        let told = [
            ("type", Json::from(if param.is_secret() { "password" } else { "text" })),
            ("ui_name", Json::from(param.name.replace('_', " "))),
            ("description", Json::from(format!("{} for all calls", param.first_variable()))),
            ("required", Json::from(param.default.is_none())),
        ];
        (param.name, Json::object(told))
    };
    // The others are the operator's.
    let named = |param: &&Param| !param.name.is_empty();
    let told = registry::names().map(|name| {
        let own = Service::named(name).filter(|service| service.may_be_own());
        let params =
            own.map(|service| service.params().iter().filter(named).map(param).collect::<Vec<_>>()).unwrap_or_default();
        Json::object([
            ("id", Json::from(name)),
            ("displayName", Json::from(name)),
            ("supports_key_team_logging", Json::from(own.is_some())),
            ("dynamic_params", Json::object(params)),
        ])
    });
    answer(&Json::Array(told.collect()))
}

/// `GET /provider/budgets`.
pub(super) fn provider_budgets(snapshot: &Snapshot) -> Response<Reply> {
    let all = snapshot.engine.router.budgets(Instant::now());
    let of_providers = all.iter().filter_map(|budget| {
        let provider = budget.owner.as_str().strip_prefix("provider ")?.to_owned();
        let ends =
            budget.ends_ms.and_then(|ms| i64::try_from(ms).ok()).and_then(chrono::DateTime::from_timestamp_millis);
        let told = Json::object([
            ("budget_limit", Json::from(budget.limit)),
            ("time_period", Json::from(budget.period.as_str())),
            ("spend", Json::from(budget.spent)),
            ("budget_reset_at", Json::from(ends.map(|at| at.to_rfc3339()))),
        ]);
        Some((provider, told))
    });
    answer(&Json::object([("providers", Json::Object(of_providers.collect()))]))
}

/// `POST /health/test_connection`: one tiny call with parameters that are not stored.
pub(super) async fn test_connection(core: &Core, snapshot: &Snapshot, body: &Bytes) -> Result<Response<Reply>> {
    let tree = crate::read::json(body)?;
    let params = tree.get("litellm_params").filter(|params| params.as_object().is_some());
    let params = params.ok_or_else(|| Error::bad_request("litellm_params is missing").with_param("litellm_params"))?;
    let mut info = tree.get("model_info").and_then(Json::as_object).unwrap_or_default().to_vec();
    if let Some(mode) = tree.get("mode").filter(|mode| mode.as_str().is_some()) {
        info.retain(|(name, _)| name != "mode");
        info.push(("mode".to_owned(), mode.clone()));
    }
    let outcome = health::try_out(&core.http, snapshot, params.as_object().unwrap_or_default().to_vec(), info).await?;
    let (status, result) = match outcome {
        None => ("success", Json::Object(Vec::new())),
        Some(why) => ("error", Json::object([("error", Json::from(why))])),
    };
    Ok(answer(&Json::object([("status", Json::from(status)), ("result", result)])))
}

/// `POST /search_tools/test_connection`: one search with parameters that are not stored.
pub(super) async fn test_search(core: &Core, snapshot: &Snapshot, body: &Bytes) -> Result<Response<Reply>> {
    let tree = crate::read::json(body)?;
    let params = tree.get("litellm_params").and_then(Json::as_object);
    let params = params.ok_or_else(|| Error::bad_request("litellm_params is missing").with_param("litellm_params"))?;
    let provider = tree.get("litellm_params").and_then(|params| params.text("search_provider"));
    let provider = provider.filter(|provider| !provider.is_empty()).ok_or_else(|| {
        Error::bad_request("search_provider is required in litellm_params").with_param("search_provider")
    })?;
    let said = match health::try_search(&core.http, snapshot, provider, params.to_vec()).await? {
        Ok(found) => Json::object([
            ("status", Json::from("success")),
            ("message", Json::from(format!("Successfully connected to {provider} search provider"))),
            ("test_query", Json::from(health::QUERY)),
            ("results_count", Json::from(found as u64)),
        ]),
        Err(error) => Json::object([
            ("status", Json::from("error")),
            ("message", Json::from(error.message.as_str())),
            ("error_type", Json::from(error.kind.facts().class)),
        ]),
    };
    Ok(answer(&said))
}
