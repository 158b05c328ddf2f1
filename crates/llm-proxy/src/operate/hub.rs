//! What everybody may know: providers, prices, and the model groups that the operator made public.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use http::request::Parts;
use http::{HeaderMap, Response};
use llm_accounts::Identity;
use llm_client::Target;
use llm_types::Json;

use crate::answer::LITELLM_VERSION;
use crate::body::Reply;
use crate::errors::json;
use crate::models::{answer, group_facts};
use crate::snapshot::Snapshot;

/// `GET /public/providers`.
pub(super) fn providers() -> Response<Reply> {
    let ids: BTreeSet<&str> = llm_providers::registry::all().map(|provider| provider.row().id).collect();
    answer(&Json::Array(ids.into_iter().map(Json::from).collect()))
}

/// `GET /public/litellm_model_cost_map`: the price table in force. It is written once per configuration.
pub(super) fn prices(snapshot: &Snapshot) -> Response<Reply> {
    let text = snapshot.price_text.get_or_init(|| {
        let mut out = serde_json::Map::new();
        for model in snapshot.engine.prices.models() {
            out.insert(model.name().to_owned(), serde_json::Value::Object(model.to_json()));
        }
        Bytes::from(serde_json::Value::Object(out).to_string())
    });
    json(200, text.clone(), HeaderMap::new())
}

/// `GET /public/model_hub`: the groups that were made public.
pub(super) fn models(snapshot: &Snapshot, parts: &Parts) -> Response<Reply> {
    answer(&Json::Array(public(snapshot, parts)))
}

/// The groups that were made public.
pub(super) fn public(snapshot: &Snapshot, parts: &Parts) -> Vec<Json> {
    let public = &snapshot.settings.public_groups;
    let mut groups = group_facts(snapshot, None, parts);
    groups.retain(|group| group.text("model_group").is_some_and(|name| public.iter().any(|p| p == name)));
    groups.iter_mut().for_each(|group| group.set("is_public_model_group", true));
    groups
}

/// `GET /public/agents/fields`: what kinds of agents can be made, and what each asks for. Those that speak A2A ask for no
/// more than their card.
pub(super) fn agent_fields() -> Response<Reply> {
    let empty = Json::Object(Vec::new());
    answer(&Json::Array(vec![Json::object([
        ("agent_type", Json::from("a2a")), // the protocol. tidy: provider-id
        ("agent_type_display_name", Json::from("A2A")),
        ("description", Json::from("An agent that speaks the A2A protocol")),
        ("logo_url", Json::Null),
        ("credential_fields", Json::Array(Vec::new())),
        ("litellm_params_template", empty),
        ("model_template", Json::Null),
    ])]))
}

/// `GET /public/model_hub/info`.
pub(super) fn info(snapshot: &Snapshot) -> Response<Reply> {
    answer(&Json::object([
        ("docs_title", Json::from("llm-proxy")),
        ("custom_docs_description", Json::Null),
        ("litellm_version", Json::from(LITELLM_VERSION)),
        ("useful_links", snapshot.settings.public_links.clone().unwrap_or_default()),
    ]))
}

/// `GET /model/deprecations`: when models of the caller's go away, as far as the price table knows.
pub(super) fn deprecations(snapshot: &Snapshot, who: Option<&Arc<Identity>>, parts: &Parts) -> Response<Reply> {
    let within = crate::pass::who::query(parts, "warn_within_days").and_then(|days| days.parse::<i64>().ok());
    let within = within.unwrap_or(SOON).clamp(0, 3650);
    let now: DateTime<Utc> = SystemTime::now().into();
    let (mut gone, mut soon, mut later) = (Vec::new(), Vec::new(), Vec::new());
    for (days, told) in dated(snapshot, who, now) {
        match days {
            ..0 => gone.push(told),
            days if days <= within => soon.push(told),
            _ => later.push(told),
        }
    }
    answer(&Json::object([
        ("deprecated", Json::Array(gone)),
        ("imminent", Json::Array(soon)),
        ("upcoming", Json::Array(later)),
        ("warn_within_days", Json::from(within)),
        ("checked_at", Json::from(now.to_rfc3339())),
    ]))
}

/// Days before a model goes away that count as soon.
const SOON: i64 = 30;

/// The models that are gone, and those that go away soon.
pub(crate) fn leaving(snapshot: &Snapshot, now: DateTime<Utc>) -> (Vec<Json>, Vec<Json>) {
    let dated = dated(snapshot, None, now).into_iter().filter(|(days, _)| *days <= SOON);
    let (gone, soon): (Vec<_>, Vec<_>) = dated.partition(|(days, _)| *days < 0);
    let told = |list: Vec<(i64, Json)>| list.into_iter().map(|(_, told)| told).collect();
    (told(gone), told(soon))
}

/// Deployments whose end is known, and the days until then.
fn dated(snapshot: &Snapshot, who: Option<&Arc<Identity>>, now: DateTime<Utc>) -> Vec<(i64, Json)> {
    let mut out = Vec::new();
    for deployment in snapshot.engine.router.deployments() {
        let name = deployment.public_name();
        let Some(target) = deployment.payload::<Target>().filter(|_| who.is_none_or(|w| w.may_use(name))) else {
            continue;
        };
        let entry = target.price(&snapshot.engine.prices, &target.model);
        let facts = entry.map(|entry| entry.to_json()).unwrap_or_default();
        let date = facts.get("deprecation_date").and_then(serde_json::Value::as_str);
        let Some(date) = date.and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()) else { continue };
        let days = date.signed_duration_since(now.date_naive()).num_days();
        let told = Json::object([
            ("model_name", Json::from(&**name)),
            ("litellm_model", Json::from(&*target.model)),
            ("model_id", Json::from(&*deployment.id)),
            ("deprecation_date", Json::from(date.to_string())),
            ("days_until_deprecation", Json::from(days)),
        ]);
        out.push((days, told));
    }
    out
}
