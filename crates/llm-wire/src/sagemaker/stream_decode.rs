//! Streams: every event is a token; the last one repeats the whole text.

use std::borrow::Cow;

use llm_types::stream::{EventSink, Start};
use llm_types::{Error, Kind, UpstreamDetail};

use super::response_decode::{Said, finish};
use crate::bedrock::error;
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    /// A token came; without any the last event holds all of the text.
    grew: bool,
    finished: bool,
    provider: String,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self { brackets: Brackets::default(), grew: false, finished: false, provider: ctx.provider.clone() }
    }

    fn piece(&mut self, said: &Said<'_>, sink: &mut dyn EventSink) {
        if let Some(why) = &said.error {
            return self.fail(Kind::Internal, &format!("litellm.APIConnectionError: {why}"), sink);
        }
        self.brackets.start(Start::default, sink);
        if let Some(token) = said.token.as_ref().filter(|t| !t.special && !self.finished) {
            self.grew = true;
            self.brackets.text(Cow::Borrowed(&token.text), sink);
        }
        let Some(whole) = &said.generated_text else { return };
        if !self.grew && !self.finished {
            self.brackets.text(Cow::Borrowed(whole), sink);
        }
        self.finished = true;
        self.brackets.ends(finish(said.details.as_ref()));
    }

    fn fail(&mut self, kind: Kind, text: &str, sink: &mut dyn EventSink) {
        self.brackets.fail(Error::upstream(kind, text, UpstreamDetail::default()), sink);
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() {
            return;
        }
        if let Some(error) = error::in_stream(frame, &self.provider) {
            return self.brackets.fail(error, sink);
        }
        if frame.is_done() || frame.data.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<Said<'_>>(&frame.data) {
            Ok(said) => self.piece(&said, sink),
            Err(e) => {
                let text = format!("litellm.APIConnectionError: the upstream sent an event that cannot be read: {e}");
                self.fail(Kind::InvalidReply, &text, sink);
            }
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.brackets.over() {
            return;
        }
        if self.finished {
            self.brackets.complete(sink);
        } else {
            let text = "litellm.MidStreamFallbackError: the upstream closed the stream before the whole text";
            self.fail(Kind::MidStream, text, sink);
        }
    }
}
