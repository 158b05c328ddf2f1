//! Reading chat and rerank requests leniently, for what shapes the answer.

use serde_json::{Value, json};

use crate::prompt::{Forced, Output, Prompt, Tool, characters, strings, text_field, text_of};
use crate::route::Operation;
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
    if call.route.operation == Operation::Rerank {
        prompt.set_user_text(text_field(body, "query").unwrap_or_default());
        return prompt;
    }
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
    prompt.forced = if text_field(body, "tool_choice") == Some("REQUIRED") { Forced::Any } else { Forced::No };
    if body.pointer("/response_format/type").and_then(Value::as_str) == Some("json_object") {
        let schema = ["json_schema", "schema"].iter().find_map(|name| body.get("response_format")?.get(name));
        prompt.output = schema.map_or(Output::Json, |schema| Output::Schema(schema.clone()));
    }
    prompt.thinking = body.pointer("/thinking/type").and_then(Value::as_str) == Some("enabled");
    prompt
}

fn tool(function: &Value) -> Option<Tool> {
    let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"}));
    Some(Tool { name: text_field(function, "name")?.to_owned(), schema })
}
