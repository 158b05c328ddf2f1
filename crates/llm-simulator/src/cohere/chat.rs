//! Chat replies.

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::{frames, json_reply, stream};

/// What the model says before it calls tools without other text.
pub(super) const PLAN: &str = "I will call the tool.";

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let answer = compose(call.prompt, call.script, 0);
    let counts = usage(call.prompt, call.script, std::slice::from_ref(&answer));
    if call.prompt.stream {
        return stream::reply(call, &answer, counts);
    }
    let mut message = String::new();
    if !answer.tools.is_empty() {
        let plan = answer.text().unwrap_or_else(|| PLAN.to_owned());
        let calls: Vec<String> = (0..answer.tools.len()).filter_map(|at| tool_call(call, &answer, at, true)).collect();
        message = format!(",\"tool_plan\":{},\"tool_calls\":[{}]", quote(&plan), calls.join(","));
    }
    let mut content = Vec::new();
    if let Some(text) = &answer.reasoning {
        content.push(fill(frames::THINKING, &[("text", &quote(text))]));
    }
    let said = answer.text().or_else(|| answer.refusal.clone());
    // text beside tools is their plan
    if let Some(text) = said.filter(|_| answer.tools.is_empty()) {
        content.push(fill(frames::TEXT, &[("text", &quote(&text))]));
    }
    if !content.is_empty() {
        message.push_str(&format!(",\"content\":[{}]", content.join(",")));
    }
    let values =
        [("id", id(call)), ("message", message), ("finish", finish(call, &answer)), ("usage", report(call, counts))];
    json_reply(fill(frames::CHAT, &values.each_ref().map(|(key, value)| (*key, value.as_str()))))
}

/// One call; without arguments where a stream starts it.
pub(super) fn tool_call(call: &Call<'_>, answer: &Answer, at: usize, whole: bool) -> Option<String> {
    let tool = answer.tools.get(at)?;
    let id = quote(&format!("{}_{}", tool.name, call.word(&format!("tool {at}"), 12)));
    let args = quote(if whole { &tool.args } else { "" });
    Some(fill(frames::TOOL_CALL, &[("id", &id), ("name", &quote(&tool.name)), ("args", &args)]))
}

pub(super) fn finish(call: &Call<'_>, answer: &Answer) -> String {
    let word = match answer.finish {
        _ if call.script.finish.is_some() => call.script.finish.as_deref().unwrap_or_default(),
        _ if call.script.refusal.is_some() => "ERROR_TOXIC",
        Finish::Stop => "COMPLETE",
        Finish::Length => "MAX_TOKENS",
        Finish::Tools => "TOOL_CALL",
        Finish::Sequence(_) => "STOP_SEQUENCE",
    };
    quote(word)
}

/// The usage field after a comma.
pub(super) fn report(call: &Call<'_>, counts: Usage) -> String {
    if call.script.no_usage {
        return String::new();
    }
    let (prompt, completion, cached) =
        (counts.prompt.to_string(), counts.completion.to_string(), counts.cached.to_string());
    fill(frames::USAGE, &[("prompt", &prompt), ("completion", &completion), ("cached", &cached)])
}

pub(super) fn id(call: &Call<'_>) -> String {
    quote(&format!("c14c80c3-18eb-4519-9460-{}", call.word("id", 12).to_ascii_lowercase()))
}
