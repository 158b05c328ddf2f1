//! `openai_moderation`: OpenAI's moderation (`POST /moderations`).
//!
//! Facts: OpenAI's API reference, LiteLLM's requests as they were seen on the wire: what the user said last, and whole answers.

use llm_types::{Json, Result};

use super::settings::Settings;
use super::shape::{Ask, Facts, Heard, Said, Shape, lines};
use super::wire::invalid;
use crate::guardrail::Mode;

pub(super) static MODERATION: Shape = Shape {
    kind: "openai_moderation",
    base: Some("https://api.openai.com/v1"),
    path: "/moderations",
    key: Some(("authorization", "Bearer ")),
    needs_key: true,
    modes: &[Mode::PreCall, Mode::DuringCall, Mode::PostCall],
    variables: &[("api_key", &["OPENAI_API_KEY"])],
    own: &["model"],
    set_up: |_| Vec::new(),
    ask,
    read,
};

fn ask(settings: &Settings, heard: &Heard<'_>, _: &Facts) -> Vec<Ask> {
    let model = settings.text("model").unwrap_or("omni-moderation-latest");
    let body = Json::object([("model", Json::from(model)), ("input", Json::from(lines(&heard.last_said())))]);
    vec![Ask { body, of: Vec::new() }]
}

fn read(_: &Settings, _: &Heard<'_>, _: &Ask, answer: &Json) -> Result<Said> {
    let results = answer.get("results").and_then(Json::as_array).ok_or_else(|| invalid("has no results"))?;
    let flagged = |result: &Json| result.get("flagged").and_then(Json::as_bool);
    if results.is_empty() || results.iter().any(|result| flagged(result).is_none()) {
        return Err(invalid("does not say whether it was flagged"));
    }
    let Some(result) = results.iter().find(|result| flagged(result) == Some(true)) else { return Ok(Said::Fine) };
    let categories = result.get("categories").and_then(Json::as_object).unwrap_or_default();
    let violated = categories.iter().filter(|(_, is)| is.as_bool() == Some(true)).map(|(name, _)| name.as_str().into());
    let told = Json::object([
        ("violated_categories", Json::Array(violated.collect())),
        ("category_scores", result.get("category_scores").cloned().unwrap_or_default()),
    ]);
    Ok(Said::stop("Violated OpenAI moderation policy", vec![("moderation_result", told)]))
}
