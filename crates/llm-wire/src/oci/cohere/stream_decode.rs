//! Streams: pieces of text; the last one tells why it ended, and may repeat the whole text.

use std::borrow::Cow;

use llm_types::Kind;
use llm_types::stream::{Event, EventSink, Start};

use super::FORMAT;
use super::response_decode::AnswerIn;
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::oci::finish;
use crate::openai::errors::{cut_off, failed};
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    seed: String,
    provider: String,
    /// What was told so far.
    told: String,
    ended: bool,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            brackets: Brackets::default(),
            seed: ctx.fallback_id.clone(),
            provider: ctx.provider.clone(),
            told: String::new(),
            ended: false,
        }
    }

    fn piece(&mut self, piece: &AnswerIn<'_>, sink: &mut dyn EventSink) {
        self.brackets.start(Start::default, sink);
        let text = piece.text.0.as_deref().unwrap_or_default();
        let word = piece.finish_reason.filled();
        if word.is_none() || text != self.told {
            self.told.push_str(text);
            self.brackets.text(Cow::Borrowed(text), sink);
        }
        for call in piece.calls(&self.seed, self.brackets.calls() as usize) {
            self.brackets.call(&call.id, &call.name, sink);
            self.brackets.arguments(Cow::Owned(call.arguments), sink);
        }
        if let Some(report) = piece.usage.report() {
            sink.event(Event::Usage(Box::new(report)));
        }
        if let Some(word) = word {
            self.brackets.ends(finish(word, FORMAT));
            self.ended = true;
        }
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.data.trim_ascii().is_empty() {
            return;
        }
        if frame.is_done() {
            return self.end(sink);
        }
        match serde_json::from_slice::<AnswerIn<'_>>(&frame.data) {
            Ok(piece) if piece.rest.iter().any(|(key, _)| key == "code") => {
                let text = String::from_utf8_lossy(&frame.data);
                self.brackets.fail(failed(Kind::Api, &self.provider, &text), sink);
            }
            Ok(piece) => self.piece(&piece, sink),
            Err(e) => {
                let text = format!("a piece of the stream is not JSON: {e}");
                self.brackets.fail(failed(Kind::InvalidReply, &self.provider, &text), sink);
            }
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.ended {
            return self.brackets.complete(sink);
        }
        self.brackets.fail(cut_off(&self.provider), sink);
    }
}
