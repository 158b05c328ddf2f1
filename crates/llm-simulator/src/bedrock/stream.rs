//! ConverseStream.

use crate::content::{Answer, Usage, argument_pieces};
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::converse::{base64_word, report, stop, tool_id};
use super::{STREAM_TYPE, eventstream, frames, headers};

pub(super) fn reply(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let framed =
        |(kind, name, payload): Event| Frame::framed(Framing::Messages, kind, eventstream::event(name, &payload));
    let frames = events(call, answer, counts).into_iter().map(framed).collect();
    Reply { status: 200, headers: headers(call, STREAM_TYPE), payload: Payload::Frames(frames) }
}

/// An event: its name and its payload.
pub(super) type Event = (FrameKind, &'static str, String);

/// The events of a stream before they are framed.
pub(super) fn events(call: &Call<'_>, answer: &Answer, counts: Usage) -> Vec<Event> {
    let mut out = Blocks::default();
    out.push(FrameKind::Frame, "messageStart", frames::MESSAGE_START);
    if answer.redacted {
        out.delta(&fill(frames::REDACTED, &[("data", &base64_word(call, "redacted"))]));
        out.close();
    }
    if let Some(text) = &answer.reasoning {
        for piece in text.split_inclusive(' ') {
            out.delta(&format!("{{\"reasoningContent\":{{\"text\":{}}}}}", quote(piece)));
        }
        out.delta(&format!("{{\"reasoningContent\":{{\"signature\":{}}}}}", base64_word(call, "signature")));
        out.close();
    }
    let refusal = answer.refusal.iter().flat_map(|text| text.split_inclusive(' ')).map(str::to_owned);
    let pieces: Vec<String> = if answer.pieces.is_empty() { refusal.collect() } else { answer.pieces.clone() };
    for piece in &pieces {
        // a block of text has no start event
        out.delta(&fill(frames::TEXT, &[("text", &quote(piece))]));
    }
    if !pieces.is_empty() {
        out.close();
    }
    for (number, tool) in answer.tools.iter().enumerate() {
        let (index, id, name) = (out.index.to_string(), tool_id(call, number), quote(&tool.name));
        let start = fill(frames::TOOL_START, &[("index", &index), ("id", &id), ("name", &name)]);
        out.push(FrameKind::Frame, "contentBlockStart", &start);
        for piece in argument_pieces(&tool.args) {
            out.delta(&format!("{{\"toolUse\":{{\"input\":{}}}}}", quote(&piece)));
        }
        out.close();
    }
    let stop = stop(call, &answer.finish);
    out.push(FrameKind::End, "messageStop", &fill(frames::MESSAGE_STOP, &[("stop", &stop)]));
    out.push(FrameKind::Frame, "metadata", &fill(frames::METADATA, &[("usage", &report(call, counts))]));
    out.events
}

/// Events with the number of the block that is open.
#[derive(Debug, Default)]
struct Blocks {
    events: Vec<Event>,
    index: usize,
}

impl Blocks {
    fn push(&mut self, kind: FrameKind, event: &'static str, payload: &str) {
        self.events.push((kind, event, payload.to_owned()));
    }

    fn delta(&mut self, delta: &str) {
        let index = self.index.to_string();
        let payload = fill(frames::DELTA, &[("index", &index), ("delta", delta)]);
        self.push(FrameKind::Content, "contentBlockDelta", &payload);
    }

    fn close(&mut self) {
        let payload = fill(frames::BLOCK_STOP, &[("index", &self.index.to_string())]);
        self.push(FrameKind::Frame, "contentBlockStop", &payload);
        self.index += 1;
    }
}
