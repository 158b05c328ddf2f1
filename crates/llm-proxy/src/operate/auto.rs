//! Complexity routers before they are saved: whether a configuration holds, and where it would send a request. No model is
//! called.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_router::{Asked, Complexity, DIMENSION_WEIGHTS, How, TIER_BOUNDARIES, TOKEN_THRESHOLDS, Tier, TierModels};
use llm_types::{Error, Json, Result};

use crate::body::Reply;
use crate::models::answer;
use crate::snapshot::Snapshot;

const CONFIG: &str = "complexity_router_config";
/// The classifier that is served.
const CLASSIFIER: &str = "heuristic";

/// `GET /public/complexity_router/scorer_defaults`.
pub(super) fn defaults() -> Response<Reply> {
    answer(&Json::object([
        ("tier_boundaries", Json::object(TIER_BOUNDARIES)),
        ("token_thresholds", Json::object(TOKEN_THRESHOLDS)),
        ("dimension_weights", Json::object(DIMENSION_WEIGHTS)),
    ]))
}

fn body(bytes: &Bytes) -> Result<Json> {
    let body = crate::read::json(bytes)?;
    match body.get(CONFIG) {
        Some(Json::Object(_)) => Ok(body),
        _ => Err(Error::bad_request(format!("{CONFIG} must be an object")).with_param(CONFIG)),
    }
}

/// The router of a configuration.
///
/// # Errors
/// What is wrong with it, for people.
fn router(body: &Json) -> Result<Complexity, String> {
    let config = body.get(CONFIG).cloned().unwrap_or_default();
    if let Some(other) = config.text("classifier_type").filter(|name| *name != CLASSIFIER) {
        return Err(format!("classifier_type: `{other}` is not served; {CLASSIFIER} is"));
    }
    let mut router: Complexity = config.to_raw().read().map_err(|error| error.to_string())?;
    let default = body.text("default_model").filter(|model| !model.is_empty()).map(Arc::from);
    router.default_model = router.default_model.or(default);
    if router.tiers.is_empty() && router.default_model.is_none() {
        return Err("expected tiers, or a default model".to_owned());
    }
    let empty = |models: &TierModels| matches!(models, TierModels::Many(models) if models.is_empty());
    if let Some((tier, _)) = router.tiers.iter().find(|(_, models)| empty(models)) {
        return Err(format!("the tier {} has an empty list of models", tier.name()));
    }
    for (field, given, known) in [
        ("tier_boundaries", &router.tier_boundaries, TIER_BOUNDARIES.as_slice()),
        ("token_thresholds", &router.token_thresholds, TOKEN_THRESHOLDS.as_slice()),
        ("dimension_weights", &router.dimension_weights, DIMENSION_WEIGHTS.as_slice()),
    ] {
        if let Some(name) = given.keys().find(|name| !known.iter().any(|(known, _)| known == name)) {
            return Err(format!("{field}: `{name}` is unknown"));
        }
    }
    let borders = TIER_BOUNDARIES.map(|(name, _)| router.boundary(name));
    if !borders.is_sorted() {
        return Err("tier_boundaries must rise: simple_medium, medium_complex, complex_reasoning".to_owned());
    }
    Ok(router)
}

/// `POST /auto_router/validate_complexity_router_config`.
///
/// # Errors
/// 400 for a body without a configuration.
pub(super) fn validate(bytes: &Bytes) -> Result<Response<Reply>> {
    let error = router(&body(bytes)?).err();
    Ok(answer(&Json::object([("valid", Json::from(error.is_none())), ("error", Json::from(error))])))
}

