//! Reading Converse requests leniently, for what shapes the answer.

use serde_json::{Value, json};

use crate::prompt::{Forced, Output, Prompt, Tool, characters, strings, text_field, text_of};
use crate::route::Operation;
use crate::service::Call;

pub(super) fn prompt(call: &Call<'_>) -> Prompt {
    let body = call.body;
    let mut prompt = Prompt {
        model: call.route.model.clone().unwrap_or_default(),
        max_tokens: body.pointer("/inferenceConfig/maxTokens").and_then(Value::as_u64),
        stops: strings(body.pointer("/inferenceConfig/stopSequences")),
        stream: call.route.operation == Operation::ConverseStream,
        ..Prompt::default()
    };
    let empty = Vec::new();
    let messages = body.get("messages").and_then(Value::as_array).unwrap_or(&empty);
    // the latest user message with text; messages of tool results have none
    let texts = messages.iter().rev().filter(|m| text_field(m, "role") == Some("user"));
    if let Some(text) = texts.filter_map(|m| m.get("content")).map(text_of).find(|text| !text.is_empty()) {
        prompt.set_user_text(&text);
    }
    let last = messages.last().and_then(|m| m.get("content")).and_then(Value::as_array);
    let result = last.and_then(|blocks| blocks.iter().find_map(|block| block.get("toolResult")));
    prompt.tool_result = result.map(result_text);
    prompt.characters =
        ["system", "messages", "toolConfig"].iter().filter_map(|key| body.get(key)).map(characters).sum();
    let tools = body.pointer("/toolConfig/tools").and_then(Value::as_array).into_iter().flatten();
    prompt.tools = tools.filter_map(|tool| tool.get("toolSpec")).filter_map(tool).collect();
    let choice = body.pointer("/toolConfig/toolChoice").unwrap_or(&Value::Null);
    prompt.forced = match choice.pointer("/tool/name").and_then(Value::as_str) {
        Some(name) => Forced::Named(name.to_owned()),
        None if choice.get("any").is_some() => Forced::Any,
        None => Forced::No,
    };
    // the schema is a JSON text
    let schema = body.pointer("/outputConfig/textFormat/structure/jsonSchema/schema").and_then(Value::as_str);
    if let Some(schema) = schema.and_then(|text| serde_json::from_str(text).ok()) {
        prompt.output = Output::Schema(schema);
    }
    let thinking = body.pointer("/additionalModelRequestFields/thinking/type").and_then(Value::as_str);
    prompt.thinking = matches!(thinking, Some("enabled" | "adaptive"));
    prompt
}

fn tool(spec: &Value) -> Option<Tool> {
    let schema = spec.pointer("/inputSchema/json").cloned().unwrap_or_else(|| json!({"type": "object"}));
    Some(Tool { name: text_field(spec, "name")?.to_owned(), schema })
}

/// A tool's result in text or JSON blocks.
fn result_text(result: &Value) -> String {
    let content = result.get("content").unwrap_or(&Value::Null);
    let json = content.as_array().into_iter().flatten().find_map(|block| block.get("json"));
    json.map_or_else(|| text_of(content), Value::to_string)
}
