//! Messages streams.

use crate::content::{Answer, Usage, argument_pieces};
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::messages::{message, redacted_data, signature, stop, tool_id, usage_text};
use super::{frames, headers};

pub(super) fn reply(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let mut out = Blocks::default();
    let report = |template: &str, counts: Usage| {
        if call.script.no_usage { String::new() } else { format!(",\"usage\":{}", usage_text(template, counts)) }
    };
    let start = message(call, "", "null", "null", &report(frames::USAGE, Usage { completion: 1, ..counts }));
    out.frame(fill(frames::MESSAGE_START, &[("message", &start)]));
    if answer.redacted {
        out.open(&fill(frames::REDACTED, &[("data", &redacted_data(call))]));
        out.close();
    }
    if let Some(text) = &answer.reasoning {
        out.open(&fill(frames::THINKING, &[("text", "\"\""), ("signature", "\"\"")]));
        for piece in text.split_inclusive(' ') {
            out.delta(&format!("{{\"type\":\"thinking_delta\",\"thinking\":{}}}", quote(piece)));
        }
        out.delta(&format!("{{\"type\":\"signature_delta\",\"signature\":{}}}", signature(call)));
        out.close();
    }
    let refusal = answer.refusal.iter().flat_map(|text| text.split_inclusive(' ')).map(str::to_owned);
    let pieces: Vec<String> = if answer.pieces.is_empty() { refusal.collect() } else { answer.pieces.clone() };
    if !pieces.is_empty() {
        out.open(&fill(frames::TEXT, &[("text", "\"\"")]));
        for piece in &pieces {
            out.delta(&format!("{{\"type\":\"text_delta\",\"text\":{}}}", quote(piece)));
        }
        out.close();
    }
    for (index, tool) in answer.tools.iter().enumerate() {
        let (id, name) = (tool_id(call, index), quote(&tool.name));
        out.open(&fill(frames::TOOL_USE, &[("id", &id), ("name", &name), ("input", "{}")]));
        out.delta("{\"type\":\"input_json_delta\",\"partial_json\":\"\"}");
        for piece in argument_pieces(&tool.args) {
            out.delta(&format!("{{\"type\":\"input_json_delta\",\"partial_json\":{}}}", quote(&piece)));
        }
        out.close();
    }
    let (word, sequence) = stop(call, &answer.finish);
    let last = report(frames::USAGE_DELTA, counts);
    out.frame(fill(frames::MESSAGE_DELTA, &[("stop", &word), ("sequence", &sequence), ("usage", &last)]));
    out.frames.push(Frame::new(FrameKind::End, frames::MESSAGE_STOP.to_owned()));
    let headers = headers(call, "text/event-stream; charset=utf-8");
    Reply { status: 200, headers, payload: Payload::Frames(out.frames) }
}

/// Frames with the number of the block that is open.
#[derive(Debug, Default)]
struct Blocks {
    frames: Vec<Frame>,
    index: usize,
}

impl Blocks {
    fn frame(&mut self, text: String) {
        self.frames.push(Frame::new(FrameKind::Frame, text));
    }

    fn open(&mut self, block: &str) {
        let index = self.index.to_string();
        self.frame(fill(frames::BLOCK_START, &[("index", &index), ("block", block)]));
        if self.index == 0 {
            self.frame(frames::PING.to_owned());
        }
    }

    fn delta(&mut self, delta: &str) {
        let index = self.index.to_string();
        let text = fill(frames::BLOCK_DELTA, &[("index", &index), ("delta", delta)]);
        self.frames.push(Frame::new(FrameKind::Content, text));
    }

    fn close(&mut self) {
        self.frame(fill(frames::BLOCK_STOP, &[("index", &self.index.to_string())]));
        self.index += 1;
    }
}
