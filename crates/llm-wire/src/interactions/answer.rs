//! A whole response as an interaction, in LiteLLM's form: its contents stand in `outputs` and, by turns, in `steps`.

use llm_types::Json;

use crate::batches::moment;

/// What clients are told of an interaction that is thrown away.
#[must_use]
pub fn deleted(id: &str) -> Json {
    Json::object([("success", Json::from(true)), ("id", Json::from(id))])
}

/// The interaction that a response is. `model`: its name for the client.
#[must_use]
pub fn answer(response: &Json, model: &str) -> Json {
    let steps = steps(response);
    let outputs = steps.iter().flat_map(contents).collect();
    let at = response.get("created_at").and_then(Json::as_f64).map(|at| moment::text(at as i64));
    let at = || at.as_deref().map_or(Json::Null, Json::from);
    let mut out = Json::object([
        ("id", response.get("id").cloned().unwrap_or_default()),
        ("object", Json::from("interaction")),
        ("model", Json::from(model)),
        ("agent", Json::Null),
        ("status", Json::from(status(response, &steps))),
        ("created", at()),
        ("updated", at()),
        ("outputs", Json::Array(outputs)),
        ("steps", Json::Array(steps)),
        ("usage", usage(response)),
    ]);
    for (ours, theirs) in [("previous_interaction_id", "previous_response_id"), ("error", "error")] {
        if let Some(value) = response.get(theirs).filter(|value| !value.is_null()) {
            out.set(ours, value.clone());
        }
    }
    out
}

/// How far it is. Calls of functions are for the client to make.
pub(super) fn status(response: &Json, steps: &[Json]) -> &'static str {
    match response.text("status") {
        Some("queued" | "in_progress") => "in_progress",
        Some("incomplete") => "incomplete",
        Some("failed") => "failed",
        Some("cancelled") => "cancelled",
        _ if steps.iter().any(|step| step.text("type") == Some("function_call")) => "requires_action",
        _ => "completed",
    }
}

/// What the model did, one after the other.
pub(super) fn steps(response: &Json) -> Vec<Json> {
    response.get("output").and_then(Json::as_array).unwrap_or_default().iter().filter_map(step).collect()
}

pub(super) fn step(item: &Json) -> Option<Json> {
    let texts = |name: &str, own: &str| -> Vec<Json> {
        let parts = item.get(name).and_then(Json::as_array).unwrap_or_default();
        let text = |part: &Json| part.text("text").or_else(|| part.text(own)).map(self::text);
        parts.iter().filter_map(text).collect()
    };
    match item.text("type")? {
        "message" => {
            let content = Json::Array(texts("content", "refusal"));
            Some(Json::object([("type", Json::from("model_output")), ("content", content)]))
        }
        "reasoning" => {
            let summary = [texts("summary", "text"), texts("content", "text")].concat();
            let told = !summary.is_empty();
            told.then(|| Json::object([("type", Json::from("thought")), ("summary", Json::Array(summary))]))
        }
        "function_call" => {
            let arguments = item.text("arguments").unwrap_or_default();
            let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| Json::from(arguments));
            Some(Json::object([
                ("type", Json::from("function_call")),
                ("id", Json::from(item.text("call_id").unwrap_or_default())),
                ("name", Json::from(item.text("name").unwrap_or_default())),
                ("arguments", arguments),
            ]))
        }
        _ => None,
    }
}

pub(super) fn text(text: &str) -> Json {
    Json::object([("type", "text"), ("text", text)])
}

/// The contents of a step: a turn has several, everything else is one.
fn contents(step: &Json) -> Vec<Json> {
    match step.get("content") {
        Some(Json::Array(parts)) => parts.clone(),
        _ => vec![step.clone()],
    }
}

pub(super) fn usage(response: &Json) -> Json {
    let Some(told) = response.get("usage").filter(|usage| !usage.is_null()) else { return Json::Null };
    let count = |of: &Json, name: &str| of.get(name).filter(|n| n.as_f64().is_some()).cloned();
    let zero = || Json::from(0_u64);
    let mut out = Json::object([
        ("total_input_tokens", count(told, "input_tokens").unwrap_or_else(zero)),
        ("total_output_tokens", count(told, "output_tokens").unwrap_or_else(zero)),
    ]);
    for (details, name, ours) in [
        ("input_tokens_details", "cached_tokens", "total_cached_tokens"),
        ("output_tokens_details", "reasoning_tokens", "total_thought_tokens"),
    ] {
        let count = told.get(details).and_then(|details| count(details, name));
        if let Some(count) = count.filter(|n| n.as_f64() != Some(0.0)) {
            out.set(ours, count);
        }
    }
    out
}
