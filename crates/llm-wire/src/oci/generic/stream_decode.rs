//! Streams: pieces of one choice; the last one tells why it ended.

use std::borrow::Cow;

use llm_types::Kind;
use llm_types::stream::{Event, EventSink, Start};

use super::FORMAT;
use super::response_decode::ChoiceIn;
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::oci::finish;
use crate::openai::chat::call_id;
use crate::openai::errors::{cut_off, failed};
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    seed: String,
    provider: String,
    /// The id of the call that is open.
    call: Option<String>,
    ended: bool,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            brackets: Brackets::default(),
            seed: ctx.fallback_id.clone(),
            provider: ctx.provider.clone(),
            call: None,
            ended: false,
        }
    }

    fn piece(&mut self, piece: &ChoiceIn<'_>, sink: &mut dyn EventSink) {
        self.brackets.start(Start::default, sink);
        let message = &piece.message;
        self.brackets.thinking(Cow::Borrowed(message.thoughts.0.as_deref().unwrap_or_default()), sink);
        self.brackets.text(Cow::Owned(message.text()), sink);
        for call in message.calls.0.iter().flatten() {
            let same = call.name.filled().is_none() || self.call.is_some() && call.id.filled() == self.call.as_deref();
            if !same || self.brackets.calls() == 0 {
                let at = self.brackets.calls() as usize;
                let id = call.id.filled().map_or_else(|| call_id(&self.seed, at), str::to_owned);
                self.brackets.call(&id, call.name.filled().unwrap_or_default(), sink);
                self.call = Some(id);
            }
            self.brackets.arguments(call.arguments.text(), sink);
        }
        if let Some(report) = piece.usage.report() {
            sink.event(Event::Usage(Box::new(report)));
        }
        if let Some(word) = piece.finish_reason.filled() {
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
        match serde_json::from_slice::<ChoiceIn<'_>>(&frame.data) {
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
