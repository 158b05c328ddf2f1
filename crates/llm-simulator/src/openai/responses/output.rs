//! Whole responses, and the items they share with streams.

use serde_json::Value;

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::openai::{json_reply, served_model};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::{frames, stream};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let answer = compose(call.prompt, call.script, 0);
    let counts = usage(call.prompt, call.script, std::slice::from_ref(&answer));
    if call.prompt.stream {
        return stream::reply(call, &answer, counts);
    }
    let items: Vec<String> = items(call, &answer).iter().map(|item| item.done()).collect();
    json_reply(call, response(call, final_status(&answer), &items.join(","), Some(counts)))
}

/// One item of the output.
pub(super) enum Item<'a> {
    Reasoning { id: String, text: &'a str },
    Message { id: String, text: String, pieces: Vec<String>, refusal: bool },
    Function { id: String, call: String, name: &'a str, args: &'a str },
}

pub(super) fn items<'a>(call: &Call<'_>, answer: &'a Answer) -> Vec<Item<'a>> {
    let id = |prefix: &str, purpose: &str| quote(&format!("{prefix}_{}", call.word(purpose, 48).to_ascii_lowercase()));
    let mut out = Vec::new();
    if let Some(text) = &answer.reasoning {
        out.push(Item::Reasoning { id: id("rs", "reasoning"), text });
    }
    if let Some(text) = answer.text() {
        out.push(Item::Message { id: id("msg", "message"), text, pieces: answer.pieces.clone(), refusal: false });
    } else if let Some(text) = &answer.refusal {
        let pieces = text.split_inclusive(' ').map(str::to_owned).collect();
        out.push(Item::Message { id: id("msg", "message"), text: text.clone(), pieces, refusal: true });
    }
    for (index, tool) in answer.tools.iter().enumerate() {
        let call = quote(&format!("call_{}", call.word(&format!("tool {index}"), 24)));
        let id = id("fc", &format!("item {index}"));
        out.push(Item::Function { id, call, name: &tool.name, args: &tool.args });
    }
    out
}

impl Item<'_> {
    /// The finished item.
    pub(super) fn done(&self) -> String {
        match self {
            Self::Reasoning { text, .. } => self.json("completed", &fill(frames::SUMMARY, &[("text", &quote(text))])),
            Self::Message { text, .. } => self.json("completed", &self.part(text)),
            Self::Function { args, .. } => self.json("completed", args),
        }
    }

    /// The item before anything of it was sent.
    pub(super) fn started(&self) -> String {
        self.json("in_progress", "")
    }

    /// A part of a message's content.
    pub(super) fn part(&self, text: &str) -> String {
        let refusal = matches!(self, Self::Message { refusal: true, .. });
        fill(if refusal { frames::REFUSAL } else { frames::TEXT }, &[("text", &quote(text))])
    }

    fn json(&self, status: &str, inside: &str) -> String {
        let status = quote(status);
        match self {
            Self::Reasoning { id, .. } => fill(frames::REASONING, &[("id", id), ("summary", inside)]),
            Self::Message { id, .. } => fill(frames::MESSAGE, &[("id", id), ("status", &status), ("content", inside)]),
            Self::Function { id, call, name, .. } => {
                let (name, args) = (quote(name), quote(inside));
                let values =
                    [("id", id.as_str()), ("call", call), ("name", &name), ("args", &args), ("status", &status)];
                fill(frames::FUNCTION, &values)
            }
        }
    }
}

pub(super) fn final_status(answer: &Answer) -> &'static str {
    if answer.finish == Finish::Length { "incomplete" } else { "completed" }
}

/// The response object; `counts` once it is finished.
pub(super) fn response(call: &Call<'_>, status: &str, output: &str, counts: Option<Usage>) -> String {
    let given = |name: &str| call.body.get(name).unwrap_or(&Value::Null).to_string();
    let incomplete = if status == "incomplete" { r#"{"reason":"max_output_tokens"}"# } else { "null" };
    let report = counts.filter(|_| !call.script.no_usage).map_or_else(|| "null".to_owned(), usage_text);
    fill(
        frames::RESPONSE,
        &[
            ("id", &quote(&format!("resp_{}", call.word("id", 48).to_ascii_lowercase()))),
            ("created", &call.created.to_string()),
            ("status", &quote(status)),
            ("incomplete", incomplete),
            ("instructions", &given("instructions")),
            ("max", &given("max_output_tokens")),
            ("model", &quote(&served_model(call))),
            ("output", output),
            ("previous", &given("previous_response_id")),
            ("usage", &report),
        ],
    )
}

fn usage_text(counts: Usage) -> String {
    fill(
        frames::USAGE,
        &[
            ("input", &counts.prompt.to_string()),
            ("cached", &counts.cached.to_string()),
            ("output", &counts.completion.to_string()),
            ("reasoning", &counts.reasoning.to_string()),
            ("total", &(counts.prompt + counts.completion).to_string()),
        ],
    )
}
