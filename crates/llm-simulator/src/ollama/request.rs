//! Reading chat requests leniently, for what shapes the answer.

use serde_json::{Value, json};

use crate::prompt::{Output, Prompt, Tool, characters, strings, text_field, text_of};
use crate::service::Call;

pub(crate) fn prompt(call: &Call<'_>) -> Prompt {
    let body = call.body;
    let mut prompt = Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        // a negative limit is none
        max_tokens: body.pointer("/options/num_predict").and_then(Value::as_u64),
        stops: strings(body.pointer("/options/stop")),
        // the service streams unless told not to
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(true),
        ..Prompt::default()
    };
    let empty = Vec::new();
    let messages = body.get("messages").and_then(Value::as_array).unwrap_or(&empty);
    let last_user = messages.iter().rev().find(|m| text_field(m, "role") == Some("user"));
    if let Some(content) = last_user.and_then(|m| m.get("content")) {
        prompt.set_user_text(&text_of(content));
    }
    if let Some(last) = messages.last().filter(|m| text_field(m, "role") == Some("tool")) {
        prompt.tool_result = last.get("content").map(text_of);
    }
    prompt.characters = ["messages", "tools"].iter().filter_map(|key| body.get(key)).map(characters).sum();
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    prompt.tools = tools.filter_map(|tool| tool.get("function")).filter_map(tool).collect();
    prompt.output = match body.get("format") {
        Some(Value::String(word)) if word == "json" => Output::Json,
        Some(schema @ Value::Object(_)) => Output::Schema(schema.clone()),
        _ => Output::Text,
    };
    prompt.thinking = match body.get("think") {
        Some(Value::Bool(think)) => *think,
        Some(Value::String(_)) => true,
        _ => false,
    };
    prompt
}

fn tool(function: &Value) -> Option<Tool> {
    let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"}));
    Some(Tool { name: text_field(function, "name")?.to_owned(), schema })
}
