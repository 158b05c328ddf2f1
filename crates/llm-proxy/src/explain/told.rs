//! Decisions as JSON, and as lines for people.

use std::fmt::Write as _;

use llm_client::Target;
use llm_router::{
    Adaptive, AutoChoice, Cell, Decision, DecisionChoice, Deployment, Dropped, Explanation, How, RequestType, Router,
    Verdict,
};
use llm_types::Json;

/// What would be decided.
pub(super) fn explanation(model: &str, auto: Option<&AutoChoice>, explained: &Explanation, router: &Router) -> Json {
    let order = places(explained).into_iter().map(|v| Json::from(&*v.deployment.id)).collect();
    let error = explained.error.as_ref().map_or(Json::Null, |e| {
        Json::object([("message", Json::from(e.message.as_str())), ("status", Json::from(u64::from(e.status())))])
    });
    let auto = auto.map_or(Json::Null, chosen);
    Json::object([
        ("model", Json::from(model)),
        ("auto", auto),
        ("model_group", Json::from(&*explained.resolved.group.name)),
        ("strategy", Json::from(explained.strategy)),
        ("order", Json::Array(order)),
        ("candidates", Json::Array(explained.verdicts.iter().map(candidate).collect())),
        ("fallbacks", Json::Array(fallbacks(explained, router).into_iter().map(Json::from).collect())),
        ("error", error),
    ])
}

/// What an auto router chose, and by what.
fn chosen(choice: &AutoChoice) -> Json {
    let mut parts = vec![("model", Json::from(&*choice.model))];
    match &choice.how {
        How::Complexity { tier, score } => parts.extend([("tier", tier.name().into()), ("score", (*score).into())]),
        How::Semantic { score } => parts.push(("score", (*score).into())),
        How::Quality { tier, keyword, complexity } => parts.extend([
            ("tier", Json::from(*tier)),
            ("keyword", Json::from(keyword.as_deref())),
            ("complexity", Json::from(complexity.map(llm_router::Tier::name))),
        ]),
        How::Adaptive { kind } => parts.push(("request_type", kind.name().into())),
    }
    Json::object(parts)
}

/// The candidates in the order in which they are tried.
fn places(explained: &Explanation) -> Vec<&Verdict> {
    let mut places: Vec<_> = explained.verdicts.iter().filter(|v| v.place.is_some()).collect();
    places.sort_by_key(|v| v.place);
    places
}

/// Groups that step in when the group fails.
fn fallbacks(explained: &Explanation, router: &Router) -> Vec<String> {
    let lists = router.settings().all_fallbacks();
    let names = [&*explained.resolved.asked, &*explained.resolved.group.name];
    let found = lists.find(names).into_iter();
    found.flat_map(|list| list.iter().map(|f| f.model.to_string()).collect::<Vec<_>>()).collect()
}

fn candidate(v: &Verdict) -> Json {
    let d: &Deployment = &v.deployment;
    let provider = d.payload::<Target>().map(Target::provider_id);
    Json::object([
        ("id", Json::from(&*d.id)),
        ("model", Json::from(&*d.model)),
        ("provider", Json::from(provider)),
        ("kept", Json::from(v.dropped.is_none())),
        ("reason", Json::from(v.dropped.map(Dropped::name))),
        ("detail", Json::from(v.dropped.map(|why| detail(d, why)))),
        ("score", Json::from(v.score)),
        ("place", Json::from(v.place.map(|p| p as u64))),
    ])
}

/// A reason in a few words.
fn detail(d: &Deployment, why: Dropped) -> String {
    match why {
        Dropped::Cooling(left) => format!("rests for {:.1} s more", left.as_secs_f64()),
        Dropped::OtherTeam => "belongs to another team".to_owned(),
        Dropped::AccessGroup => "in none of the caller's access groups".to_owned(),
        Dropped::Paused => "paused by an administrator".to_owned(),
        Dropped::Unhealthy => "its last health check failed".to_owned(),
        Dropped::Affinity => "caller, session or prompt are tied to another deployment".to_owned(),
        Dropped::Budget => "a budget of its provider, of itself or of a tag is spent".to_owned(),
        Dropped::ContextWindow => {
            format!("reads {} tokens at the most", d.max_input_tokens.unwrap_or_default())
        }
        Dropped::RateLimited => format!("at its limit of the minute (rpm {:?}, tpm {:?})", d.rpm, d.tpm),
        Dropped::Region => format!("runs in {}", d.region.as_deref().unwrap_or("no known region")),
        Dropped::Parameter => "does not take a field of the request".to_owned(),
        Dropped::Tags => format!("tags {:?} do not fit those of the request", d.tags),
        Dropped::Order => "a deployment of a lower order is there".to_owned(),
        Dropped::Excluded => "already answered with an error that would come again".to_owned(),
        Dropped::Busy => "as many calls run at it as it may have".to_owned(),
    }
}

