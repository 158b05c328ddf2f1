//! What models there are: `/model/info`, `/model_group/info`; `/v1/models` is `listed`.

mod listed;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use llm_accounts::Identity;
use llm_client::Target;
use llm_router::Deployment;
use llm_types::{Error, Json, Kind, OperationKind, Result};

use crate::body::Reply;
use crate::errors::json;
use crate::snapshot::Snapshot;
use crate::usable;

pub(crate) use listed::{list, one};

/// The names that a caller may use, without doubles, in the order of the configuration.
pub(crate) fn names(snapshot: &Snapshot, who: Option<&Identity>, keep_wildcards: bool) -> Vec<String> {
    let router = &snapshot.engine.router;
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    let mut add = |name: &str| {
        if who.is_none_or(|w| w.may_use(name)) && seen.insert(name.to_owned()) {
            out.push(name.to_owned());
        }
    };
    for deployment in router.deployments() {
        let name = deployment.public_name();
        if search_provider(deployment).is_some() {
            continue; // a tool, no model
        }
        if deployment.team_id.is_some() && deployment.team_id.as_deref() != who.and_then(Identity::team_id) {
            continue;
        }
        if !name.contains('*') || keep_wildcards {
            add(name);
            continue;
        }
        for known in expand(snapshot, deployment) {
            add(&known);
        }
    }
    router.visible_aliases().for_each(&mut add);
    out
}

/// The provider of a deployment that is a search tool.
fn search_provider(deployment: &Deployment) -> Option<&'static str> {
    let target = deployment.payload::<Target>()?;
    let row = target.provider.row();
    (&*target.model == "search" && row.task(OperationKind::Search).is_some()).then_some(row.id)
}

/// `GET /v1/search/tools`: the search tools that a caller may use.
#[must_use]
pub fn search_tools(snapshot: &Snapshot, who: Option<&Identity>) -> Response<Reply> {
    let mut seen = BTreeSet::new();
    let tool = |deployment: &Arc<Deployment>| {
        let (name, provider) = (deployment.public_name(), search_provider(deployment)?);
        let shown = who.is_none_or(|w| w.may_use(name)) && seen.insert(Arc::clone(name));
        shown.then(|| Json::object([("search_tool_name", &**name), ("search_provider", provider)]))
    };
    let data = snapshot.engine.router.deployments().iter().filter_map(tool).collect();
    answer(&Json::object([("object", Json::from("list")), ("data", Json::Array(data))]))
}

/// Every known model that a wildcard deployment serves, under its public name.
fn expand(snapshot: &Snapshot, deployment: &Deployment) -> Vec<String> {
    let Some(target) = deployment.payload::<Target>() else { return Vec::new() };
    let id = target.provider_id();
    let prefix = deployment.public_name().split('*').next().unwrap_or_default();
    snapshot
        .engine
        .prices
        .models()
        .filter(|m| m.provider() == Some(id))
        .map(|m| m.name().strip_prefix(id).and_then(|n| n.strip_prefix('/')).unwrap_or(m.name()).to_owned())
        .filter(|name| !name.contains('*') && name != "sample_spec")
        .map(|name| if prefix.is_empty() { format!("{id}/{name}") } else { format!("{prefix}{name}") })
        .collect()
}

/// `GET /model/info`: deployments with their parameters (no secrets) and what is known of their models.
#[must_use]
pub fn info(snapshot: &Snapshot, who: Option<&Identity>, parts: &Parts) -> Response<Reply> {
    let wanted = query(parts, "litellm_model_id");
    let of_team = query(parts, "teamId");
    let data = visible(snapshot, who)
        .filter(|d| wanted.as_deref().is_none_or(|id| &*d.id == id))
        .filter(|d| of_team.is_none() || d.team_id.as_deref() == of_team.as_deref())
        .map(|d| deployment_info(snapshot, d))
        .collect();
    answer(&Json::object([("data", Json::Array(data))]))
}

/// The deployments that a caller may know of: those that may be used, and of teams only those of the caller's. Whoever
/// administers sees all.
fn visible<'s>(snapshot: &'s Snapshot, who: Option<&'s Identity>) -> impl Iterator<Item = &'s Arc<Deployment>> {
    let all = who.is_none_or(Identity::sees_all);
    let usable = move |d: &Deployment| who.is_none_or(|who| usable::is_usable(who, d));
    snapshot.engine.router.deployments().iter().filter(move |d| all || usable(d))
}

/// A text of the query, decoded; an empty one counts as absent.
fn query(parts: &Parts, name: &str) -> Option<String> {
    crate::pass::who::query(parts, name).map(std::borrow::Cow::into_owned).filter(|value| !value.is_empty())
}

/// Deployments on a page of `/v2/model/info` at the most.
const LARGEST_PAGE: usize = 1000;

