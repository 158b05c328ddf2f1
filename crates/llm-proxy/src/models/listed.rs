//! `/v1/models`: what a row tells, and what the query asks for.

use std::collections::BTreeSet;

use http::Response;
use http::request::Parts;
use llm_accounts::Identity;
use llm_client::Target;
use llm_router::{Fallback, Scope};
use llm_types::{Error, Json, Kind, Result};

use super::{answer, names, query};
use crate::body::Reply;
use crate::snapshot::Snapshot;
use crate::usable;

/// LiteLLM tells this creation time for every model.
const CREATED: u64 = 1_677_610_602;

/// Which list of fallbacks a row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    General,
    ContextWindow,
    ContentPolicy,
}

/// What the query of a list or of a single model asks for.
#[derive(Debug)]
struct Wanted {
    wildcards: bool,
    /// Names of access groups, too.
    groups: bool,
    /// Names of access groups alone.
    only_groups: bool,
    /// Everything, for those who see all.
    expand: bool,
    healthy: bool,
    fallbacks: Option<Told>,
}

impl Wanted {
    fn of(parts: &Parts) -> Result<Self> {
        let on = |name: &str| {
            let value = query(parts, name).unwrap_or_default();
            ["true", "1", "yes", "on"].iter().any(|word| value.eq_ignore_ascii_case(word))
        };
        let scope = query(parts, "scope");
        if let Some(other) = scope.as_deref().filter(|scope| *scope != "expand") {
            let why = format!("Invalid scope parameter. Only 'expand' is currently supported. Received: {other}");
            return Err(Error::bad_request(why).with_param("scope"));
        }
        let told = match query(parts, "fallback_type").as_deref() {
            None | Some("general") => Told::General,
            Some("context_window") => Told::ContextWindow,
            Some("content_policy") => Told::ContentPolicy,
            Some(_) if on("include_metadata") => {
                let why = "Invalid fallback_type. Must be one of: ['general', 'context_window', 'content_policy']";
                return Err(Error::bad_request(why).with_param("fallback_type"));
            }
            Some(_) => Told::General,
        };
        Ok(Self {
            wildcards: on("return_wildcard_routes"),
            groups: on("include_model_access_groups"),
            only_groups: on("only_model_access_groups"),
            expand: scope.is_some(),
            healthy: on("healthy_only"),
            fallbacks: on("include_metadata").then_some(told),
        })
    }
}

/// `GET /v1/models`.
///
/// # Errors
/// 400 for a `scope` or a `fallback_type` that there is not.
pub(crate) fn list(snapshot: &Snapshot, who: Option<&Identity>, parts: &Parts) -> Result<Response<Reply>> {
    let wanted = Wanted::of(parts)?;
    let who = who.filter(|who| !(wanted.expand && who.sees_all()));
    let healthy = wanted.healthy || snapshot.settings.only_healthy;
    let mut listed = if wanted.only_groups { Vec::new() } else { names(snapshot, who, wanted.wildcards) };
    listed.retain(|name| !hidden(snapshot, name, healthy));
    if wanted.groups || wanted.only_groups {
        listed.extend(groups(snapshot, who));
    }
    let rows = listed.iter().map(|name| row(snapshot, name, wanted.fallbacks)).collect();
    Ok(answer(&Json::object([("data", Json::Array(rows)), ("object", Json::from("list"))])))
}

/// `GET /v1/models/{id}`.
///
/// # Errors
/// 404 when the caller cannot see the model, 400 as for the list.
pub(crate) fn one(snapshot: &Snapshot, who: Option<&Identity>, id: &str, parts: &Parts) -> Result<Response<Reply>> {
    let wanted = Wanted::of(parts)?;
    let id = crate::read::decode_path(id);
    if !names(snapshot, who, true).contains(&id) && !names(snapshot, who, false).contains(&id) {
        return Err(Error::new(Kind::NotFound, format!("The model `{id}` does not exist")).with_param("model"));
    }
    Ok(answer(&row(snapshot, &id, wanted.fallbacks)))
}

/// Nobody would answer under this name: its deployments are paused or, where that counts, ill.
fn hidden(snapshot: &Snapshot, name: &str, healthy: bool) -> bool {
    let router = &snapshot.engine.router;
    if name.contains('*') || !router.has_group(name) {
        return false;
    }
    let Ok(found) = router.resolve(name, &Scope::default()) else { return false };
    router.members(&found.group).all(|d| d.blocked) || healthy && router.is_ill(&found.group)
}

/// The access groups of deployments that a caller may use, sorted.
fn groups(snapshot: &Snapshot, who: Option<&Identity>) -> BTreeSet<String> {
    let deployments = snapshot.engine.router.deployments().iter();
    let usable = deployments.filter(|d| who.is_none_or(|who| usable::is_usable(who, d)));
    usable.flat_map(|d| &d.access_groups).map(|group| group.to_string()).collect()
}

/// A model as LiteLLM lists it: its mode and the widest limits of the deployments behind it, where they are known.
fn row(snapshot: &Snapshot, name: &str, fallbacks: Option<Told>) -> Json {
    let mut row = Json::object([
        ("id", Json::from(name)),
        ("object", Json::from("model")),
        ("created", Json::from(CREATED)),
        // tidy: provider-id: what LiteLLM says of every model
        ("owned_by", Json::from("openai")),
    ]);
    let facts = facts(snapshot, name);
    if let Some(mode) = facts.mode {
        row.set("mode", mode);
    }
    for (key, limit) in [("max_input_tokens", facts.input), ("max_output_tokens", facts.output)] {
        if let Some(limit) = limit {
            row.set(key, limit);
        }
    }
    if let Some(told) = fallbacks {
        let names = fallbacks_of(snapshot, name, told).into_iter().map(Json::from).collect();
        row.set("metadata", Json::object([("fallbacks", Json::Array(names))]));
    }
    row
}

#[derive(Debug, Default)]
struct Facts {
    mode: Option<String>,
    input: Option<u64>,
    output: Option<u64>,
}

fn facts(snapshot: &Snapshot, name: &str) -> Facts {
    let mut facts = Facts::default();
    let router = &snapshot.engine.router;
    let Ok(found) = router.resolve(name, &Scope::default()) else { return facts };
    for deployment in router.members(&found.group) {
        let Some(target) = deployment.payload::<Target>() else { continue };
        let model = target.model_of(&found.provider_model(deployment));
        let entry = target.price(&snapshot.engine.prices, &model);
        let said =
            |key: &str| target.info.get(key).and_then(|value| value.as_i64()).and_then(|n| u64::try_from(n).ok());
        let input = said("max_input_tokens").or_else(|| entry?.max_input_tokens());
        let output = said("max_output_tokens").or_else(|| entry?.max_output_tokens());
        (facts.input, facts.output) = (facts.input.max(input), facts.output.max(output));
        let mode = target.info.str("mode").or_else(|| entry?.mode()).map(str::to_owned);
        facts.mode = facts.mode.or(mode);
    }
    facts
}

fn fallbacks_of(snapshot: &Snapshot, name: &str, told: Told) -> Vec<String> {
    let settings = snapshot.engine.router.settings();
    let lists = match told {
        Told::General => Some(settings.all_fallbacks()),
        Told::ContextWindow => settings.context_window_fallbacks.clone(),
        Told::ContentPolicy => settings.content_policy_fallbacks.clone(),
    };
    let found = lists.and_then(|lists| lists.find([name]));
    found.iter().flat_map(|list| list.iter()).map(|Fallback { model, .. }| model.to_string()).collect()
}
