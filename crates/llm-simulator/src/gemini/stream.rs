//! Streams: server-sent events, or the items of a JSON array.

use crate::content::{Answer, Usage};
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::content::{counts_text, finish_word, response_id, thought_signature};
use super::{as_events, frames, headers, served_model};

pub(super) fn reply(call: &Call<'_>, answers: &[Answer], counts: Usage) -> Reply {
    let prompt = counts.prompt.to_string();
    let mut writer = Writer {
        events: as_events(call),
        model: quote(&served_model(call)),
        id: response_id(call),
        before: report(call, &fill(frames::PROMPT_COUNTS, &[("prompt", &prompt)])),
        frames: Vec::new(),
    };
    if call.script.refusal.is_some() {
        let values = [("prompt", prompt.as_str()), ("model", &writer.model), ("id", &writer.id)];
        let blocked = fill(frames::BLOCKED, &values);
        writer.push(FrameKind::End, &blocked);
        return writer.reply();
    }
    // candidates are interleaved
    let mut queues: Vec<_> = answers.iter().map(|answer| parts(call, answer).into_iter()).collect();
    loop {
        let mut sent = false;
        for (index, queue) in queues.iter_mut().enumerate() {
            if let Some(part) = queue.next() {
                let chunk = writer.chunk(&part, index, "", &writer.before);
                writer.push(FrameKind::Content, &chunk);
                sent = true;
            }
        }
        if !sent {
            break;
        }
    }
    // there is no end marker: the finish reason of the last candidate ends the stream
    let total = report(call, &counts_text(counts));
    for (index, answer) in answers.iter().enumerate() {
        let finish = fill(frames::FINISH, &[("finish", &quote(&finish_word(call, &answer.finish)))]);
        let chunk = writer.chunk(r#"{"text": ""}"#, index, &finish, &total);
        writer.push(if index + 1 == answers.len() { FrameKind::End } else { FrameKind::Frame }, &chunk);
    }
    writer.reply()
}

fn report(call: &Call<'_>, counts: &str) -> String {
    if call.script.no_usage { String::new() } else { fill(frames::CHUNK_USAGE, &[("usage", counts)]) }
}

/// The parts of one candidate in the pieces in which they are sent. Calls come whole.
fn parts(call: &Call<'_>, answer: &Answer) -> Vec<String> {
    let thought = |piece: &str| fill(frames::THOUGHT, &[("text", &quote(piece))]);
    let thoughts = answer.reasoning.iter().flat_map(|text| text.split_inclusive(' ')).map(thought);
    let mut out: Vec<String> = thoughts.collect();
    let mut signature = if out.is_empty() {
        String::new()
    } else {
        fill(frames::SIGNATURE, &[("signature", &thought_signature(call))])
    };
    for piece in &answer.pieces {
        let signature = std::mem::take(&mut signature);
        out.push(fill(frames::TEXT, &[("text", &quote(piece)), ("signature", &signature)]));
    }
    for tool in &answer.tools {
        let signature = std::mem::take(&mut signature);
        out.push(fill(frames::CALL, &[("name", &quote(&tool.name)), ("args", &tool.args), ("signature", &signature)]));
    }
    out
}

/// Writes chunks that share model and id.
struct Writer {
    events: bool,
    model: String,
    id: String,
    /// Usage of every chunk but the last.
    before: String,
    frames: Vec<Frame>,
}

impl Writer {
    fn chunk(&self, part: &str, index: usize, finish: &str, usage: &str) -> String {
        let index = index.to_string();
        fill(
            frames::CHUNK,
            &[
                ("part", part),
                ("finish", finish),
                ("index", &index),
                ("usage", usage),
                ("model", &self.model),
                ("id", &self.id),
            ],
        )
    }

    fn push(&mut self, kind: FrameKind, chunk: &str) {
        let frame = if self.events {
            Frame::new(kind, format!("data: {chunk}\r\n\r\n"))
        } else {
            let before = if self.frames.is_empty() { "[" } else { ",\r\n" };
            let after = if kind == FrameKind::End { "\n]" } else { "\n" };
            Frame::framed(Framing::Array, kind, format!("{before}{chunk}{after}"))
        };
        self.frames.push(frame);
    }

    fn reply(self) -> Reply {
        let kind = if self.events { "text/event-stream" } else { "application/json; charset=UTF-8" };
        Reply { status: 200, headers: headers(kind), payload: Payload::Frames(self.frames) }
    }
}
