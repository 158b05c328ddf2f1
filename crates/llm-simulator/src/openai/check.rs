//! The service's complaints about chat and completion requests.

use serde_json::Value;

use crate::prompt::text_field;
use crate::route::Dialect;
use crate::service::Call;

use super::errors::ApiError;
use super::refuse;

const CHAT_FIELDS: &[&str] = &[
    "audio",
    "data_sources",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

const COMPLETION_FIELDS: &[&str] = &[
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "model",
    "n",
    "presence_penalty",
    "prompt",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_p",
    "user",
];

const ROLES: &[&str] = &["system", "assistant", "user", "function", "tool", "developer"];

pub(super) fn chat(call: &Call<'_>) -> Result<(), ApiError> {
    model(call)?;
    let Some(messages) = call.body.get("messages") else {
        return refuse(missing("messages"));
    };
    let Some(messages) = messages.as_array() else {
        return refuse(wrong_type("messages", "an array of objects", messages));
    };
    if messages.is_empty() {
        return refuse(
            ApiError::invalid(
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array \
                 instead.",
            )
            .param("messages")
            .code("empty_array"),
        );
    }
    known_fields(call, CHAT_FIELDS)?;
    sampling(call.body)?;
    for (index, message) in messages.iter().enumerate() {
        one_message(index, message)?;
    }
    tool_order(messages)
}

pub(super) fn completion(call: &Call<'_>) -> Result<(), ApiError> {
    model(call)?;
    if call.body.get("prompt").is_none() {
        return refuse(missing("prompt"));
    }
    known_fields(call, COMPLETION_FIELDS)?;
    sampling(call.body)
}

/// A model is named in the body or, for Azure, by the path.
pub(super) fn model(call: &Call<'_>) -> Result<(), ApiError> {
    if !call.body.is_object() {
        return refuse(ApiError::invalid("Invalid body: expected a JSON object."));
    }
    if call.route.model.is_some() {
        return Ok(());
    }
    match call.body.get("model") {
        None => refuse(ApiError::invalid("you must provide a model parameter")),
        Some(Value::String(name)) if !name.is_empty() => Ok(()),
        Some(Value::String(_)) => refuse(ApiError::invalid("you must provide a model parameter")),
        Some(other) => refuse(wrong_type("model", "a string", other)),
    }
}

fn known_fields(call: &Call<'_>, known: &[&str]) -> Result<(), ApiError> {
    // many services of this family take more fields; Azure and OpenAI do not
    if call.lenient {
        return Ok(());
    }
    let fields = call.body.as_object().into_iter().flatten();
    match fields.map(|(name, _)| name).find(|name| !known.contains(&name.as_str())) {
        Some(name) => refuse(ApiError::invalid(format!("Unrecognized request argument supplied: {name}"))),
        None => Ok(()),
    }
}

pub(super) fn sampling(body: &Value) -> Result<(), ApiError> {
    for (name, low, high) in [("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0), ("presence_penalty", -2.0, 2.0)] {
        let Some(value) = body.get(name).filter(|v| !v.is_null()) else { continue };
        let Some(number) = value.as_f64() else {
            return refuse(wrong_type(name, "a decimal", value));
        };
        if number > high {
            let text = format!(
                "Invalid '{name}': decimal above maximum value. Expected a value <= {high}, but got {value} instead."
            );
            return refuse(ApiError::invalid(text).param(name).code("decimal_above_max_value"));
        }
        if number < low {
            let text = format!(
                "Invalid '{name}': decimal below minimum value. Expected a value >= {low}, but got {value} instead."
            );
            return refuse(ApiError::invalid(text).param(name).code("decimal_below_min_value"));
        }
    }
    for name in ["max_tokens", "max_completion_tokens", "n"] {
        if let Some(value) = body.get(name).filter(|v| !v.is_null())
            && value.as_u64().is_none_or(|number| number == 0)
        {
            return refuse(wrong_type(name, "an integer of at least 1", value));
        }
    }
    if let Some(value) = body.get("stream").filter(|v| !v.is_null() && !v.is_boolean()) {
        return refuse(wrong_type("stream", "a boolean", value));
    }
    let streams = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    if body.get("stream_options").is_some_and(|v| !v.is_null()) && !streams {
        let text = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return refuse(ApiError::invalid(text).param("stream_options"));
    }
    Ok(())
}

fn one_message(index: usize, message: &Value) -> Result<(), ApiError> {
    let Some(role) = message.get("role") else {
        return refuse(missing(&format!("messages[{index}].role")));
    };
    let role = role.as_str().unwrap_or_default();
    if !ROLES.contains(&role) {
        let text = format!(
            "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and \
             'developer'."
        );
        return refuse(ApiError::invalid(text).param(format!("messages[{index}].role")).code("invalid_value"));
    }
    let field = format!("messages[{index}].content");
    let may_be_empty = role == "assistant" && ["tool_calls", "function_call"].iter().any(|k| message.get(k).is_some());
    match message.get("content") {
        Some(Value::String(_) | Value::Array(_)) => {}
        Some(Value::Null) | None if may_be_empty || role == "assistant" => {}
        None => return refuse(missing(&field)),
        Some(Value::Null) => {
            let text = format!("Invalid value for 'content': expected a string, got null. ({field})");
            return refuse(ApiError::invalid(text).param(field));
        }
        Some(other) => return refuse(wrong_type(&field, "one of a string or array of objects", other)),
    }
    if role == "tool" && text_field(message, "tool_call_id").is_none() {
        return refuse(missing(&format!("messages[{index}].tool_call_id")));
    }
    Ok(())
}

/// Every tool call is answered right after it, and only calls are answered.
fn tool_order(messages: &[Value]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if text_field(message, "role") == Some("tool") {
            let id = text_field(message, "tool_call_id").unwrap_or_default();
            let Some(at) = open.iter().position(|known| *known == id) else {
                let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message \
                            with 'tool_calls'.";
                return refuse(ApiError::invalid(text).param(format!("messages.[{index}].role")));
            };
            open.remove(at);
            continue;
        }
        unanswered(&open, index)?;
        open = message
            .get("tool_calls")
            .and_then(Value::as_array)
            .map(|calls| calls.iter().filter_map(|c| text_field(c, "id")).collect())
            .unwrap_or_default();
    }
    unanswered(&open, messages.len())
}

fn unanswered(open: &[&str], index: usize) -> Result<(), ApiError> {
    if open.is_empty() {
        return Ok(());
    }
    let text = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    refuse(ApiError::invalid(text).param(format!("messages.[{index}].role")))
}

pub(super) fn missing(name: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{name}'.")).param(name).code("missing_required_parameter")
}

pub(super) fn wrong_type(name: &str, expected: &str, got: &Value) -> ApiError {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(n) if n.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ApiError::invalid(format!("Invalid type for '{name}': expected {expected}, but got {got} instead."))
        .param(name)
        .code("invalid_type")
}

/// Azure needs a version in the query.
pub(crate) fn needs_version(dialect: Dialect, query: &str, path: &str) -> bool {
    dialect == Dialect::Azure && path.contains("/deployments/") && !query.contains("api-version=")
}
