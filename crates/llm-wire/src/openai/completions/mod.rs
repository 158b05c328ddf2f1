//! Legacy text completions, `POST /v1/completions`.
//!
//! A prompt is a conversation of one user turn: a bare string is a `flat` turn, a list of prompts a turn with one part
//! per prompt, token lists are opaque. Fields of this format that chat does not know (`suffix`, `echo`, `best_of`) are
//! kept as extra fields of chat, because LiteLLM hands them to chat upstreams too. Answers, whole or streamed, are read
//! by chat's readers, which know `text`.

mod prompt;
mod reply;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use super::chat;
use super::errors;
use super::object::Obj;
use crate::codec::{
    ClientCodec, EncodeContext, Generate, ReplyContext, ReplyView, RequestView, StreamDecoder, StreamEncoder,
    UpstreamCodec,
};

/// The codec of text completions, both faces.
#[derive(Debug, Clone, Copy)]
pub struct Completions;

impl ClientCodec<Generate> for Completions {
    fn format(&self) -> Format {
        Format::OpenAiCompletions
    }

    fn decode_request(&self, req: &RequestView<'_>) -> Result<GenerateRequest> {
        prompt::decode(req.body)
    }

    fn encode_response(&self, resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
        reply::encode(resp, ctx, out);
    }

    fn encode_error(&self, err: &Error, out: &mut BytesMut) {
        errors::encode_as(err, errors::carried_type(err), out);
    }

    fn stream_encoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(reply::TextStreamEncoder::new(ctx)))
    }
}

impl UpstreamCodec<Generate> for Completions {
    fn format(&self) -> Format {
        Format::OpenAiCompletions
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("model", ctx.model);
        prompt::encode(&req.turns, ctx, obj.key("prompt"));
        chat::text_options(req, ctx, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        chat::decode_response(reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        errors::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(chat::ChatStreamDecoder::new(ctx)))
    }
}
