//! Streams: every line is an answer of its own, of what is new; the last one is `done`.

use std::borrow::Cow;

use llm_types::Kind;
use llm_types::stream::{Event, EventSink, Start};

use super::response_decode::{ReplyIn, finish};
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::ollama::thoughts::Tags;
use crate::ollama::{error, usage};
use crate::openai::errors::{cut_off, failed};
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    tags: Tags,
    seed: String,
    provider: String,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            brackets: Brackets::default(),
            tags: Tags::default(),
            seed: ctx.fallback_id.clone(),
            provider: ctx.provider.clone(),
        }
    }

    fn line(&mut self, line: &ReplyIn<'_>, sink: &mut dyn EventSink) {
        let Some(message) = &line.message else {
            let said = line.error.map_or("a line without a message", |e| e.get());
            let error = error::instead(&self.provider, said);
            return self.brackets.fail(error, sink);
        };
        let model = || line.model.filled().unwrap_or_default().to_owned();
        self.brackets.start(|| Start { model: model(), ..Start::default() }, sink);
        self.brackets.thinking(Cow::Borrowed(message.thinking.0.as_deref().unwrap_or_default()), sink);
        if let Some(text) = message.content.filled() {
            self.tags.tell(text, &mut self.brackets, sink);
        }
        for call in message.tool_calls.0.iter().flatten() {
            let call = call.call(&self.seed, self.brackets.calls() as usize);
            self.brackets.call(&call.id, &call.name, sink);
            self.brackets.arguments(Cow::Owned(call.arguments), sink);
        }
        if line.done == Some(true) {
            if let Some(report) = usage::report(line.prompt_eval_count, line.eval_count) {
                sink.event(Event::Usage(Box::new(report)));
            }
            self.brackets.ends(finish(line.done_reason.filled()));
            self.brackets.complete(sink);
        }
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.data.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<ReplyIn<'_>>(&frame.data) {
            Ok(line) => self.line(&line, sink),
            Err(e) => {
                let text = format!("a line of the stream is not JSON: {e}");
                self.brackets.fail(failed(Kind::InvalidReply, &self.provider, &text), sink);
            }
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        self.brackets.fail(cut_off(&self.provider), sink);
    }
}
