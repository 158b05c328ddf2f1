//! Agents of the A2A protocol, over JSON-RPC: <https://a2a-protocol.org/latest/specification/>.
//!
//! `message/send` with `{message: {kind: "message", role: "user", messageId, parts: [{kind: "text", text}]},
//! configuration: {blocking: true}}` gives a message, or a task with artifacts; `message/stream` gives updates of a
//! task. The whole conversation is one text: agents keep their own.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::{EventSink, Start};
use llm_types::{Error, Format, Kind, Result};
use serde_json::value::RawValue;

use super::{answer, error, failed, id_of, lose};
use crate::brackets::Brackets;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::chat;
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::wire::{List, Text, view};
use crate::prompt::{role, said};
use crate::sse::Frame;

/// The codec, towards agents.
#[derive(Debug, Clone, Copy)]
pub struct A2a;

view!(lenient ReplyIn {
    result = "result": ResultIn<'a>,
    error = "error": Option<&'a RawValue>,
});

view!(lenient ResultIn {
    parts = "parts": List<PartIn<'a>>,
    artifacts = "artifacts": List<ArtifactIn<'a>>,
    artifact = "artifact": ArtifactIn<'a>,
    status = "status": StatusIn<'a>,
    last = "final": Option<bool>,
});

view!(lenient ArtifactIn {
    parts = "parts": List<PartIn<'a>>,
});

view!(lenient StatusIn {
    state = "state": Text<'a>,
    message = "message": ArtifactIn<'a>,
});

view!(lenient PartIn {
    text = "text": Text<'a>,
});

fn joined(parts: &List<PartIn<'_>>) -> String {
    parts.0.iter().flatten().filter_map(|p| p.text.0.as_deref()).collect()
}

impl ResultIn<'_> {
    /// What the agent says: its message, what the task made, or what its state tells; the first that says anything.
    fn text(&self) -> String {
        let made: String = self.artifacts.0.iter().flatten().map(|a| joined(&a.parts)).collect();
        let told = [joined(&self.parts), made, joined(&self.artifact.parts), joined(&self.status.message.parts)];
        told.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The state in which a task ended without an answer.
    fn failure(&self) -> Option<&str> {
        self.status
            .state
            .filled()
            .filter(|state| matches!(*state, "failed" | "rejected" | "canceled" | "auth-required"))
    }
}

impl UpstreamCodec<Generate> for A2a {
    fn format(&self) -> Format {
        Format::A2a
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let lines: Vec<String> = req.turns.iter().map(|turn| format!("{}: {}", role(turn), said(turn))).collect();
        let text = lines.join("\n");
        let id = id_of("msg", &text);
        let mut obj = Obj::open(out);
        obj.str("jsonrpc", "2.0");
        obj.str("id", &id);
        obj.str("method", if req.stream { "message/stream" } else { "message/send" });
        {
            let mut params = obj.obj("params");
            {
                let mut message = params.obj("message");
                message.str("kind", "message");
                message.str("role", "user");
                message.str("messageId", &id);
                let mut parts = message.arr("parts");
                let mut part = parts.obj();
                part.str("kind", "text");
                part.str("text", &text);
            }
            if !req.stream {
                params.obj("configuration").bool("blocking", true);
            }
        }
        chat::write_extras(req, chat::is_apart, &mut obj);
        lose(req, ctx);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        if let Some(said) = view.error {
            return Err(failed(Kind::Api, reply.provider, said.get()));
        }
        let text = view.result.text();
        match view.result.failure() {
            Some(state) => Err(failed(Kind::Api, reply.provider, &format!("the agent's task is {state}: {text}"))),
            None if text.is_empty() => Err(invalid_reply(reply, "the agent answered no text")),
            None => Ok(answer(&text)),
        }
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Decoder { brackets: Brackets::default(), provider: ctx.provider.clone(), came: false }))
    }
}

/// Reads one stream.
#[derive(Debug)]
struct Decoder {
    brackets: Brackets,
    provider: String,
    came: bool,
}

impl Decoder {
    fn update(&mut self, result: &ResultIn<'_>, sink: &mut dyn EventSink) {
        self.came = true;
        if let Some(state) = result.failure() {
            let text = format!("the agent's task is {state}: {}", result.text());
            return self.brackets.fail(failed(Kind::Api, &self.provider, &text), sink);
        }
        self.brackets.start(Start::default, sink);
        self.brackets.text(result.text().into(), sink);
        if result.last == Some(true) {
            self.brackets.complete(sink);
        }
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.data.trim_ascii().is_empty() || frame.is_done() {
            return;
        }
        match serde_json::from_slice::<ReplyIn<'_>>(&frame.data) {
            Ok(ReplyIn { error: Some(said), .. }) => {
                self.brackets.fail(failed(Kind::Api, &self.provider, said.get()), sink);
            }
            Ok(view) => self.update(&view.result, sink),
            Err(e) => {
                let text = format!("an update of the stream is not JSON: {e}");
                self.brackets.fail(failed(Kind::InvalidReply, &self.provider, &text), sink);
            }
        }
    }

    /// A message is a stream of one update, which nothing marks as the last.
    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.came {
            return self.brackets.complete(sink);
        }
        let text = "the stream ended before the agent answered";
        self.brackets.fail(failed(Kind::MidStream, &self.provider, text), sink);
    }
}
