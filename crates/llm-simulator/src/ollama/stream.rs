//! Chat streams: a JSON object on each line.

use crate::content::{Answer, Usage};
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::chat::{done, model, tool_calls};
use super::{STREAM_TYPE, frames};

pub(super) fn reply(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let model = model(call);
    let line = |kind, text: String| Frame::framed(Framing::Lines, kind, format!("{text}\n"));
    let piece = |content: &str, more: &str| {
        let values = [("model", model.as_str()), ("content", content), ("more", more)];
        line(FrameKind::Content, fill(frames::PIECE, &values))
    };
    let mut out = Vec::new();
    for text in answer.reasoning.iter().flat_map(|text| text.split_inclusive(' ')) {
        out.push(piece("\"\"", &fill(frames::THINKING, &[("text", &quote(text))])));
    }
    for text in &answer.pieces {
        out.push(piece(&quote(text), ""));
    }
    if answer.pieces.is_empty() {
        let refusal = answer.refusal.iter().flat_map(|text| text.split_inclusive(' '));
        out.extend(refusal.map(|text| piece(&quote(text), "")));
    }
    let calls = tool_calls(answer);
    if !calls.is_empty() {
        out.push(piece("\"\"", &calls));
    }
    out.push(line(FrameKind::End, done(call, answer, counts, "\"\"", "")));
    let headers = vec![("content-type", STREAM_TYPE.to_owned())];
    Reply { status: 200, headers, payload: Payload::Frames(out) }
}