/// `GET /v2/model/info`: the same in pages, filtered and sorted.
///
/// # Errors
/// 422 for a page that is no number.
pub fn info_pages(snapshot: &Snapshot, who: Option<&Identity>, parts: &Parts) -> Result<Response<Reply>> {
    let number = |name: &str, default: usize| match query(parts, name).map(|text| text.parse::<usize>()) {
        None => Ok(default),
        Some(Ok(number)) if number >= 1 => Ok(number),
        Some(_) => {
            let why = format!("{name}: Input should be a whole number, 1 or more");
            Err(Error::new(Kind::Unprocessable, why).with_param(name))
        }
    };
    let (page, size) = (number("page", 1)?, number("size", 50)?.min(LARGEST_PAGE));
    let (model, id, team) = (query(parts, "model"), query(parts, "modelId"), query(parts, "teamId"));
    let (group, search) = (query(parts, "access_group"), query(parts, "search").map(|text| text.to_lowercase()));
    let only_wildcards = query(parts, "wildcard_only").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let mut found: Vec<&Arc<Deployment>> = visible(snapshot, who)
        .filter(|d| model.as_deref().is_none_or(|name| &**d.public_name() == name))
        .filter(|d| id.as_deref().is_none_or(|id| &*d.id == id))
        .filter(|d| team.is_none() || d.team_id.as_deref() == team.as_deref())
        .filter(|d| group.as_deref().is_none_or(|group| d.access_groups.iter().any(|own| &**own == group)))
        .filter(|d| !only_wildcards || d.public_name().contains('*'))
        .filter(|d| {
            let inside = |text: &str| search.as_deref().is_none_or(|part| text.to_lowercase().contains(part));
            inside(d.public_name()) || inside(&d.model)
        })
        .collect();
    match query(parts, "sortBy").as_deref() {
        Some("model_name") => found.sort_by(|a, b| a.public_name().cmp(b.public_name())),
        Some("costs") => found.sort_by(|a, b| a.input_price.unwrap_or(0.0).total_cmp(&b.input_price.unwrap_or(0.0))),
        _ => {}
    }
    if query(parts, "sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
        found.reverse();
    }
    let total = found.len();
    let shown = found.into_iter().skip((page - 1).saturating_mul(size)).take(size);
    Ok(answer(&Json::object([
        ("data", Json::Array(shown.map(|d| deployment_info(snapshot, d)).collect())),
        ("total_count", Json::from(total as u64)),
        ("current_page", Json::from(page as u64)),
        ("total_pages", Json::from(total.div_ceil(size) as u64)),
        ("size", Json::from(size as u64)),
    ])))
}

fn deployment_info(snapshot: &Snapshot, deployment: &Arc<Deployment>) -> Json {
    let mut params = Json::object([("model", Json::from(&*deployment.model))]);
    let mut info = Json::object([("id", Json::from(&*deployment.id)), ("db_model", Json::from(false))]);
    if let Some(target) = deployment.payload::<Target>() {
        if let Some(base) = &target.api_base {
            params.set("api_base", base.as_str());
        }
        params.set("custom_llm_provider", target.provider_id());
        for (name, value) in &target.defaults {
            params.set(name, serde_json::from_str::<Json>(value).unwrap_or_default());
        }
        if let Some(entry) = target.price(&snapshot.engine.prices, &target.model) {
            let facts =
                serde_json::to_string(&entry.to_json()).ok().and_then(|t| serde_json::from_str::<Json>(&t).ok());
            for (name, value) in facts.iter().filter_map(Json::as_object).flatten() {
                info.set(name, value.clone());
            }
            info.set("key", entry.name());
        }
        for (name, value) in target.info.iter() {
            info.set(name, value.clone());
        }
        info.set("id", &*deployment.id);
    }
    Json::object([
        ("model_name", Json::from(&**deployment.public_name())),
        ("litellm_params", params),
        ("model_info", info),
    ])
}

/// `GET /model_group/info`: what a group can do, summed over its deployments.
#[must_use]
pub fn group_info(snapshot: &Snapshot, who: Option<&Identity>, parts: &Parts) -> Response<Reply> {
    answer(&Json::object([("data", Json::Array(group_facts(snapshot, who, parts)))]))
}

/// What the groups can do that a caller may use.
pub(crate) fn group_facts(snapshot: &Snapshot, who: Option<&Identity>, parts: &Parts) -> Vec<Json> {
    let query = parts.uri.query().unwrap_or_default();
    let wanted = query.split('&').find_map(|p| p.strip_prefix("model_group=")).map(crate::read::decode_path);
    let router = &snapshot.engine.router;
    router
        .groups()
        .filter(|g| who.is_none_or(|w| w.may_use(&g.name)))
        .filter(|g| wanted.as_deref().is_none_or(|name| &*g.name == name))
        .map(|group| {
            let members: Vec<_> = router.members(group).collect();
            let rates = router.rates(group, std::time::Instant::now());
            let providers: BTreeSet<&str> =
                members.iter().filter_map(|d| Some(d.payload::<Target>()?.provider_id())).collect();
            let mut out = Json::object([
                ("model_group", Json::from(&*group.name)),
                ("providers", Json::Array(providers.into_iter().map(Json::from).collect())),
                ("tpm", Json::from(rates.tpm)),
                ("rpm", Json::from(rates.rpm)),
            ]);
            let entry = members.iter().find_map(|d| {
                let target = d.payload::<Target>()?;
                target.price(&snapshot.engine.prices, &target.model)
            });
            let facts = entry.and_then(|e| serde_json::to_string(&e.to_json()).ok());
            let facts = facts.and_then(|t| serde_json::from_str::<Json>(&t).ok());
            for (name, value) in facts.iter().filter_map(Json::as_object).flatten() {
                if name.starts_with("max_")
                    || name.starts_with("supports_")
                    || name.contains("cost_per")
                    || name == "mode"
                {
                    out.set(name, value.clone());
                }
            }
            out
        })
        .collect()
}

/// A JSON tree as a response.
pub(crate) fn answer(tree: &Json) -> Response<Reply> {
    json(200, Bytes::from(tree.to_string()), HeaderMap::new())
}
