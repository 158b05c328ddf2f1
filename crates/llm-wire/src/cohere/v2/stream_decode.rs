//! Streams: events named by their `type`, with what is new below `delta.message`.

use std::borrow::Cow;

use bytes::BytesMut;
use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Format, Kind};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::cohere::usage::UsageView;
use crate::openai::chat::{Arguments, call_id};
use crate::openai::errors;
use crate::openai::object::Obj;
use crate::openai::wire::{Text, view};
use crate::sse::Frame;

view!(lenient EventIn {
    kind = "type": Text<'a>,
    id = "id": Text<'a>,
    delta = "delta": DeltaIn<'a>,
});

view!(lenient DeltaIn {
    message = "message": MessageIn<'a>,
    finish_reason = "finish_reason": Text<'a>,
    usage = "usage": UsageView<'a>,
    error = "error": Text<'a>,
});

view!(lenient MessageIn {
    content = "content": ContentIn<'a>,
    tool_plan = "tool_plan": Text<'a>,
    tool_calls = "tool_calls": CallIn<'a>,
    citations = "citations": Option<&'a RawValue>,
});

view!(lenient ContentIn {
    text = "text": Text<'a>,
});

view!(lenient CallIn {
    id = "id": Text<'a>,
    function = "function": FunctionIn<'a>,
});

view!(lenient FunctionIn {
    name = "name": Text<'a>,
    arguments = "arguments": Arguments<'a>,
});

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    brackets: Brackets,
    provider: String,
    /// For ids of calls that came without one.
    seed: String,
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self { brackets: Brackets::default(), provider: ctx.provider.clone(), seed: ctx.fallback_id.clone() }
    }

    fn error(&self, kind: Kind, text: &str) -> Error {
        errors::failed(kind, &self.provider, text)
    }

    fn event(&mut self, event: &EventIn<'_>, sink: &mut dyn EventSink) {
        let id = || event.id.filled().unwrap_or_default().to_owned();
        self.brackets.start(|| Start { id: id(), ..Start::default() }, sink);
        let message = &event.delta.message;
        let call = &message.tool_calls;
        match event.kind.filled().unwrap_or_default() {
            "content-delta" => self.brackets.text(borrowed(&message.content.text), sink),
            "content-end" | "tool-call-end" => self.brackets.close(sink),
            "tool-plan-delta" => {
                let plan = message.tool_plan.filled().unwrap_or_default();
                specific(|obj| obj.str("tool_plan", plan), sink);
            }
            "tool-call-start" => {
                let name = call.function.name.filled().unwrap_or_default();
                let own = || call_id(&self.seed, self.brackets.calls() as usize);
                let id = call.id.filled().map_or_else(own, str::to_owned);
                self.brackets.call(&id, name, sink);
                self.brackets.arguments(call.function.arguments.text(), sink);
            }
            "tool-call-delta" => self.brackets.arguments(call.function.arguments.text(), sink),
            "citation-start" => {
                if let Some(citations) = message.citations {
                    specific(|obj| obj.text("citations", citations.get()), sink);
                }
            }
            "message-end" => self.message_end(&event.delta, sink),
            _ => {} // brackets of content, ends of citations, debug events
        }
    }

    fn message_end(&mut self, delta: &DeltaIn<'_>, sink: &mut dyn EventSink) {
        let word = delta.finish_reason.filled().unwrap_or("COMPLETE");
        if let ("ERROR", Some(text)) = (word, delta.error.filled()) {
            let error = self.error(Kind::Internal, text);
            return self.brackets.fail(error, sink);
        }
        if let Some(report) = delta.usage.tokens.report().or_else(|| delta.usage.billed.report()) {
            sink.event(Event::Usage(Box::new(report)));
        }
        self.brackets.ends(finish(word));
        self.brackets.complete(sink);
    }
}

/// Cohere's word for why an answer ended.
pub(crate) fn finish(word: &str) -> Finish {
    let reason = match word {
        "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "STOP_SEQUENCE" => FinishReason::StopSequence,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    };
    Finish { raw: Some((FORMAT, word.to_owned())), ..Finish::new(reason) }
}

fn borrowed<'a>(text: &'a Text<'_>) -> Cow<'a, str> {
    Cow::Borrowed(text.0.as_deref().unwrap_or_default())
}

/// A field that only LiteLLM's clients know.
fn specific(write: impl FnOnce(&mut Obj<'_>), sink: &mut dyn EventSink) {
    let mut out = BytesMut::new();
    write(&mut Obj::open(&mut out));
    let json = Cow::Owned(String::from_utf8_lossy(&out).into_owned());
    let key = Cow::Borrowed("provider_specific_fields");
    sink.event(Event::Opaque { choice: 0, format: Format::OpenAiChat, key, json });
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.data.trim_ascii().is_empty() || frame.is_done() {
            return;
        }
        match serde_json::from_slice::<EventIn<'_>>(&frame.data) {
            Ok(event) => self.event(&event, sink),
            Err(e) => {
                let error = self.error(Kind::InvalidReply, &format!("a chunk of the stream is not JSON: {e}"));
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
