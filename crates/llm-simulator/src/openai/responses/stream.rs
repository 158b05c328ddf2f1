//! Streams of events.

use crate::content::{Answer, Usage, argument_pieces};
use crate::openai::headers;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::frames;
use super::output::{Item, final_status, items, response};

pub(super) fn reply(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let mut out = Events::default();
    let begun = format!("\"response\":{}", response(call, "in_progress", "", None));
    out.push(FrameKind::Frame, "response.created", &begun);
    out.push(FrameKind::Frame, "response.in_progress", &begun);
    let items = items(call, answer);
    for (index, item) in items.iter().enumerate() {
        let added = format!("\"output_index\":{index},\"item\":{}", item.started());
        out.push(FrameKind::Frame, "response.output_item.added", &added);
        out.inside(index, item);
        let done = format!("\"output_index\":{index},\"item\":{}", item.done());
        out.push(FrameKind::Frame, "response.output_item.done", &done);
    }
    let status = final_status(answer);
    let output: Vec<String> = items.iter().map(Item::done).collect();
    let last = format!("\"response\":{}", response(call, status, &output.join(","), Some(counts)));
    out.push(FrameKind::End, &format!("response.{status}"), &last);
    Reply { status: 200, headers: headers(call, "text/event-stream; charset=utf-8"), payload: Payload::Frames(out.0) }
}

/// Events, numbered from 0.
#[derive(Debug, Default)]
struct Events(Vec<Frame>);

impl Events {
    fn push(&mut self, kind: FrameKind, name: &str, fields: &str) {
        let number = self.0.len().to_string();
        let text = fill(frames::EVENT, &[("type", name), ("number", &number), ("fields", fields)]);
        self.0.push(Frame::new(kind, text));
    }

    /// What comes between the start and the end of an item.
    fn inside(&mut self, index: usize, item: &Item<'_>) {
        match item {
            Item::Reasoning { id, text } => {
                let place = format!("\"item_id\":{id},\"output_index\":{index},\"summary_index\":0");
                let part =
                    |text: &str| format!("{place},\"part\":{}", fill(frames::SUMMARY, &[("text", &quote(text))]));
                self.push(FrameKind::Frame, "response.reasoning_summary_part.added", &part(""));
                for piece in text.split_inclusive(' ') {
                    let fields = format!("{place},\"delta\":{}", quote(piece));
                    self.push(FrameKind::Content, "response.reasoning_summary_text.delta", &fields);
                }
                let whole = format!("{place},\"text\":{}", quote(text));
                self.push(FrameKind::Frame, "response.reasoning_summary_text.done", &whole);
                self.push(FrameKind::Frame, "response.reasoning_summary_part.done", &part(text));
            }
            Item::Message { id, text, pieces, refusal } => {
                let place = format!("\"item_id\":{id},\"output_index\":{index},\"content_index\":0");
                let part = |text: &str| format!("{place},\"part\":{}", item.part(text));
                let (name, field) = if *refusal { ("refusal", "refusal") } else { ("output_text", "text") };
                self.push(FrameKind::Frame, "response.content_part.added", &part(""));
                for piece in pieces {
                    let fields = format!("{place},\"delta\":{}", quote(piece));
                    self.push(FrameKind::Content, &format!("response.{name}.delta"), &fields);
                }
                let whole = format!("{place},\"{field}\":{}", quote(text));
                self.push(FrameKind::Frame, &format!("response.{name}.done"), &whole);
                self.push(FrameKind::Frame, "response.content_part.done", &part(text));
            }
            Item::Function { id, args, .. } => {
                let place = format!("\"item_id\":{id},\"output_index\":{index}");
                for piece in argument_pieces(args) {
                    let fields = format!("{place},\"delta\":{}", quote(&piece));
                    self.push(FrameKind::Content, "response.function_call_arguments.delta", &fields);
                }
                let whole = format!("{place},\"arguments\":{}", quote(args));
                self.push(FrameKind::Frame, "response.function_call_arguments.done", &whole);
            }
        }
    }
}
