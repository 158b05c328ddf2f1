//! Agents of Amazon Bedrock: `{inputText, enableTrace}` gives an event stream of chunks of text and of traces, which hold
//! what the models behind the agent consumed.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_InvokeAgent.html>
//!
//! Only what is said last goes: the agent keeps the conversation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::EventSink;
use llm_types::{Error, Format, Json, Kind, Result, Usage};

use super::talk::{Talk, counted, whole};
use super::{failed, last, lose};
use crate::bedrock::error;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::framing::{Framing, Splitter};
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::sse::{Frame, Item};

/// The codec, towards agents.
#[derive(Debug, Clone, Copy)]
pub struct BedrockAgent;

/// Bytes of an event.
const EVENT: usize = 16 << 20;
/// Fields that AWS alone knows; the provider puts the session where it belongs.
const OWN: [&str; 7] = [
    "sessionID",
    "sessionState",
    "endSession",
    "memoryId",
    "bedrockModelConfigurations",
    "promptCreationConfigurations",
    "streamingConfigurations",
];
/// Parts of a trace in which a model may have been asked.
const TRACES: [&str; 4] = ["preProcessingTrace", "orchestrationTrace", "postProcessingTrace", "routingClassifierTrace"];

/// What an event tells.
enum Told {
    Text(String),
    Usage(Usage),
    Failed(Box<Error>),
    Nothing,
}

impl UpstreamCodec<Generate> for BedrockAgent {
    fn format(&self) -> Format {
        Format::BedrockAgent
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("inputText", &last(req, ctx));
        obj.bool("enableTrace", true);
        OWN.iter().for_each(|name| obj.raw(name, req.extra.get(name)));
        lose(req, ctx);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        let (mut text, mut usage, mut error) = (String::new(), None::<Usage>, None);
        let mut splitter = Splitter::new(Framing::AwsEventStream, EVENT);
        let mut tell = |item: Item<'_>| {
            let Item::Frame(frame) = item else { return };
            match told(&frame, &ctx.provider) {
                Told::Text(piece) => text.push_str(&piece),
                Told::Usage(more) => usage.get_or_insert_with(Usage::default).merge(&more),
                Told::Failed(why) => error = Some(why),
                Told::Nothing => {}
            }
        };
        let read = splitter.feed(reply.body, &mut tell).and_then(|()| splitter.finish(&mut tell));
        read.map_err(|e| invalid_reply(reply, &e.to_string()))?;
        if let Some(error) = error {
            return Err(*error);
        }
        if text.is_empty() {
            return Err(invalid_reply(reply, "the agent answered no text"));
        }
        Ok(whole(&text, usage))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn framing(&self) -> Framing {
        Framing::AwsEventStream
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Decoder(Talk::new(ctx))))
    }
}

fn told(frame: &Frame<'_>, provider: &str) -> Told {
    if let Some(error) = error::in_stream(frame, provider) {
        return Told::Failed(Box::new(error));
    }
    let tree: Json = match serde_json::from_slice(&frame.data) {
        Ok(tree) => tree,
        Err(e) => {
            let text = format!("an event of the agent cannot be read: {e}");
            return Told::Failed(Box::new(failed(Kind::InvalidReply, provider, &text)));
        }
    };
    match frame.event.as_deref() {
        Some("chunk") => {
            let bytes = tree.text("bytes").and_then(|coded| STANDARD.decode(coded).ok());
            bytes.map_or(Told::Nothing, |bytes| Told::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Some("trace") => tree.get("trace").and_then(consumed).map_or(Told::Nothing, Told::Usage),
        _ => Told::Nothing,
    }
}

/// What a model behind the agent consumed in a step.
fn consumed(trace: &Json) -> Option<Usage> {
    let step = TRACES.iter().find_map(|name| trace.get(name))?;
    let usage = step.get("modelInvocationOutput")?.get("metadata")?.get("usage")?;
    Some(counted(usage, &["inputTokens"], &["outputTokens"]))
}

/// Reads one stream.
#[derive(Debug)]
struct Decoder(Talk);

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.0.over() {
            return;
        }
        match told(frame, self.0.provider()) {
            Told::Text(text) => self.0.text(text, sink),
            Told::Usage(more) => self.0.count(&more),
            Told::Failed(error) => self.0.fail(*error, sink),
            Told::Nothing => {}
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        self.0.end(sink);
    }
}
