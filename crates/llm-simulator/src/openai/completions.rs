//! Legacy text completions.

use serde_json::Value;

use crate::content::{Answer, compose, usage};
use crate::prompt::strings;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote, quote_or_null};

use super::{finish_word, frames, headers, json_reply, served_model};

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let per_prompt = call.body.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128);
    let prompts = u64::try_from(strings(call.body.get("prompt")).len()).unwrap_or(1).max(1);
    let answers: Vec<Answer> =
        (0..prompts * per_prompt).map(|choice| compose(call.prompt, call.script, choice)).collect();
    let counts = usage(call.prompt, call.script, &answers);
    let report = fill(
        frames::COMPLETION_USAGE,
        &[
            ("prompt", &counts.prompt.to_string()),
            ("completion", &counts.completion.to_string()),
            ("total", &(counts.prompt + counts.completion).to_string()),
        ],
    );
    let report = if call.script.no_usage { String::new() } else { format!(",\"usage\":{report}") };
    if call.prompt.stream {
        return stream(call, &answers, &report);
    }
    let choices: Vec<String> = answers
        .iter()
        .enumerate()
        .map(|(index, a)| choice(index, &a.text().unwrap_or_default(), Some(&finish_word(call, &a.finish))))
        .collect();
    json_reply(call, body(call, &choices.join(","), &report))
}

fn stream(call: &Call<'_>, answers: &[Answer], report: &str) -> Reply {
    let data = |kind, text: String| Frame::new(kind, format!("data: {}\n\n", text.trim_end()));
    let mut out = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        for piece in &answer.pieces {
            out.push(data(FrameKind::Content, body(call, &choice(index, piece, None), "")));
        }
        let last = choice(index, "", Some(&finish_word(call, &answer.finish)));
        out.push(data(FrameKind::Frame, body(call, &last, "")));
    }
    if call.body.pointer("/stream_options/include_usage").and_then(Value::as_bool) == Some(true) {
        out.push(data(FrameKind::Frame, body(call, "", report)));
    }
    out.push(Frame::new(FrameKind::End, "data: [DONE]\n\n".to_owned()));
    Reply { status: 200, headers: headers(call, "text/event-stream; charset=utf-8"), payload: Payload::Frames(out) }
}

fn choice(index: usize, text: &str, finish: Option<&str>) -> String {
    let finish = quote_or_null(finish);
    fill(frames::COMPLETION_CHOICE, &[("text", &quote(text)), ("index", &index.to_string()), ("finish", &finish)])
}

fn body(call: &Call<'_>, choices: &str, report: &str) -> String {
    fill(
        frames::COMPLETION,
        &[
            ("id", &quote(&format!("cmpl-{}", call.word("id", 29)))),
            ("created", &call.created.to_string()),
            ("model", &quote(&served_model(call))),
            ("choices", choices),
            ("usage", report),
        ],
    )
}
