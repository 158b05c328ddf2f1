//! Reading chat and completion requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::prompt::{Forced, Output, Prompt, characters, conversation, strings, text_field, text_of};

pub(super) fn chat_prompt(body: &Value) -> Prompt {
    let mut prompt = common(body);
    conversation(&mut prompt, body, &["messages", "tools", "functions"]);
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
    // a list of parts (images beside text) has its texts within
    let parts = || body.get(field).map(text_of).unwrap_or_default();
    prompt.set_user_text(&texts.first().cloned().unwrap_or_else(parts));
    prompt.characters = body.get(field).map_or(0, characters);
    prompt
}

fn common(body: &Value) -> Prompt {
    let limit = body.get("max_completion_tokens").or_else(|| body.get("max_tokens"));
    Prompt {
        model: text_field(body, "model").unwrap_or_default().to_owned(),
        max_tokens: limit.and_then(Value::as_u64),
        stops: strings(body.get("stop")),
        stream: is_true(body.get("stream")),
        ..Prompt::default()
    }
}

/// A switch; a form has it as text.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
}
