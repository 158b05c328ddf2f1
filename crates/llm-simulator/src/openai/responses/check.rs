//! The service's complaints about requests.

use serde_json::Value;

use crate::openai::check;
use crate::openai::errors::ApiError;
use crate::prompt::text_field;
use crate::service::Call;

const FIELDS: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

pub(super) fn responses(call: &Call<'_>) -> Result<(), ApiError> {
    check::model(call)?;
    let body = call.body;
    let names = body.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(name) = names.into_iter().find(|name| !FIELDS.contains(&name.as_str())).filter(|_| !call.lenient) {
        let problem = ApiError::invalid(format!("Unknown parameter: '{name}'."));
        return Err(problem.param(name.as_str()).code("unknown_parameter"));
    }
    check::sampling(body)?;
    if let Some(max) = body.get("max_output_tokens").filter(|max| !max.is_null()) {
        match max.as_i64() {
            None => return Err(check::wrong_type("max_output_tokens", "an integer", max)),
            Some(number) if number < 16 => {
                let text = format!(
                    "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got \
                     {number} instead."
                );
                return Err(ApiError::invalid(text).param("max_output_tokens").code("integer_below_min_value"));
            }
            Some(_) => {}
        }
    }
    for (index, tool) in body.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if text_field(tool, "type") == Some("function") && text_field(tool, "name").is_none() {
            return Err(check::missing(&format!("tools[{index}].name")));
        }
    }
    match body.get("input") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(items)) => calls(items, body.get("previous_response_id").is_some()),
        Some(other) if !other.is_null() => {
            Err(check::wrong_type("input", "one of a string or array of objects", other))
        }
        _ if ["prompt", "previous_response_id", "conversation"].iter().any(|name| body.get(name).is_some()) => Ok(()),
        _ => Err(check::missing("input")),
    }
}

/// Every call has its output, and every output its call, which an earlier response may hold.
fn calls(items: &[Value], continued: bool) -> Result<(), ApiError> {
    let ids = |kind: &str| -> Vec<&str> {
        let of_kind = items.iter().filter(|item| text_field(item, "type") == Some(kind));
        of_kind.filter_map(|item| text_field(item, "call_id")).collect()
    };
    let (calls, outputs) = (ids("function_call"), ids("function_call_output"));
    if let Some(id) = outputs.iter().find(|id| !continued && !calls.contains(id)) {
        let text = format!("No tool call found for function call output with call_id {id}.");
        return Err(ApiError::invalid(text).param("input"));
    }
    if let Some(id) = calls.iter().find(|id| !outputs.contains(id)) {
        return Err(ApiError::invalid(format!("No tool output found for function call {id}.")).param("input"));
    }
    Ok(())
}
