//! Agents of Vertex AI's agent engine: `streamQuery` gives events of the Agent Development Kit, a JSON value a line.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/agent-engine/use/adk>
//!
//! A partial event is a piece of the one that follows it in full. Each model call reports its own counts. Only what is
//! said last goes: the agent keeps the conversation under `session_id`.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::EventSink;
use llm_types::{Error, Format, Json, Kind, Result, Usage};

use super::talk::{Talk, counted, whole};
use super::{failed, id_of, last, lose};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::framing::{Framing, Splitter};
use crate::gemini;
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::sse::{Frame, Item};

/// The codec, towards agents.
#[derive(Debug, Clone, Copy)]
pub struct VertexAgent;

/// Bytes of an event.
const EVENT: usize = 16 << 20;

/// What an event tells.
#[derive(Debug)]
struct Told {
    text: String,
    partial: bool,
    usage: Option<Usage>,
    error: Option<String>,
}

impl Told {
    fn read(frame: &Frame<'_>) -> Option<Self> {
        let tree: Json = serde_json::from_slice(&frame.data).ok()?;
        let said = |name: &str| tree.get(name).filter(|v| !v.is_null());
        let parts = said("content").and_then(|c| c.get("parts")?.as_array()).unwrap_or_default();
        let shown = parts.iter().filter(|part| part.get("thought").and_then(Json::as_bool) != Some(true));
        let error = ["error", "error_message", "errorMessage"].into_iter().find_map(said);
        Some(Self {
            text: shown.filter_map(|part| part.get("text")?.as_str()).collect(),
            partial: said("partial").and_then(Json::as_bool) == Some(true),
            usage: ["usage_metadata", "usageMetadata"].into_iter().find_map(said).map(|u| counted(u, &INPUT, &OUTPUT)),
            error: error.map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)),
        })
    }
}

/// Names of counts, in both spellings.
const INPUT: [&str; 2] = ["prompt_token_count", "promptTokenCount"];
const OUTPUT: [&str; 2] = ["candidates_token_count", "candidatesTokenCount"];

impl UpstreamCodec<Generate> for VertexAgent {
    fn format(&self) -> Format {
        Format::VertexAgent
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let text = last(req, ctx);
        let extra = |name: &str| req.extra.get(name).and_then(|raw| raw.as_str().map(std::borrow::Cow::into_owned));
        let user = extra("user_id").or_else(|| req.user.clone()).unwrap_or_else(|| id_of("user", &text));
        let mut obj = Obj::open(out);
        obj.str("class_method", "stream_query");
        let mut input = obj.obj("input");
        input.str("message", &text);
        input.str("user_id", &user);
        input.opt_str("session_id", extra("session_id").as_deref());
        lose(req, ctx);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        let (mut text, mut usage, mut error) = (String::new(), None::<Usage>, None);
        let mut splitter = Splitter::new(Framing::JsonLines, EVENT);
        let mut tell = |item: Item<'_>| {
            let Item::Frame(frame) = item else { return };
            let Some(told) = Told::read(&frame).filter(|told| !told.partial) else { return };
            text.push_str(&told.text);
            if let Some(more) = told.usage {
                usage.get_or_insert_with(Usage::default).merge(&more);
            }
            error = told.error.or(error.take());
        };
        let read = splitter.feed(reply.body, &mut tell).and_then(|()| splitter.finish(&mut tell));
        read.map_err(|e| invalid_reply(reply, &e.to_string()))?;
        match error {
            Some(said) => Err(failed(Kind::Api, &ctx.provider, &said)),
            None if text.is_empty() => Err(invalid_reply(reply, "the agent answered no text")),
            None => Ok(whole(&text, usage)),
        }
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Decoder { talk: Talk::new(ctx), pieces: false }))
    }
}

/// Reads one stream.
#[derive(Debug)]
struct Decoder {
    talk: Talk,
    /// Pieces of the event that comes next were told already.
    pieces: bool,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.talk.over() || frame.data.trim_ascii().is_empty() {
            return;
        }
        let Some(told) = Told::read(frame) else {
            let error = failed(Kind::InvalidReply, self.talk.provider(), "an event of the stream is not JSON");
            return self.talk.fail(error, sink);
        };
        if let Some(said) = told.error {
            let error = failed(Kind::Api, self.talk.provider(), &said);
            return self.talk.fail(error, sink);
        }
        let again = !told.partial && std::mem::take(&mut self.pieces);
        if !again {
            self.pieces = told.partial && !told.text.is_empty() || self.pieces;
            self.talk.text(told.text, sink);
        }
        if let Some(more) = told.usage.filter(|_| !told.partial) {
            self.talk.count(&more);
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        self.talk.end(sink);
    }
}
