//! Chat streams.

use crate::content::{Answer, Usage, argument_pieces};
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::chat::{PLAN, finish, id, report, tool_call};
use super::{frames, headers};

pub(super) fn reply(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let mut out = Events::default();
    let start = [("type", "message-start"), ("id", &format!("\"id\":{},", id(call))), ("index", "")];
    let delta = format!(",\"delta\":{}", frames::START);
    let [kind, id, index] = start;
    out.0.push(Frame::new(FrameKind::Frame, fill(frames::EVENT, &[kind, id, index, ("delta", &delta)])));
    let mut index = 0;
    if let Some(text) = &answer.reasoning {
        let pieces: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
        out.content(index, frames::THINKING, "thinking", &pieces);
        index += 1;
    }
    let refusal = || answer.refusal.iter().flat_map(|text| text.split_inclusive(' ')).map(str::to_owned).collect();
    let pieces: Vec<String> = if answer.pieces.is_empty() { refusal() } else { answer.pieces.clone() };
    if answer.tools.is_empty() {
        if !pieces.is_empty() {
            out.content(index, frames::TEXT, "text", &pieces);
        }
    } else {
        // text beside tools is their plan
        let plan = if pieces.is_empty() { vec![PLAN.to_owned()] } else { pieces };
        for piece in &plan {
            out.push(FrameKind::Content, "tool-plan-delta", None, &fill(frames::PLAN, &[("text", &quote(piece))]));
        }
    }
    for (at, tool) in answer.tools.iter().enumerate() {
        let started = tool_call(call, answer, at, false).unwrap_or_default();
        out.push(FrameKind::Frame, "tool-call-start", Some(at), &fill(frames::CALL_START, &[("call", &started)]));
        for piece in argument_pieces(&tool.args) {
            let delta = fill(frames::CALL_DELTA, &[("text", &quote(&piece))]);
            out.push(FrameKind::Content, "tool-call-delta", Some(at), &delta);
        }
        out.push(FrameKind::Frame, "tool-call-end", Some(at), "");
    }
    let end = fill(frames::END, &[("finish", &finish(call, answer)), ("usage", &report(call, counts))]);
    out.push(FrameKind::End, "message-end", None, &end);
    Reply { status: 200, headers: headers("text/event-stream"), payload: Payload::Frames(out.0) }
}

/// One event; without `delta` when that is empty.
pub(super) fn event(kind: &str, index: Option<usize>, delta: &str) -> String {
    let index = index.map_or_else(String::new, |index| format!(",\"index\":{index}"));
    let delta = if delta.is_empty() { String::new() } else { format!(",\"delta\":{delta}") };
    fill(frames::EVENT, &[("type", kind), ("id", ""), ("index", &index), ("delta", &delta)])
}

#[derive(Debug, Default)]
struct Events(Vec<Frame>);

impl Events {
    fn push(&mut self, kind: FrameKind, name: &str, index: Option<usize>, delta: &str) {
        self.0.push(Frame::new(kind, event(name, index, delta)));
    }

    /// A block of content: its start, its pieces, its end.
    fn content(&mut self, index: usize, start: &str, field: &str, pieces: &[String]) {
        let delta = |content: &str| fill(frames::CONTENT, &[("content", content)]);
        self.push(FrameKind::Frame, "content-start", Some(index), &delta(&fill(start, &[("text", "\"\"")])));
        for piece in pieces {
            let content = format!("{{\"{field}\":{}}}", quote(piece));
            self.push(FrameKind::Content, "content-delta", Some(index), &delta(&content));
        }
        self.push(FrameKind::Frame, "content-end", Some(index), "");
    }
}
