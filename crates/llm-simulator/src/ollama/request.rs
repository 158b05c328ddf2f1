//! Reading chat requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::prompt::{Output, Prompt, conversation, strings, text_field};
use crate::service::Call;

pub(super) fn prompt(call: &Call<'_>) -> Prompt {
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
    conversation(&mut prompt, body, &["messages", "tools"]);
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
