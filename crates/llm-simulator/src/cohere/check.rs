//! The service's complaints about chat and rerank requests.

use serde_json::Value;

use crate::prompt::text_field;
use crate::wording::Invalid;

const ROLES: &[&str] = &["user", "assistant", "system", "developer", "tool"];

pub(super) fn chat(body: &Value) -> Result<(), Invalid> {
    model(body)?;
    let messages = match body.get("messages") {
        Some(Value::Array(messages)) => messages.as_slice(),
        Some(other) if !other.is_null() => return wrong_type("messages", other, "a list of objects"),
        _ => &[],
    };
    if messages.is_empty() {
        return Err(Invalid::new("messages: at least one message is required"));
    }
    if let Some(value) = body.get("temperature").filter(|value| !value.is_null()) {
        match value.as_f64() {
            None => return wrong_type("temperature", value, "a float"),
            Some(number) if !(0.0..=1.0).contains(&number) => {
                return Err(Invalid::new("invalid request: temperature must be between 0 and 1.0 inclusive"));
            }
            Some(_) => {}
        }
    }
    if let Some(value) = body.get("max_tokens").filter(|value| !value.is_null() && value.as_u64().is_none()) {
        return wrong_type("max_tokens", value, "an integer of at least 0");
    }
    let mut known: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        known.extend(one_message(index, message, &known)?);
    }
    Ok(())
}

/// Checks one message; takes the ids of the calls before it and gives its own.
fn one_message<'a>(index: usize, message: &'a Value, known: &[&str]) -> Result<Vec<&'a str>, Invalid> {
    let role = text_field(message, "role").unwrap_or_default();
    if !ROLES.contains(&role) {
        return Err(Invalid::new(format!(
            "invalid request: messages[{index}].role must be one of 'user', 'assistant', 'system', 'developer' or 'tool'"
        )));
    }
    let calls: Vec<&str> = message
        .get("tool_calls")
        .and_then(Value::as_array)
        .map(|calls| calls.iter().filter_map(|call| text_field(call, "id")).collect())
        .unwrap_or_default();
    if message.get("content").is_none_or(Value::is_null) && calls.is_empty() {
        return Err(Invalid::new(format!("invalid request: messages[{index}] must have content or tool calls")));
    }
    if role == "tool" {
        let id = text_field(message, "tool_call_id").unwrap_or_default();
        if !known.contains(&id) {
            return Err(Invalid::new(format!(
                "invalid request: cannot specify tool results for tool call id '{id}' without a matching tool call"
            )));
        }
    }
    Ok(calls)
}

pub(super) fn rerank(body: &Value) -> Result<(), Invalid> {
    model(body)?;
    if text_field(body, "query").is_none_or(str::is_empty) {
        return Err(Invalid::new("invalid request: query must not be empty or be only whitespace"));
    }
    if body.get("documents").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(Invalid::new("invalid request: list of documents must not be empty"));
    }
    match body.get("top_n").filter(|value| !value.is_null()) {
        Some(value) if value.as_u64().is_none_or(|n| n == 0) => {
            Err(Invalid::new("invalid request: top_n must be greater than 0"))
        }
        _ => Ok(()),
    }
}

fn model(body: &Value) -> Result<(), Invalid> {
    if !body.is_object() {
        return Err(Invalid::new("invalid type: the request body must be an object."));
    }
    match body.get("model") {
        Some(Value::String(name)) if !name.is_empty() => Ok(()),
        Some(other) if !other.is_null() && !other.is_string() => wrong_type("model", other, "a string"),
        _ => Err(Invalid::new("invalid request: model is required")),
    }
}

fn wrong_type(name: &str, value: &Value, wanted: &str) -> Result<(), Invalid> {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Err(Invalid::new(format!("invalid type: parameter {name} is of type {got} but should be {wanted}.")))
}
