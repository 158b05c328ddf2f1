//! Streams: JSON lines, named by their `event_type`; the last one is marked `is_finished`.

use std::borrow::Cow;

use llm_types::generate::FinishReason;
use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Format, Kind};
use serde_json::value::RawValue;

use super::response_decode::{CallIn, calls};
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::cohere::usage::UsageView;
use crate::cohere::v2::finish;
use crate::openai::errors;
use crate::openai::wire::{List, Text, view};
use crate::sse::Frame;

view!(lenient LineIn {
    kind = "event_type": Text<'a>,
    generation_id = "generation_id": Text<'a>,
    text = "text": Text<'a>,
    tool_calls = "tool_calls": List<CallIn<'a>>,
    citations = "citations": Option<&'a RawValue>,
    finished = "is_finished": Option<bool>,
    finish_reason = "finish_reason": Text<'a>,
    response = "response": ResponseIn<'a>,
    message = "message": Text<'a>,
});

view!(lenient ResponseIn {
    meta = "meta": UsageView<'a>,
});

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    provider: String,
    id: String,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self { brackets: Brackets::default(), provider: ctx.provider.clone(), id: ctx.fallback_id.clone() }
    }

    fn error(&self, kind: Kind, text: &str) -> Error {
        errors::failed(kind, &self.provider, text)
    }

    fn line(&mut self, line: &LineIn<'_>, sink: &mut dyn EventSink) {
        let kind = line.kind.filled().unwrap_or_default();
        if kind.is_empty() && line.finished.is_none() && line.message.filled().is_some() {
            let error = self.error(Kind::Internal, line.message.filled().unwrap_or_default());
            return self.brackets.fail(error, sink);
        }
        if let Some(id) = line.generation_id.filled() {
            id.clone_into(&mut self.id);
        }
        let id = &self.id;
        self.brackets.start(|| Start { id: id.clone(), ..Start::default() }, sink);
        match kind {
            "text-generation" => {
                self.brackets.text(Cow::Borrowed(line.text.0.as_deref().unwrap_or_default()), sink);
            }
            "tool-calls-generation" => {
                self.brackets.text(Cow::Borrowed(line.text.0.as_deref().unwrap_or_default()), sink);
                for call in calls(&line.tool_calls, &self.id) {
                    self.brackets.call(&call.id, &call.name, sink);
                    self.brackets.arguments(Cow::Owned(call.arguments), sink);
                }
            }
            _ => {}
        }
        if let Some(citations) = line.citations {
            let json = Cow::Owned(format!(r#"{{"citations":{}}}"#, citations.get()));
            let key = Cow::Borrowed("provider_specific_fields");
            sink.event(Event::Opaque { choice: 0, format: Format::OpenAiChat, key, json });
        }
        if line.finished == Some(true) || kind == "stream-end" {
            self.finished(line, sink);
        }
    }

    fn finished(&mut self, line: &LineIn<'_>, sink: &mut dyn EventSink) {
        let meta = &line.response.meta;
        if let Some(report) = meta.billed.report().or_else(|| meta.tokens.report()) {
            sink.event(Event::Usage(Box::new(report)));
        }
        let mut finish = finish(line.finish_reason.filled().unwrap_or("COMPLETE"));
        if self.brackets.calls() > 0 {
            finish.reason = FinishReason::ToolCalls;
        }
        self.brackets.ends(finish);
        self.brackets.complete(sink);
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.data.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<LineIn<'_>>(&frame.data) {
            Ok(line) => self.line(&line, sink),
            Err(e) => {
                let error = self.error(Kind::InvalidReply, &format!("a line of the stream is not JSON: {e}"));
                self.brackets.fail(error, sink);
            }
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if !self.brackets.over() {
            let error = errors::cut_off(&self.provider);
            self.brackets.fail(error, sink);
        }
    }
}
