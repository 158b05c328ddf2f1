//! Streams: chat's, with calls as in answers.

use std::borrow::Cow;

use llm_types::generate::FinishReason;
use llm_types::stream::{Delta, Event, EventSink, PartStart};

use crate::codec::{ReplyContext, StreamDecoder};
use crate::openai::chat::{ChatStreamDecoder, call_id};
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    chat: ChatStreamDecoder,
    seed: String,
    /// The arguments of the call are the answer.
    schema: bool,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self { chat: ChatStreamDecoder::new(ctx), seed: ctx.fallback_id.clone(), schema: ctx.hints.json_tool }
    }
}

/// An event as clients of tools know it.
fn mended<'e>(event: Event<'e>, seed: &str, schema: bool) -> Event<'e> {
    match event {
        Event::PartStart { choice, part, kind: PartStart::ToolCall { id, name } } => {
            let kind = match (schema, id.is_empty()) {
                (true, _) => PartStart::Text,
                (false, true) => PartStart::ToolCall { id: Cow::Owned(call_id(seed, part as usize)), name },
                (false, false) => PartStart::ToolCall { id, name },
            };
            Event::PartStart { choice, part, kind }
        }
        Event::Delta { choice, part, delta: Delta::Arguments(json) } if schema => {
            Event::Delta { choice, part, delta: Delta::Text(json) }
        }
        Event::Finish { choice, mut finish } => {
            if matches!(finish.reason, FinishReason::FunctionCall | FinishReason::ToolCalls) {
                finish.reason = if schema { FinishReason::Stop } else { FinishReason::ToolCalls };
                finish.raw = None;
            }
            Event::Finish { choice, finish }
        }
        other => other,
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        let (seed, schema) = (self.seed.as_str(), self.schema);
        self.chat.frame(frame, &mut |event: Event<'_>| sink.event(mended(event, seed, schema)));
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        let (seed, schema) = (self.seed.as_str(), self.schema);
        self.chat.end(&mut |event: Event<'_>| sink.event(mended(event, seed, schema)));
    }
}
