//! GigaChat: nearly OpenAI's chat, with functions instead of tools and one call per answer.
//!
//! - [`GigaChat`]: `POST /chat/completions`: `functions`, `function_call`, results of functions as JSON; arguments of
//!   calls are objects. A JSON schema is asked for as a function that must be called.
//! - [`GigaChatEmbed`]: `POST /embeddings`.
//!
//! Pictures have to lie with the host before (`/files`): they are named by their ids (`attachments`), others are refused.
//! Wire facts: <https://developers.sber.ru/docs/ru/gigachat/api/reference/rest/gigachat-api>.

mod embed;
mod request_encode;
mod response_decode;
mod stream_decode;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::errors::{of_status, provider_name};

pub use embed::GigaChatEmbed;

/// Conversations, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct GigaChat;

impl UpstreamCodec<Generate> for GigaChat {
    fn format(&self) -> Format {
        Format::GigaChat
    }

    /// The host takes no URLs: what is fetched becomes one of its files.
    fn fetches(&self, _model: &str, _url: &str) -> bool {
        true
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out)
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

fn error(reply: &ReplyView<'_>) -> Error {
    dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
}
