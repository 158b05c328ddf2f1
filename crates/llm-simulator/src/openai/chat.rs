//! Chat replies.

use serde_json::Value;

use crate::content::{Answer, Usage, compose, usage};
use crate::reply::Reply;
use crate::route::Dialect;
use crate::service::Call;
use crate::template::{fill, quote, quote_or_null};

use super::{finish_word, frames, json_reply, served_model, stream};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let count = call.body.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128);
    let answers: Vec<Answer> = (0..count).map(|choice| compose(call.prompt, call.script, choice)).collect();
    if call.prompt.stream {
        return stream::reply(call, &answers);
    }
    let azure = call.route.dialect == Dialect::Azure;
    let choices: Vec<String> = answers.iter().enumerate().map(|(index, a)| choice(call, index, a)).collect();
    let counts = usage(call.prompt, call.script, &answers);
    let report = if call.script.no_usage {
        String::new()
    } else if azure {
        format!(",\"usage\":{}", usage_text(counts))
    } else {
        format!(",\n  \"usage\": {}", usage_text(counts))
    };
    let body = fill(
        if azure { frames::AZURE_CHAT } else { frames::CHAT },
        &[
            ("id", &quote(&completion_id(call))),
            ("created", &call.created.to_string()),
            ("model", &quote(&served_model(call))),
            ("choices", &choices.join(",")),
            ("usage", &report),
        ],
    );
    json_reply(call, body)
}

pub(super) fn completion_id(call: &Call<'_>) -> String {
    format!("chatcmpl-{}", call.word("id", 29))
}

pub(super) fn tool_id(call: &Call<'_>, choice: usize, index: usize) -> String {
    format!("call_{}", call.word(&format!("tool {choice} {index}"), 24))
}

pub(super) fn usage_text(usage: Usage) -> String {
    fill(
        frames::USAGE,
        &[
            ("prompt", &usage.prompt.to_string()),
            ("completion", &usage.completion.to_string()),
            ("total", &(usage.prompt + usage.completion).to_string()),
            ("cached", &usage.cached.to_string()),
            ("reasoning", &usage.reasoning.to_string()),
        ],
    )
}

fn choice(call: &Call<'_>, index: usize, answer: &Answer) -> String {
    let azure = call.route.dialect == Dialect::Azure;
    let calls: Vec<String> = answer
        .tools
        .iter()
        .enumerate()
        .map(|(at, tool)| {
            let values =
                [("id", quote(&tool_id(call, index, at))), ("name", quote(&tool.name)), ("args", quote(&tool.args))];
            fill(frames::TOOL_CALL, &values.each_ref().map(|(k, v)| (*k, v.as_str())))
        })
        .collect();
    let tools = match (calls.is_empty(), azure) {
        (true, _) => String::new(),
        (false, true) => format!(",\"tool_calls\":[{}]", calls.join(",")),
        (false, false) => fill(frames::TOOL_CALLS, &[("calls", &calls.join(","))]),
    };
    let reasoning = answer
        .reasoning
        .as_deref()
        .map(|text| fill(frames::REASONING, &[("reasoning", &quote(text))]))
        .unwrap_or_default();
    fill(
        if azure { frames::AZURE_CHOICE } else { frames::CHOICE },
        &[
            ("index", &index.to_string()),
            ("content", &quote_or_null(answer.text().as_deref())),
            ("reasoning", &reasoning),
            ("tools", &tools),
            ("refusal", &quote_or_null(answer.refusal.as_deref())),
            ("logprobs", &logprobs(call, &answer.pieces)),
            ("finish", &quote(&finish_word(call, &answer.finish))),
        ],
    )
}

/// Log probabilities of some pieces, or `null` when they were not asked for.
pub(super) fn logprobs(call: &Call<'_>, pieces: &[String]) -> String {
    if call.body.get("logprobs").and_then(Value::as_bool) != Some(true) {
        return "null".to_owned();
    }
    let alternatives = call.body.get("top_logprobs").and_then(Value::as_u64).unwrap_or(0).min(20);
    let tokens: Vec<String> = pieces.iter().map(|piece| logprob(piece, alternatives)).collect();
    format!("{{\"content\":[{}],\"refusal\":null}}", tokens.join(","))
}

fn logprob(token: &str, alternatives: u64) -> String {
    let top: Vec<String> = (0..alternatives)
        .map(|rank| {
            let other = if rank == 0 { token.to_owned() } else { format!("{token}{rank}") };
            let value = format!("-{}.25", rank);
            let values = [("token", quote(&other)), ("logprob", value), ("bytes", bytes_text(&other))];
            fill(frames::TOP_LOGPROB, &values.each_ref().map(|(k, v)| (*k, v.as_str())))
        })
        .collect();
    fill(
        frames::LOGPROB,
        &[("token", &quote(token)), ("logprob", "-0.25"), ("bytes", &bytes_text(token)), ("top", &top.join(","))],
    )
}

fn bytes_text(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|b| b.to_string()).collect();
    format!("[{}]", bytes.join(","))
}
