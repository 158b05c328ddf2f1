//! Whole chat replies, and what they share with streams.

use serde_json::Value;

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::{frames, json_reply, stream};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let model = model(call);
    if call.body.get("messages").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        // a request without messages loads the model
        let values =
            [("model", model.as_str()), ("content", "\"\""), ("more", ""), ("reason", "\"load\""), ("usage", "")];
        return json_reply(fill(frames::DONE, &values));
    }
    let answer = compose(call.prompt, call.script, 0);
    let counts = usage(call.prompt, call.script, std::slice::from_ref(&answer));
    if call.prompt.stream {
        return stream::reply(call, &answer, counts);
    }
    let mut more = String::new();
    if let Some(text) = &answer.reasoning {
        more.push_str(&fill(frames::THINKING, &[("text", &quote(text))]));
    }
    more.push_str(&tool_calls(&answer));
    let text = answer.text().or_else(|| answer.refusal.clone()).unwrap_or_default();
    json_reply(done(call, &answer, counts, &quote(&text), &more))
}

/// The object that ends an answer.
pub(super) fn done(call: &Call<'_>, answer: &Answer, counts: Usage, content: &str, more: &str) -> String {
    let reason = match answer.finish {
        _ if call.script.finish.is_some() => call.script.finish.as_deref().unwrap_or_default(),
        Finish::Length => "length",
        _ => "stop",
    };
    let report = if call.script.no_usage {
        String::new()
    } else {
        let (prompt, completion) = (counts.prompt.to_string(), counts.completion.to_string());
        fill(frames::USAGE, &[("prompt", &prompt), ("completion", &completion)])
    };
    let (model, reason) = (model(call), quote(reason));
    let values =
        [("model", model.as_str()), ("content", content), ("more", more), ("reason", &reason), ("usage", &report)];
    fill(frames::DONE, &values)
}

/// All calls, after a comma; nothing without calls. Arguments are JSON, not a text of it.
pub(super) fn tool_calls(answer: &Answer) -> String {
    if answer.tools.is_empty() {
        return String::new();
    }
    let call =
        |tool: &crate::content::Call| fill(frames::TOOL_CALL, &[("name", &quote(&tool.name)), ("args", &tool.args)]);
    let calls: Vec<String> = answer.tools.iter().map(call).collect();
    fill(frames::TOOL_CALLS, &[("calls", &calls.join(","))])
}

pub(super) fn model(call: &Call<'_>) -> String {
    quote(call.script.served_model.as_deref().unwrap_or(&call.prompt.model))
}