/// `POST /auto_router/test_routing`: the model that a request would go to, and why.
///
/// # Errors
/// 400 for a configuration that does not hold, and for a body without a prompt.
pub(super) fn try_out(snapshot: &Snapshot, bytes: &Bytes) -> Result<Response<Reply>> {
    let body = body(bytes)?;
    let router = router(&body).map_err(|why| Error::bad_request(format!("{CONFIG}: {why}")).with_param(CONFIG))?;
    let asked = asked(&body);
    if asked.user.is_empty() {
        return Err(Error::bad_request("prompt or messages must say something").with_param("prompt"));
    }
    let none = || Error::bad_request("no tier has a model for it").with_param(CONFIG);
    let choice = router.choose(&asked, None).ok_or_else(none)?;
    let How::Complexity { tier, score } = choice.how else { return Err(Error::internal("another router chose")) };
    // Two words that ask for reasoning decide whatever the score says.
    let forced = tier == Tier::Reasoning && score < router.boundary("complex_reasoning");
    let decision = Json::object([
        ("router_model_name", Json::from(body.text("router_name").unwrap_or("auto_router_routing_test"))),
        ("router_type", Json::from("complexity")),
        ("routed_model", Json::from(&*choice.model)),
        ("cause", Json::from(if forced { "reasoning_override" } else { "heuristic_scorer" })),
        ("tier", Json::from(tier.name())),
        ("score", Json::from((score * 1e6).round() / 1e6)),
        ("tier_boundaries", Json::object(TIER_BOUNDARIES.map(|(name, _)| (name, router.boundary(name))))),
    ]);
    Ok(answer(&Json::object([
        ("routed_model", Json::from(&*choice.model)),
        ("routed_model_configured", Json::from(snapshot.engine.router.has_group(&choice.model))),
        ("routing_decision", decision),
    ])))
}

/// The user's last words, and what the system says: read as those of a call are.
fn asked(body: &Json) -> Asked {
    let messages = body.get("messages").and_then(Json::as_array).unwrap_or_default();
    let of = |roles: &'static [&str]| {
        messages.iter().filter(move |message| message.text("role").is_some_and(|role| roles.contains(&role)))
    };
    let said = |message: &Json| message.get("content").map(text).unwrap_or_default();
    let prompt = body.text("prompt").filter(|prompt| !prompt.is_empty()).map(str::to_owned);
    let user = prompt.or_else(|| of(&["user"]).next_back().map(said)).unwrap_or_default();
    let system = body.get("system").map(text).into_iter().chain(of(&["system", "developer"]).map(said));
    Asked { user, system: system.collect::<Vec<_>>().join(" "), ..Asked::default() }
}

/// A content: a text, or parts of which some are texts.
fn text(content: &Json) -> String {
    match content {
        Json::String(text) => text.clone(),
        Json::Array(parts) => parts.iter().filter_map(|part| part.text("text")).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(config: &str) -> Option<String> {
        let body: Json = serde_json::from_str(&format!(r#"{{"complexity_router_config":{config}}}"#)).unwrap();
        router(&body).err()
    }

    #[test]
    fn a_configuration_holds_or_says_why_not() {
        assert_eq!(error(r#"{"tiers":{"SIMPLE":"a","REASONING":["b","c"]},"classifier_type":"heuristic"}"#), None);
        for (config, wanted) in [
            ("{}", "expected tiers"),
            (r#"{"tiers":{"EASY":"a"}}"#, "unknown variant"),
            (r#"{"tiers":{"SIMPLE":[]}}"#, "empty list"),
            (r#"{"tiers":{"SIMPLE":"a"},"classifier_type":"llm"}"#, "`llm` is not served"),
            (r#"{"tiers":{"SIMPLE":"a"},"tier_boundaries":{"simple_medium":0.9}}"#, "must rise"),
            (r#"{"tiers":{"SIMPLE":"a"},"dimension_weights":{"luck":1}}"#, "`luck` is unknown"),
        ] {
            assert!(error(config).is_some_and(|why| why.contains(wanted)), "{config}: {:?}", error(config));
        }
    }

    #[test]
    fn words_are_found_in_messages() {
        let body = r#"{"system":[{"type":"text","text":"be"}],"messages":[{"role":"system","content":"brief"},
            {"role":"developer","content":"and"},{"role":"user","content":"first"},{"role":"user","content":[{"type":"text","text":"last"}]}]}"#;
        let asked = asked(&serde_json::from_str(body).unwrap());
        assert_eq!((asked.user.as_str(), asked.system.as_str()), ("last", "be brief and"));
    }
}
