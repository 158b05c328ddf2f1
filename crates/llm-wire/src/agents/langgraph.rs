//! LangGraph's server: `POST /runs/wait` and `/runs/stream`: <https://langchain-ai.github.io/langgraph/cloud/reference/api>.
//!
//! `{assistant_id, input: {messages: [{role, content}]}}` gives the state of the graph, whose last message of the model
//! is the answer; streams of the mode `messages-tuple` give `[message, metadata]` under the event `messages`.

use std::borrow::Cow;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse, PartKind, Role};
use llm_types::stream::{EventSink, Start};
use llm_types::{Error, Format, Kind, Result};
use serde_json::value::RawValue;

use super::{answer, error, failed, lose};
use crate::brackets::Brackets;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::chat;
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::wire::{Content, List, Text, view};
use crate::prompt::said;
use crate::sse::Frame;

/// The codec, towards graphs.
#[derive(Debug, Clone, Copy)]
pub struct LangGraph;

view!(lenient StateIn {
    messages = "messages": List<MessageIn<'a>>,
});

view!(lenient MessageIn {
    kind = "type": Text<'a>,
    content = "content": Content<'a>,
});

view!(lenient BlockIn {
    kind = "type": Text<'a>,
    text = "text": Text<'a>,
});

impl MessageIn<'_> {
    fn is_answer(&self) -> bool {
        matches!(self.kind.filled(), Some("ai" | "AIMessage" | "AIMessageChunk"))
    }

    fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone().into_owned(),
            Content::Parts(list) => list.iter().filter_map(|raw| block_text(raw)).collect(),
            Content::None | Content::Wrong => String::new(),
        }
    }
}

/// The text of a block of content, if it has one.
fn block_text(raw: &RawValue) -> Option<String> {
    let block: BlockIn<'_> = serde_json::from_str(raw.get()).ok()?;
    block.text.0.map(Cow::into_owned)
}

/// A message of a stream.
fn message<'a>(raw: &'a RawValue) -> Option<MessageIn<'a>> {
    serde_json::from_str(raw.get()).ok()
}

impl UpstreamCodec<Generate> for LangGraph {
    fn format(&self) -> Format {
        Format::LangGraph
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("assistant_id", ctx.model);
        {
            let mut input = obj.obj("input");
            let mut list = input.arr("messages");
            for turn in &req.turns {
                let mut message = list.obj();
                message.str(
                    "role",
                    match turn.role {
                        Role::System | Role::Developer => "system",
                        Role::User | Role::Tool => "human",
                        Role::Assistant => "assistant",
                    },
                );
                message.str("content", &said(turn));
            }
        }
        if req.stream {
            obj.str("stream_mode", "messages-tuple");
        }
        obj.raw("metadata", req.metadata.as_ref());
        chat::write_extras(req, |_| true, &mut obj);
        lose(req, ctx);
        let mute = |kind: &PartKind| !matches!(kind, PartKind::Text { .. } | PartKind::ToolResult(_));
        if req.turns.iter().flat_map(|t| &t.parts).any(|p| mute(&p.kind)) {
            ctx.lost.push("messages.block without text".to_owned());
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: StateIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let messages = view.messages.0;
        let messages = messages.ok_or_else(|| invalid_reply(reply, "the graph's state has no 'messages'"))?;
        let last = messages.iter().rfind(|m| m.is_answer());
        let last = last.ok_or_else(|| invalid_reply(reply, "the graph's state has no message of the model"))?;
        Ok(answer(&last.text()))
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

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.data.trim_ascii().is_empty() {
            return;
        }
        match frame.event.as_deref() {
            Some("error") => {
                let text = String::from_utf8_lossy(&frame.data);
                self.brackets.fail(failed(Kind::Api, &self.provider, &text), sink);
            }
            Some(event) if event == "messages" || event.starts_with("messages|") => {
                let pair: Vec<&RawValue> = match serde_json::from_slice(&frame.data) {
                    Ok(pair) => pair,
                    Err(e) => {
                        let text = format!("a message of the stream is no pair: {e}");
                        return self.brackets.fail(failed(Kind::InvalidReply, &self.provider, &text), sink);
                    }
                };
                let first = pair.first().copied().and_then(message);
                if let Some(message) = first.filter(MessageIn::is_answer) {
                    self.came = true;
                    self.brackets.start(Start::default, sink);
                    self.brackets.text(message.text().into(), sink);
                }
            }
            _ => {}
        }
    }

    /// Nothing but the end of the connection marks the end.
    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.came {
            return self.brackets.complete(sink);
        }
        let text = "the stream ended before the graph answered";
        self.brackets.fail(failed(Kind::MidStream, &self.provider, text), sink);
    }
}
