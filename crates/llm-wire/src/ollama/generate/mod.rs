//! `POST /api/generate`: one prompt. Conversations become blocks of it (`### User:` ...), tools are described in it and
//! called by an answer in JSON.

mod prompt;
mod request_encode;
mod response_decode;
mod stream_decode;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use super::error;
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::framing::Framing;

const FORMAT: Format = Format::OllamaGenerate;

/// Generation from a prompt, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct OllamaGenerate;

impl UpstreamCodec<Generate> for OllamaGenerate {
    fn format(&self) -> Format {
        FORMAT
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn fetches(&self, _model: &str, url: &str) -> bool {
        super::is_remote(url)
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        response_decode::decode(reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::Decoder::new(ctx)))
    }
}
