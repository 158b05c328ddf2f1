//! Chat streams.

use serde_json::Value;

use crate::content::{Answer, argument_pieces, usage};
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::route::Dialect;
use crate::service::Call;
use crate::template::{fill, quote};

use super::chat::{completion_id, logprobs, tool_id, usage_text};
use super::{finish_word, frames, headers, served_model};

pub(super) fn reply(call: &Call<'_>, answers: &[Answer]) -> Reply {
    let writer = Writer::new(call);
    let mut out = Vec::new();
    if call.route.dialect == Dialect::Azure {
        out.push(Frame::new(FrameKind::Frame, format!("data: {}\n\n", frames::AZURE_FIRST_CHUNK)));
    }
    for (index, answer) in answers.iter().enumerate() {
        let content = if answer.pieces.is_empty() { "null" } else { "\"\"" };
        let delta = format!("{{\"role\":\"assistant\",\"content\":{content},\"refusal\":null}}");
        out.push(writer.chunk(FrameKind::Frame, index, &delta, "null", None));
    }
    // choices are interleaved, as the service does
    let mut deltas: Vec<_> = answers.iter().enumerate().map(|(i, a)| deltas(call, i, a).into_iter()).collect();
    loop {
        let mut sent = false;
        for (index, queue) in deltas.iter_mut().enumerate() {
            if let Some((delta, probs)) = queue.next() {
                out.push(writer.chunk(FrameKind::Content, index, &delta, &probs, None));
                sent = true;
            }
        }
        if !sent {
            break;
        }
    }
    for (index, answer) in answers.iter().enumerate() {
        let finish = finish_word(call, &answer.finish);
        out.push(writer.chunk(FrameKind::Frame, index, "{}", "null", Some(&finish)));
    }
    if writer.with_usage && !call.script.no_usage {
        let report = usage_text(usage(call.prompt, call.script, answers));
        out.push(writer.frame(FrameKind::Frame, "", &format!(",\"usage\":{report}")));
    }
    out.push(Frame::new(FrameKind::End, "data: [DONE]\n\n".to_owned()));
    Reply { status: 200, headers: headers(call, "text/event-stream; charset=utf-8"), payload: Payload::Frames(out) }
}

/// The content deltas of one choice with their log probabilities.
fn deltas(call: &Call<'_>, choice: usize, answer: &Answer) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let plain = |delta: String| (delta, "null".to_owned());
    for piece in answer.reasoning.iter().flat_map(|text| text.split_inclusive(' ')) {
        out.push(plain(format!("{{\"reasoning_content\":{}}}", quote(piece))));
    }
    for piece in &answer.pieces {
        out.push((format!("{{\"content\":{}}}", quote(piece)), logprobs(call, std::slice::from_ref(piece))));
    }
    for piece in answer.refusal.iter().flat_map(|text| text.split_inclusive(' ')) {
        out.push(plain(format!("{{\"refusal\":{}}}", quote(piece))));
    }
    for (index, tool) in answer.tools.iter().enumerate() {
        let (id, name) = (quote(&tool_id(call, choice, index)), quote(&tool.name));
        out.push(plain(format!(
            "{{\"tool_calls\":[{{\"index\":{index},\"id\":{id},\"type\":\"function\",\
             \"function\":{{\"name\":{name},\"arguments\":\"\"}}}}]}}"
        )));
        for piece in argument_pieces(&tool.args) {
            let piece = quote(&piece);
            out.push(plain(format!(
                "{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":{piece}}}}}]}}"
            )));
        }
    }
    out
}

/// Writes chunks that share id, time and model.
struct Writer {
    azure: bool,
    with_usage: bool,
    obfuscate: bool,
    id: String,
    created: String,
    model: String,
}

impl Writer {
    fn new(call: &Call<'_>) -> Self {
        let option = |name: &str| call.body.get("stream_options").and_then(|o| o.get(name)).and_then(Value::as_bool);
        let azure = call.route.dialect == Dialect::Azure;
        Self {
            azure,
            with_usage: option("include_usage") == Some(true),
            obfuscate: !azure && option("include_obfuscation") != Some(false),
            id: quote(&completion_id(call)),
            created: call.created.to_string(),
            model: quote(&served_model(call)),
        }
    }

    fn chunk(&self, kind: FrameKind, index: usize, delta: &str, probs: &str, finish: Option<&str>) -> Frame {
        let template = if self.azure { frames::AZURE_CHUNK_CHOICE } else { frames::CHUNK_CHOICE };
        let finish = finish.map_or_else(|| "null".to_owned(), quote);
        let index = index.to_string();
        let choice = fill(template, &[("index", &index), ("delta", delta), ("logprobs", probs), ("finish", &finish)]);
        let report = if self.with_usage { ",\"usage\":null" } else { "" };
        self.frame(kind, &choice, report)
    }

    fn frame(&self, kind: FrameKind, choices: &str, report: &str) -> Frame {
        // the service pads chunks so that their length says nothing about the text
        let padding = "0123456789abcdef".get(..16 - choices.len() % 16).unwrap_or_default();
        let padding = if self.obfuscate { format!(",\"obfuscation\":\"{padding}\"") } else { String::new() };
        let text = fill(
            if self.azure { frames::AZURE_CHUNK } else { frames::CHUNK },
            &[
                ("id", &self.id),
                ("created", &self.created),
                ("model", &self.model),
                ("choices", choices),
                ("usage", report),
                ("obfuscation", &padding),
            ],
        );
        Frame::new(kind, format!("data: {text}\n\n"))
    }
}
