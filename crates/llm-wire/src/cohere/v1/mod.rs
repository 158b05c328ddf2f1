//! `POST /v1/chat`, the older language: one message at a time.
//!
//! What is written is what LiteLLM 1.104.5 writes, as recorded: the last message (or the last tool's result), neither
//! the model nor the turns before it. What does not go is reported as lost. The second language takes everything.

mod request_encode;
mod response_decode;
mod stream_decode;
pub(crate) mod tools;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use super::error;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::framing::Framing;

const FORMAT: Format = Format::CohereChat;

/// The first language of chat, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct ChatV1;

impl UpstreamCodec<Generate> for ChatV1 {
    fn format(&self) -> Format {
        FORMAT
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        response_decode::decode(reply)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::Decoder::new(ctx)))
    }
}
