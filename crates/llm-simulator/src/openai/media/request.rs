//! Reading these requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::prompt::Prompt;
use crate::route::Operation;
use crate::service::Call;

use super::super::request::text_prompt;

/// What is asked for; `None` for operations of other folders.
pub(in super::super) fn prompt(call: &Call<'_>) -> Option<Prompt> {
    let field = match call.route.operation {
        Operation::Images
        | Operation::ImageEdits
        | Operation::ImageVariations
        | Operation::Transcriptions
        | Operation::Translations
        | Operation::Videos
        | Operation::VideoRemix => "prompt",
        Operation::Speech | Operation::Moderations => "input",
        Operation::VideoStatus | Operation::VideoContent | Operation::VideoDelete => return Some(Prompt::default()),
        _ => return None,
    };
    let mut prompt = text_prompt(call.body, field);
    if call.route.operation == Operation::Speech {
        prompt.stream = call.body.get("stream_format").and_then(Value::as_str) == Some("sse");
    }
    // the first model of its kind hears no wish for events
    prompt.stream &= !prompt.model.starts_with("whisper");
    Some(prompt)
}

/// A whole number; a form has it as text.
pub(super) fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
