//! Reading requests leniently, for what shapes the answer.

use serde_json::{Value, json};

use crate::prompt::{Forced, Output, Prompt, Tool, characters, text_field, text_of};

pub(in crate::openai) fn prompt(body: &Value) -> Prompt {
    let mut prompt = Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        max_tokens: body.get("max_output_tokens").and_then(Value::as_u64),
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(false),
        ..Prompt::default()
    };
    match body.get("input") {
        Some(Value::String(text)) => prompt.set_user_text(text),
        Some(Value::Array(items)) => {
            let last_user = items.iter().rev().find(|item| text_field(item, "role") == Some("user"));
            if let Some(content) = last_user.and_then(|item| item.get("content")) {
                prompt.set_user_text(&text_of(content));
            }
            let last = items.last().filter(|item| text_field(item, "type") == Some("function_call_output"));
            prompt.tool_result = last.and_then(|item| item.get("output")).map(text_of);
        }
        _ => {}
    }
    let read = ["instructions", "input", "tools"];
    prompt.characters = read.iter().filter_map(|key| body.get(key)).map(characters).sum();
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    prompt.tools = tools.filter_map(tool).collect();
    prompt.forced = match body.get("tool_choice") {
        Some(Value::String(word)) if word == "required" => Forced::Any,
        Some(choice) => text_field(choice, "name").map_or(Forced::No, |name| Forced::Named(name.to_owned())),
        None => Forced::No,
    };
    prompt.output = match body.pointer("/text/format/type").and_then(Value::as_str) {
        Some("json_schema") => {
            body.pointer("/text/format/schema").map_or(Output::Json, |schema| Output::Schema(schema.clone()))
        }
        Some("json_object") => Output::Json,
        _ => Output::Text,
    };
    prompt.thinking = body.pointer("/reasoning/summary").is_some_and(Value::is_string);
    prompt
}

fn tool(tool: &Value) -> Option<Tool> {
    let schema = tool.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"}));
    Some(Tool { name: text_field(tool, "name")?.to_owned(), schema })
}
