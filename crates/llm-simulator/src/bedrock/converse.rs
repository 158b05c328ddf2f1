//! Converse replies.

use base64::Engine;

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::{frames, json_reply, stream};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let answer = compose(call.prompt, call.script, 0);
    let counts = usage(call.prompt, call.script, std::slice::from_ref(&answer));
    if call.prompt.stream {
        return stream::reply(call, &answer, counts);
    }
    whole(call, &answer, counts)
}

/// One message; Nova answers with it to Invoke as well.
pub(super) fn whole(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let mut blocks = Vec::new();
    if answer.redacted {
        blocks.push(fill(frames::REDACTED, &[("data", &base64_word(call, "redacted"))]));
    }
    if let Some(text) = &answer.reasoning {
        let signature = base64_word(call, "signature");
        blocks.push(fill(frames::REASONING, &[("text", &quote(text)), ("signature", &signature)]));
    }
    if let Some(text) = answer.text().or_else(|| answer.refusal.clone()) {
        blocks.push(fill(frames::TEXT, &[("text", &quote(&text))]));
    }
    for (index, tool) in answer.tools.iter().enumerate() {
        let (id, name) = (tool_id(call, index), quote(&tool.name));
        blocks.push(fill(frames::TOOL_USE, &[("id", &id), ("name", &name), ("input", &tool.args)]));
    }
    let (content, stop) = (blocks.join(","), stop(call, &answer.finish));
    let values = [("content", content.as_str()), ("stop", &stop), ("usage", &report(call, counts))];
    json_reply(call, fill(frames::REPLY, &values))
}

pub(super) fn stop(call: &Call<'_>, finish: &Finish) -> String {
    let word = match finish {
        _ if call.script.finish.is_some() => call.script.finish.as_deref().unwrap_or_default(),
        _ if call.script.refusal.is_some() => "content_filtered",
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Tools => "tool_use",
        Finish::Sequence(_) => "stop_sequence",
    };
    quote(word)
}

/// The usage field after a comma. Tokens of the cache are not among the input tokens.
pub(super) fn report(call: &Call<'_>, counts: Usage) -> String {
    if call.script.no_usage {
        return String::new();
    }
    let written = counts.written + counts.written_1h;
    let fresh = counts.prompt.saturating_sub(counts.cached + written);
    let text = fill(
        frames::USAGE,
        &[
            ("input", &fresh.to_string()),
            ("written", &written.to_string()),
            ("cached", &counts.cached.to_string()),
            ("output", &counts.completion.to_string()),
            ("total", &(counts.prompt + counts.completion).to_string()),
        ],
    );
    format!(",\"usage\":{text}")
}

pub(super) fn tool_id(call: &Call<'_>, index: usize) -> String {
    quote(&format!("tooluse_{}", call.word(&format!("tool {index}"), 22)))
}

/// Base64 of bytes that mean nothing, as a JSON string.
pub(super) fn base64_word(call: &Call<'_>, purpose: &str) -> String {
    quote(&base64::engine::general_purpose::STANDARD.encode(call.word(purpose, 94)))
}
