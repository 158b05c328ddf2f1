//! What is asked, in the words of the Responses API.

use llm_types::{Json, Result};

use super::input::{input, text};

/// Fields that become others, or that only Google's own models know.
const OURS: [&str; 9] = [
    "input",
    "system_instruction",
    "generation_config",
    "tools",
    "previous_interaction_id",
    "response_format",
    "response_mime_type",
    "response_modalities",
    "agent_config",
];

/// A request of the Responses API for an interaction. Fields that neither of them knows stay as they are.
///
/// # Errors
/// 400 for an input that cannot be said there.
pub fn request(asked: &Json) -> Result<Json> {
    let given = |name: &str| asked.get(name).filter(|value| !value.is_null());
    let rest = asked.as_object().unwrap_or_default().iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    let mut out = Json::Object(rest.cloned().collect());
    if let Some(said) = given("input") {
        out.set("input", input(said)?);
    }
    if let Some(instruction) = given("system_instruction") {
        out.set("instructions", text(instruction));
    }
    if let Some(before) = given("previous_interaction_id") {
        out.set("previous_response_id", before.clone());
    }
    if let Some(schema) = given("response_format").filter(|schema| schema.as_object().is_some()) {
        let format = Json::object([
            ("type", Json::from("json_schema")),
            ("name", Json::from("response")),
            ("schema", schema.clone()),
        ]);
        out.set("text", Json::object([("format", format)]));
    }
    if let Some(tools) = given("tools").and_then(Json::as_array) {
        out.set("tools", Json::Array(tools.iter().flat_map(tool).collect()));
    }
    if let Some(config) = given("generation_config") {
        configure(config, &mut out);
    }
    Ok(out)
}

/// Sampling and thinking. What the Responses API has no words for (`stop_sequences`, `top_k`, `seed`) is left out.
fn configure(config: &Json, out: &mut Json) {
    for name in ["temperature", "top_p", "max_output_tokens"] {
        if let Some(value) = config.get(name).filter(|value| !value.is_null()) {
            out.set(name, value.clone());
        }
    }
    let mut reasoning = Json::Object(Vec::new());
    if let Some(level) = config.text("thinking_level") {
        reasoning.set("effort", level);
    }
    if config.text("thinking_summaries") == Some("auto") {
        reasoning.set("summary", "auto");
    }
    if reasoning.as_object().is_some_and(|fields| !fields.is_empty()) {
        out.set("reasoning", reasoning);
    }
    match config.text("tool_choice") {
        Some("any") => out.set("tool_choice", "required"),
        Some(choice @ ("auto" | "none")) => out.set("tool_choice", choice),
        _ => {}
    }
}

/// A tool; declarations in the older words of Google's are several.
fn tool(tool: &Json) -> Vec<Json> {
    if let Some(all) = tool.get("function_declarations").and_then(Json::as_array) {
        let named = |function: &Json| {
            let mut out = Json::object([("type", "function")]);
            function.as_object().unwrap_or_default().iter().for_each(|(name, value)| out.set(name, value.clone()));
            out
        };
        return all.iter().map(named).collect();
    }
    vec![match tool.text("type") {
        Some("google_search") => Json::object([("type", "web_search")]),
        Some("code_execution") => {
            Json::object([("type", Json::from("code_interpreter")), ("container", Json::object([("type", "auto")]))])
        }
        _ => tool.clone(),
    }]
}
