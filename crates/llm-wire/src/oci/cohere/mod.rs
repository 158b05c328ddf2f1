//! The language of Cohere's models.

mod request_encode;
mod response_decode;
mod stream_decode;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use super::error;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};

const FORMAT: Format = Format::OciCohere;

/// Conversations, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct OciCohere;

impl UpstreamCodec<Generate> for OciCohere {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        response_decode::decode(reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::Decoder::new(ctx)))
    }
}
