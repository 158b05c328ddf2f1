//! Streams: chat's chunks, each in an envelope.

use std::borrow::Cow;

use llm_types::stream::EventSink;

use super::Envelope;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::openai::chat::ChatStreamDecoder;
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder(ChatStreamDecoder);

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self(ChatStreamDecoder::new(ctx))
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        let envelope: Envelope<'_> = serde_json::from_slice(&frame.data).unwrap_or_default();
        match envelope.inside() {
            Some(chunk) => {
                let event = frame.event.as_deref().map(Cow::Borrowed);
                let data = Cow::Borrowed(chunk.get().as_bytes());
                self.0.frame(&Frame { event, data, id: None }, sink);
            }
            // errors, the end, and what cannot be read: the reader of chunks tells them
            None => self.0.frame(frame, sink),
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        self.0.end(sink);
    }
}