/// What an adaptive router believes.
pub(super) fn learned(adaptive: &Adaptive, router: &Router) -> Json {
    let cell = |(kind, model, cell): (RequestType, std::sync::Arc<str>, Cell)| {
        Json::object([
            ("request_type", Json::from(kind.name())),
            ("model", Json::from(&*model)),
            ("alpha", Json::from(cell.alpha)),
            ("beta", Json::from(cell.beta)),
            ("samples", Json::from(cell.samples() as u64)),
            ("quality_mean", Json::from(cell.mean())),
        ])
    };
    let weights = [("quality", adaptive.weights.quality), ("cost", adaptive.weights.cost)];
    let weights = Json::object(weights.map(|(name, weight)| (name, Json::from(weight))));
    Json::object([
        ("router_name", Json::from(&*adaptive.name)),
        ("available_models", Json::Array(adaptive.available_models.iter().map(|m| Json::from(&**m)).collect())),
        ("weights", weights),
        ("exploration_rate", Json::from(adaptive.exploration_rate)),
        ("cells", Json::Array(adaptive.cells(router).into_iter().map(cell).collect())),
    ])
}

/// What was decided.
pub(super) fn decision(d: &Decision) -> Json {
    Json::object([
        ("id", Json::from(d.id.to_string())),
        ("at_ms", Json::from(d.at_ms)),
        ("model", Json::from(&*d.model)),
        ("choices", Json::Array(d.choices.iter().map(choice).collect())),
        ("error", Json::from(d.error.as_deref())),
    ])
}

fn choice(c: &DecisionChoice) -> Json {
    let dropped = c.dropped.iter().map(|(id, why)| {
        let left = if let Dropped::Cooling(left) = why { Some(left.as_millis() as u64) } else { None };
        Json::object([("id", Json::from(&**id)), ("reason", Json::from(why.name())), ("left_ms", Json::from(left))])
    });
    let scores =
        c.scores.iter().map(|(id, figure)| Json::object([("id", Json::from(&**id)), ("score", Json::from(*figure))]));
    Json::object([
        ("model_group", Json::from(&*c.group)),
        ("strategy", Json::from(c.strategy)),
        ("chosen", Json::from(c.chosen.as_deref())),
        ("outcome", Json::from(c.outcome)),
        ("dropped", Json::Array(dropped.collect())),
        ("scores", Json::Array(scores.collect())),
    ])
}

/// An explanation as JSON tells it, in lines for people.
pub(super) fn lines(told: &Json) -> String {
    let text = |tree: &Json, key: &str| match tree.get(key) {
        Some(Json::String(text)) => text.clone(),
        None | Some(Json::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let mut out = format!("{} → {} ({})\n", text(told, "model"), text(told, "model_group"), text(told, "strategy"));
    let candidates = told.get("candidates").and_then(Json::as_array).unwrap_or_default();
    for c in candidates {
        let place = c.get("place").and_then(Json::as_f64);
        let mark = place.map_or_else(|| "   -".to_owned(), |p| format!("{:4}", p + 1.0));
        let why = [text(c, "reason"), text(c, "detail")].join(": ");
        let score =
            Some(text(c, "score")).filter(|s| !s.is_empty()).map(|s| format!("  score {s}")).unwrap_or_default();
        let why = if place.is_some() { score } else { format!("  {}", why.trim_end_matches(": ")) };
        let _ = writeln!(out, "{mark}  {}  {}{why}", text(c, "id"), text(c, "model"));
    }
    let fallbacks = told.get("fallbacks").and_then(Json::as_array).unwrap_or_default();
    if !fallbacks.is_empty() {
        let names: Vec<_> = fallbacks.iter().filter_map(Json::as_str).collect();
        let _ = writeln!(out, "then {}", names.join(", "));
    }
    if let Some(error) = told.get("error").filter(|e| **e != Json::Null) {
        let _ = writeln!(out, "error {}: {}", text(error, "status"), text(error, "message"));
    }
    out
}
