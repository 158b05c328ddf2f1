//! `POST /v2/chat`.
//!
//! What LiteLLM does not tell its clients, this reader does not either: thoughts, the plan for the tools in whole
//! answers, and why a whole answer ended (always `stop`). Streams tell the plan and the reason.

mod request_encode;
mod response_decode;
mod stream_decode;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use super::error;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};

pub(super) use stream_decode::finish;

const FORMAT: Format = Format::CohereChatV2;

/// The second language of chat, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct ChatV2;

impl UpstreamCodec<Generate> for ChatV2 {
    fn format(&self) -> Format {
        FORMAT
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
