//! Whole replies, and the words they share with streams.

use base64::Engine;
use serde_json::Value;

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::request::field;
use super::{frames, json_reply, served_model, stream};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let config = field(call.body, "generationConfig");
    let count = config.and_then(|config| field(config, "candidateCount")).and_then(Value::as_u64).unwrap_or(1);
    let answers: Vec<Answer> = (0..count.clamp(1, 8)).map(|choice| compose(call.prompt, call.script, choice)).collect();
    let counts = usage(call.prompt, call.script, &answers);
    if call.prompt.stream {
        return stream::reply(call, &answers, counts);
    }
    let (model, id) = (quote(&served_model(call)), response_id(call));
    if call.script.refusal.is_some() {
        let prompt = counts.prompt.to_string();
        return json_reply(fill(frames::BLOCKED, &[("prompt", &prompt), ("model", &model), ("id", &id)]));
    }
    let candidates: Vec<String> = answers
        .iter()
        .enumerate()
        .map(|(index, answer)| {
            let (parts, index) = (parts(call, answer).join(","), index.to_string());
            let finish = quote(&finish_word(call, &answer.finish));
            fill(frames::CANDIDATE, &[("parts", &parts), ("finish", &finish), ("index", &index)])
        })
        .collect();
    let report =
        if call.script.no_usage { String::new() } else { fill(frames::USAGE, &[("usage", &counts_text(counts))]) };
    let values = [("candidates", candidates.join(",")), ("usage", report), ("model", model), ("id", id)];
    json_reply(fill(frames::REPLY, &values.each_ref().map(|(key, value)| (*key, value.as_str()))))
}

/// The parts of a whole answer. After thoughts the first other part carries their signature.
fn parts(call: &Call<'_>, answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    let mut signature = String::new();
    if let Some(text) = &answer.reasoning {
        out.push(fill(frames::THOUGHT, &[("text", &quote(text))]));
        signature = fill(frames::SIGNATURE, &[("signature", &thought_signature(call))]);
    }
    if let Some(text) = answer.text() {
        let signature = std::mem::take(&mut signature);
        out.push(fill(frames::TEXT, &[("text", &quote(&text)), ("signature", &signature)]));
    }
    for tool in &answer.tools {
        let signature = std::mem::take(&mut signature);
        out.push(fill(frames::CALL, &[("name", &quote(&tool.name)), ("args", &tool.args), ("signature", &signature)]));
    }
    out
}

/// The service has one word for an answer in text, one with tools and one ended by a stop sequence.
pub(super) fn finish_word(call: &Call<'_>, finish: &Finish) -> String {
    if let Some(word) = &call.script.finish {
        return word.clone();
    }
    let word = match finish {
        Finish::Stop | Finish::Tools | Finish::Sequence(_) => "STOP",
        Finish::Length => "MAX_TOKENS",
    };
    word.to_owned()
}

/// Thoughts are counted apart from the candidates' tokens.
pub(super) fn counts_text(counts: Usage) -> String {
    let part = |template: &str, name: &str, count: u64| {
        if count == 0 { String::new() } else { fill(template, &[(name, &count.to_string())]) }
    };
    fill(
        frames::COUNTS,
        &[
            ("prompt", &counts.prompt.to_string()),
            ("candidates", &counts.completion.saturating_sub(counts.reasoning).to_string()),
            ("total", &(counts.prompt + counts.completion).to_string()),
            ("cached", &part(frames::CACHED, "cached", counts.cached)),
            ("thoughts", &part(frames::THOUGHTS, "thoughts", counts.reasoning)),
        ],
    )
}

pub(super) fn response_id(call: &Call<'_>) -> String {
    quote(&call.word("id", 22))
}

/// Base64 of bytes that mean nothing, as a JSON string.
pub(super) fn thought_signature(call: &Call<'_>) -> String {
    quote(&base64::engine::general_purpose::STANDARD.encode(call.word("signature", 94)))
}
