//! Messages replies.

use base64::Engine;

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::reply::Reply;
use crate::server::State;
use crate::service::Call;
use crate::template::{fill, quote, quote_or_null};

use super::{frames, json_reply, request, served_model, stream};

pub(super) fn reply(call: &Call<'_>, state: &State) -> Reply {
    let answer = compose(call.prompt, call.script, 0);
    let counts = with_cache(call, state, usage(call.prompt, call.script, std::slice::from_ref(&answer)));
    if call.prompt.stream {
        return stream::reply(call, &answer, counts);
    }
    let mut blocks = Vec::new();
    if answer.redacted {
        blocks.push(fill(frames::REDACTED, &[("data", &redacted_data(call))]));
    }
    if let Some(text) = &answer.reasoning {
        blocks.push(fill(frames::THINKING, &[("text", &quote(text)), ("signature", &signature(call))]));
    }
    if let Some(text) = text_of(&answer) {
        blocks.push(fill(frames::TEXT, &[("text", &quote(&text))]));
    }
    for (index, tool) in answer.tools.iter().enumerate() {
        let (id, name) = (tool_id(call, index), quote(&tool.name));
        blocks.push(fill(frames::TOOL_USE, &[("id", &id), ("name", &name), ("input", &tool.args)]));
    }
    let report =
        if call.script.no_usage { String::new() } else { format!(",\"usage\":{}", usage_text(frames::USAGE, counts)) };
    let (stop, sequence) = stop(call, &answer.finish);
    json_reply(call, message(call, &blocks.join(","), &stop, &sequence, &report))
}

/// Anthropic has no refusal field: a refusal is text with stop reason `refusal`.
pub(super) fn text_of(answer: &Answer) -> Option<String> {
    answer.text().or_else(|| answer.refusal.clone())
}

pub(super) fn message(call: &Call<'_>, content: &str, stop: &str, sequence: &str, report: &str) -> String {
    fill(
        frames::MESSAGE,
        &[
            ("model", &quote(&served_model(call))),
            ("id", &quote(&format!("msg_01{}", call.word("id", 22)))),
            ("content", content),
            ("stop", stop),
            ("sequence", sequence),
            ("usage", report),
        ],
    )
}

/// `stop_reason` and `stop_sequence` as JSON.
pub(super) fn stop(call: &Call<'_>, finish: &Finish) -> (String, String) {
    let (word, sequence) = match finish {
        _ if call.script.finish.is_some() => (call.script.finish.as_deref().unwrap_or_default(), None),
        _ if call.script.refusal.is_some() => ("refusal", None),
        Finish::Stop => ("end_turn", None),
        Finish::Length => ("max_tokens", None),
        Finish::Tools => ("tool_use", None),
        Finish::Sequence(sequence) => ("stop_sequence", Some(sequence.as_str())),
    };
    (quote(word), quote_or_null(sequence))
}

pub(super) fn usage_text(template: &str, counts: Usage) -> String {
    let written = counts.written + counts.written_1h;
    let fresh = counts.prompt.saturating_sub(counts.cached + written);
    fill(
        template,
        &[
            ("input", &fresh.to_string()),
            ("written", &written.to_string()),
            ("cached", &counts.cached.to_string()),
            ("written5m", &counts.written.to_string()),
            ("written1h", &counts.written_1h.to_string()),
            ("output", &counts.completion.to_string()),
        ],
    )
}

/// A marked prefix is written to the cache the first time and read from it afterwards, unless the script has numbers.
fn with_cache(call: &Call<'_>, state: &State, mut counts: Usage) -> Usage {
    if counts.cached + counts.written + counts.written_1h > 0 {
        return counts;
    }
    let Some(prefix) = request::cache_prefix(call.body) else {
        return counts;
    };
    let tokens = prefix.tokens.min(counts.prompt);
    let first = state.cached.lock().insert(prefix.hash);
    match (first, prefix.one_hour) {
        (false, _) => counts.cached = tokens,
        (true, false) => counts.written = tokens,
        (true, true) => counts.written_1h = tokens,
    }
    counts
}

pub(super) fn tool_id(call: &Call<'_>, index: usize) -> String {
    quote(&format!("toolu_01{}", call.word(&format!("tool {index}"), 22)))
}

/// Base64 of bytes that mean nothing, as a JSON string.
pub(super) fn signature(call: &Call<'_>) -> String {
    quote(&base64::engine::general_purpose::STANDARD.encode(call.word("signature", 94)))
}

pub(super) fn redacted_data(call: &Call<'_>) -> String {
    quote(&base64::engine::general_purpose::STANDARD.encode(call.word("redacted", 64)))
}
