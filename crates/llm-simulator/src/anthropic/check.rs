//! The service's complaints about messages requests.

use serde_json::Value;

use crate::prompt::{text_field, text_of};
use crate::service::Call;

use super::errors::ApiError;

const FIELDS: &[&str] = &[
    "cache_control",
    "container",
    "context_management",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

pub(super) fn version(call: &Call<'_>) -> Result<(), ApiError> {
    if call.headers.contains_key("anthropic-version") {
        return Ok(());
    }
    Err(ApiError::invalid("anthropic-version: header is required"))
}

/// `answering` is false for count_tokens, which needs no `max_tokens`.
pub(super) fn messages(call: &Call<'_>, answering: bool) -> Result<(), ApiError> {
    let body = call.body;
    if !body.is_object() {
        return Err(ApiError::invalid("Input should be a valid dictionary"));
    }
    let required: &[&str] = if answering { &["model", "messages", "max_tokens"] } else { &["model", "messages"] };
    required_fields(body, required)?;
    if let Some(name) = body.as_object().into_iter().flatten().map(|(k, _)| k).find(|k| !FIELDS.contains(&k.as_str())) {
        return Err(ApiError::invalid(format!("{name}: Extra inputs are not permitted")));
    }
    if text_field(body, "model").is_none() {
        return Err(ApiError::invalid("model: Input should be a valid string"));
    }
    conversation(body, answering)
}

/// As Bedrock passes requests on: the model stands in the path, the version in the body.
pub(super) fn invoked(call: &Call<'_>) -> Result<(), ApiError> {
    let body = call.body;
    required_fields(body, &["anthropic_version", "max_tokens", "messages"])?;
    let permitted = |name: &str| {
        ["anthropic_beta", "anthropic_version"].contains(&name)
            || (FIELDS.contains(&name) && !["model", "stream", "metadata"].contains(&name))
    };
    if let Some(name) = body.as_object().into_iter().flatten().map(|(k, _)| k).find(|k| !permitted(k)) {
        return Err(ApiError::invalid(format!("{name}: Extra inputs are not permitted")));
    }
    conversation(body, true)
}

fn required_fields(body: &Value, names: &[&str]) -> Result<(), ApiError> {
    match names.iter().find(|name| body.get(**name).is_none()) {
        Some(name) => Err(ApiError::invalid(format!("{name}: Field required"))),
        None => Ok(()),
    }
}

fn conversation(body: &Value, answering: bool) -> Result<(), ApiError> {
    let Some(list) = body.get("messages").and_then(Value::as_array) else {
        return Err(ApiError::invalid("messages: Input should be a valid list"));
    };
    if list.is_empty() {
        return Err(ApiError::invalid("messages: at least one message is required"));
    }
    if answering {
        limits(body)?;
    }
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        open = one_message(index, message, &open)?;
    }
    Ok(())
}

fn limits(body: &Value) -> Result<(), ApiError> {
    let max = body.get("max_tokens").unwrap_or(&Value::Null);
    let Some(max) = max.as_i64() else {
        return Err(ApiError::invalid("max_tokens: Input should be a valid integer"));
    };
    if max < 1 {
        return Err(ApiError::invalid("max_tokens: Input should be greater than or equal to 1"));
    }
    if let Some(temperature) = body.get("temperature").and_then(Value::as_f64)
        && !(0.0..=1.0).contains(&temperature)
    {
        return Err(ApiError::invalid("temperature: range: 0..1"));
    }
    let Some(budget) = body.pointer("/thinking/budget_tokens").and_then(Value::as_i64) else {
        return Ok(());
    };
    if budget < 1024 {
        return Err(ApiError::invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"));
    }
    if budget >= max {
        return Err(ApiError::invalid(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at \
             https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
        ));
    }
    Ok(())
}

/// Checks one message; takes the tool calls the message before left open and gives those it leaves open itself.
fn one_message<'a>(index: usize, message: &'a Value, open: &[&str]) -> Result<Vec<&'a str>, ApiError> {
    let role = text_field(message, "role");
    match role {
        Some("user" | "assistant") => {}
        Some("system") => {
            return Err(ApiError::invalid(
                "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \
                 \"system\" as an input message role.",
            ));
        }
        Some(_) => {
            return Err(ApiError::invalid(format!("messages.{index}.role: Input should be 'user' or 'assistant'")));
        }
        None => return Err(ApiError::invalid(format!("messages.{index}.role: Field required"))),
    }
    let content = message.get("content");
    let blocks: &[Value] = match content {
        None => return Err(ApiError::invalid(format!("messages.{index}.content: Field required"))),
        Some(Value::String(_)) => &[],
        Some(Value::Array(blocks)) => blocks,
        Some(_) => {
            return Err(ApiError::invalid(format!("messages.{index}.content: Input should be a valid list")));
        }
    };
    let nothing = content.map(text_of).unwrap_or_default().is_empty() && blocks.is_empty();
    if nothing && role == Some("user") {
        return Err(ApiError::invalid(format!("messages.{index}: user messages must have non-empty content")));
    }
    let mut calls = Vec::new();
    let mut answered = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        match text_field(block, "type") {
            None => return Err(ApiError::invalid(format!("messages.{index}.content.{at}.type: Field required"))),
            Some("text") if text_field(block, "text").is_none_or(str::is_empty) => {
                return Err(ApiError::invalid("messages: text content blocks must be non-empty"));
            }
            Some("tool_use") => calls.extend(text_field(block, "id")),
            Some("tool_result") => {
                let id = text_field(block, "tool_use_id").unwrap_or_default();
                if !open.contains(&id) {
                    return Err(ApiError::invalid(format!(
                        "messages.{index}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. \
                         Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                    )));
                }
                answered.push(id);
            }
            Some(_) => {}
        }
    }
    let missing: Vec<&str> = open.iter().filter(|id| !answered.contains(id)).copied().collect();
    if !missing.is_empty() {
        return Err(ApiError::invalid(format!(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
             `tool_use` block must have a corresponding `tool_result` block in the next message.",
            index - 1,
            missing.join(", ")
        )));
    }
    Ok(calls)
}
