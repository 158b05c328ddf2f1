//! Reading messages requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::ids::tokens;
use crate::prompt::{Forced, Output, Prompt, Tool, characters, strings, text_field, text_of};
use crate::service::Call;

pub(crate) fn prompt(call: &Call<'_>) -> Prompt {
    let body = call.body;
    let mut prompt = Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        stops: strings(body.get("stop_sequences")),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
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
    let result = last.and_then(|blocks| blocks.iter().find(|b| text_field(b, "type") == Some("tool_result")));
    prompt.tool_result = result.map(|block| block.get("content").map(text_of).unwrap_or_default());
    prompt.characters = ["system", "messages", "tools"].iter().filter_map(|key| body.get(key)).map(characters).sum();
    if let Some(tools) = body.get("tools").and_then(Value::as_array) {
        prompt.tools = tools
            .iter()
            .filter_map(|t| {
                Some(Tool { name: text_field(t, "name")?.to_owned(), schema: t.get("input_schema")?.clone() })
            })
            .collect();
    }
    prompt.forced = match body.pointer("/tool_choice/type").and_then(Value::as_str) {
        Some("any") => Forced::Any,
        Some("tool") => {
            Forced::Named(body.pointer("/tool_choice/name").and_then(Value::as_str).unwrap_or_default().to_owned())
        }
        _ => Forced::No,
    };
    let format = body.pointer("/output_config/format").or_else(|| body.get("output_format"));
    if let Some(schema) = format.and_then(|f| f.get("schema")) {
        prompt.output = Output::Schema(schema.clone());
    }
    prompt.thinking = matches!(body.pointer("/thinking/type").and_then(Value::as_str), Some("enabled" | "adaptive"));
    prompt
}

/// Estimate of all prompt tokens.
pub(super) fn prompt_tokens(call: &Call<'_>) -> u64 {
    tokens(call.prompt.characters).max(1)
}

/// What a request asks to keep in the prompt cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CachePrefix {
    pub(super) hash: u64,
    pub(super) tokens: u64,
    pub(super) one_hour: bool,
}

/// The prefix (tools, then system, then messages) up to the last `cache_control`; `None` without one.
pub(super) fn cache_prefix(body: &Value) -> Option<CachePrefix> {
    let mut blocks: Vec<&Value> = Vec::new();
    for key in ["tools", "system"] {
        blocks.extend(body.get(key).and_then(Value::as_array).into_iter().flatten());
    }
    for message in body.get("messages").and_then(Value::as_array).into_iter().flatten() {
        match message.get("content") {
            Some(Value::Array(parts)) => blocks.extend(parts),
            Some(other) => blocks.push(other),
            None => {}
        }
    }
    let last = blocks.iter().rposition(|block| block.get("cache_control").is_some_and(|v| !v.is_null()))?;
    let prefix = blocks.get(..=last)?;
    let text: Vec<String> = prefix.iter().map(|block| block.to_string()).collect();
    let one_hour = prefix.last()?.pointer("/cache_control/ttl").and_then(Value::as_str) == Some("1h");
    let counted = tokens(prefix.iter().map(|block| characters(block)).sum());
    Some(CachePrefix { hash: crate::ids::hash(text.concat().as_bytes()), tokens: counted, one_hour })
}
