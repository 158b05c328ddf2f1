//! Reading chat and completion requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::prompt::{Forced, Output, Prompt, Tool, characters, strings, text_field, text_of};

pub(super) fn chat_prompt(body: &Value) -> Prompt {
    let mut prompt = common(body);
    let empty = Vec::new();
    let messages = body.get("messages").and_then(Value::as_array).unwrap_or(&empty);
    let last_user = messages.iter().rev().find(|m| text_field(m, "role") == Some("user"));
    if let Some(content) = last_user.and_then(|m| m.get("content")) {
        prompt.set_user_text(&text_of(content));
    }
    if let Some(last) = messages.last().filter(|m| text_field(m, "role") == Some("tool")) {
        prompt.tool_result = last.get("content").map(text_of);
    }
    prompt.characters = ["messages", "tools", "functions"].iter().filter_map(|key| body.get(key)).map(characters).sum();
    if let Some(tools) = body.get("tools").and_then(Value::as_array) {
        prompt.tools = tools.iter().filter_map(tool).collect();
    }
    prompt.forced = match body.get("tool_choice") {
        Some(Value::String(word)) if word == "required" => Forced::Any,
        Some(choice) => choice
            .pointer("/function/name")
            .and_then(Value::as_str)
            .map_or(Forced::No, |name| Forced::Named(name.to_owned())),
        None => Forced::No,
    };
    prompt.output = match body.pointer("/response_format/type").and_then(Value::as_str) {
        Some("json_schema") => body
            .pointer("/response_format/json_schema/schema")
            .map_or(Output::Json, |schema| Output::Schema(schema.clone())),
        Some("json_object") => Output::Json,
        _ => Output::Text,
    };
    prompt
}

/// A request that holds its text, or a list of texts, in one field.
pub(super) fn text_prompt(body: &Value, field: &str) -> Prompt {
    let mut prompt = common(body);
    let texts = strings(body.get(field));
    prompt.set_user_text(texts.first().map_or("", String::as_str));
    prompt.characters = body.get(field).map_or(0, characters);
    prompt
}

fn common(body: &Value) -> Prompt {
    let limit = body.get("max_completion_tokens").or_else(|| body.get("max_tokens"));
    Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        max_tokens: limit.and_then(Value::as_u64),
        stops: strings(body.get("stop")),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        ..Prompt::default()
    }
}

fn tool(tool: &Value) -> Option<Tool> {
    let function = tool.get("function")?;
    let schema = function.get("parameters").cloned().unwrap_or_else(|| serde_json::json!({"type": "object"}));
    Some(Tool { name: text_field(function, "name")?.to_owned(), schema })
}
