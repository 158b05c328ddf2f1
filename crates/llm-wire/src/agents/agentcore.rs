//! Agents in runtimes of Amazon Bedrock AgentCore: `{prompt}` gives JSON or server-sent events, in the shape of the
//! agent's framework. <https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html>
//!
//! Events are those of Converse, wrapped (`{"event": {"contentBlockDelta": ...}}`), and at last a whole `message`. JSON is
//! a message (`result`), a list of blocks (`response`), a bare text under either name, or an answer of the A2A protocol.
//! Only what is said last goes: the agent keeps the conversation.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::EventSink;
use llm_types::{Error, Format, Json, Kind, Result, Usage};

use super::talk::{Talk, counted, whole};
use super::{failed, last, lose};
use crate::bedrock::error;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::sse::{Frame, Item, Splitter};

/// The codec, towards runtimes.
#[derive(Debug, Clone, Copy)]
pub struct AgentCoreRuntime;

/// Bytes of an event.
const EVENT: usize = 16 << 20;
/// What a call says beside its prompt; the provider puts it where it belongs.
const SESSION: [&str; 3] = ["runtimeSessionId", "runtimeUserId", "qualifier"];

impl UpstreamCodec<Generate> for AgentCoreRuntime {
    fn format(&self) -> Format {
        Format::AgentCoreRuntime
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("prompt", &last(req, ctx));
        SESSION.iter().for_each(|name| obj.raw(name, req.extra.get(name)));
        lose(req, ctx);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        if let Ok(tree) = serde_json::from_slice::<Json>(reply.body) {
            return Ok(whole(&plain(&tree), None));
        }
        let (mut pieces, mut message, mut usage, mut error) = (String::new(), None, None::<Usage>, None);
        let mut splitter = Splitter::new(EVENT);
        let mut tell = |item: Item<'_>| {
            let Item::Frame(frame) = item else { return };
            let Some(told) = Told::read(&frame) else { return };
            pieces.push_str(told.piece.as_deref().unwrap_or_default());
            message = told.whole.or(message.take());
            error = told.error.or(error.take());
            if let Some(more) = told.usage {
                usage.get_or_insert_with(Usage::default).merge(&more);
            }
        };
        let read = splitter.feed(reply.body, &mut tell).and_then(|()| splitter.finish(&mut tell));
        read.map_err(|e| invalid_reply(reply, &format!("an event is longer than {} bytes", e.limit)))?;
        let text = message.unwrap_or(pieces);
        match error {
            Some(said) => Err(failed(Kind::Api, &ctx.provider, &said)),
            None if text.is_empty() => Err(invalid_reply(reply, "the agent answered no text")),
            None => Ok(whole(&text, usage)),
        }
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Decoder(Talk::new(ctx))))
    }
}

/// The text of an answer that is JSON; one of no known shape is told as it is.
fn plain(tree: &Json) -> String {
    let of_result = tree.get("result").filter(|r| r.as_object().is_some());
    if tree.get("jsonrpc").is_some()
        && let Some(said) = of_result.and_then(spoken)
    {
        return said;
    }
    if let Some(message) = of_result {
        return blocks(message.get("content"));
    }
    if let Some(list @ Json::Array(_)) = tree.get("response") {
        return blocks(Some(list));
    }
    let bare = ["result", "response"].iter().find_map(|name| tree.get(name)?.as_str());
    bare.map_or_else(|| tree.to_string(), str::to_owned)
}

/// The text of an answer of the A2A protocol: of a message, or of what a task made.
fn spoken(result: &Json) -> Option<String> {
    let message = result.get("message").unwrap_or(result);
    let made = result.get("artifacts").and_then(Json::as_array).and_then(|list| list.first()?.get("parts"));
    let parts = message.get("parts").or(made)?;
    Some(blocks(Some(parts))).filter(|text| !text.is_empty())
}

fn blocks(list: Option<&Json>) -> String {
    let list = list.and_then(Json::as_array).unwrap_or_default();
    list.iter().filter_map(|block| block.get("text")?.as_str()).collect()
}

/// What an event tells.
#[derive(Debug, Default)]
struct Told {
    piece: Option<String>,
    whole: Option<String>,
    usage: Option<Usage>,
    error: Option<String>,
}

impl Told {
    /// Nothing for what is no event of an agent: some frameworks tell their own texts between.
    fn read(frame: &Frame<'_>) -> Option<Self> {
        let tree: Json = serde_json::from_slice(&frame.data).ok()?;
        tree.as_object()?;
        let event = tree.get("event").filter(|e| e.as_object().is_some());
        let delta = event.and_then(|e| e.get("contentBlockDelta")?.get("delta")?.get("text")?.as_str());
        let message = tree.get("message").filter(|m| m.as_object().is_some());
        let usage = event.and_then(|e| e.get("metadata")?.get("usage"));
        Some(Self {
            piece: delta.map(str::to_owned),
            whole: message.map(|m| blocks(m.get("content"))),
            usage: usage.map(|u| counted(u, &["inputTokens"], &["outputTokens"])),
            error: tree.get("error").filter(|e| !e.is_null()).map(|e| e.as_str().map_or(e.to_string(), str::to_owned)),
        })
    }
}

/// Reads one stream.
#[derive(Debug)]
struct Decoder(Talk);

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        let Some(told) = Told::read(frame).filter(|_| !self.0.over()) else { return };
        if let Some(said) = told.error {
            let error = failed(Kind::Api, self.0.provider(), &said);
            return self.0.fail(error, sink);
        }
        let whole = told.whole.filter(|_| !self.0.came); // pieces came already
        self.0.text(told.piece.or(whole).unwrap_or_default(), sink);
        if let Some(more) = told.usage {
            self.0.count(&more);
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        self.0.end(sink);
    }
}
