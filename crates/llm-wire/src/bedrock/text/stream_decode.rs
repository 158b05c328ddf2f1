//! Streams: every event is a piece of the text; the last one says why it ended.

use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Kind, UpstreamDetail};

use super::THOUGHTS;
use super::response_decode::{Said, report};
use crate::bedrock::error;
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::ollama::thoughts::Tags;
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    tags: Tags,
    /// The prompt has begun the thoughts.
    begun: bool,
    finished: bool,
    input: Option<u64>,
    output: Option<u64>,
    provider: String,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            brackets: Brackets::default(),
            tags: Tags::default(),
            begun: ctx.hints.prefix.as_deref() == Some(THOUGHTS),
            finished: false,
            input: None,
            output: None,
            provider: ctx.provider.clone(),
        }
    }

    fn piece(&mut self, said: &Said<'_>, sink: &mut dyn EventSink) {
        self.brackets.start(Start::default, sink);
        if std::mem::take(&mut self.begun) {
            self.tags.tell(THOUGHTS, &mut self.brackets, sink);
        }
        if let Some(text) = said.text().filter(|_| !self.finished) {
            self.tags.tell(text, &mut self.brackets, sink);
        }
        let (input, output) = said.counts();
        self.input = input.or(self.input);
        self.output = output.or(self.output);
        if let Some(finish) = said.finish().filter(|_| !self.finished) {
            self.finished = true;
            self.brackets.ends(finish);
        }
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
        if !self.finished {
            let text = "litellm.MidStreamFallbackError: the upstream closed the stream before it said why";
            return self.fail(Kind::MidStream, text, sink);
        }
        self.brackets.close(sink);
        if let Some(report) = report(self.input, self.output) {
            sink.event(Event::Usage(Box::new(report)));
        }
        self.brackets.complete(sink);
    }
}
