//! The service's complaints about chat requests: those of Go's JSON decoder, and a few of its own. Fields it does not
//! know are ignored.

use serde_json::Value;

use crate::prompt::text_field;
use crate::wording::Invalid;

pub(super) fn chat(body: &Value) -> Result<(), Invalid> {
    if !body.is_object() {
        return unmarshal(body, "value", "api.ChatRequest");
    }
    for (name, kind) in
        [("model", "string"), ("messages", "[]api.Message"), ("stream", "bool"), ("options", "map[string]interface {}")]
    {
        let Some(value) = body.get(name).filter(|value| !value.is_null()) else { continue };
        let fits = match kind {
            "string" => value.is_string(),
            "bool" => value.is_boolean(),
            "[]api.Message" => value.is_array(),
            _ => value.is_object(),
        };
        if !fits {
            return unmarshal(value, &format!("Go struct field ChatRequest.{name}"), kind);
        }
    }
    if text_field(body, "model").is_none_or(str::is_empty) {
        return Err(Invalid::new("model is required"));
    }
    for message in body.get("messages").and_then(Value::as_array).into_iter().flatten() {
        if let Some(content) = message.get("content").filter(|content| !content.is_string() && !content.is_null()) {
            return unmarshal(content, "Go struct field ChatRequest.messages.content", "string");
        }
        if let Some(arguments) = message.pointer("/tool_calls/0/function/arguments").filter(|a| a.is_string()) {
            let place = "Go struct field ChatRequest.messages.tool_calls.function.arguments";
            return unmarshal(arguments, place, "api.ToolCallFunctionArguments");
        }
    }
    Ok(())
}

fn unmarshal(value: &Value, place: &str, kind: &str) -> Result<(), Invalid> {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Err(Invalid::new(format!("json: cannot unmarshal {got} into {place} of type {kind}")))
}
