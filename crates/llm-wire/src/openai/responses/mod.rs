//! Responses, `POST /v1/responses`, as OpenAI speaks it and as LiteLLM bridges it to other languages.
//!
//! Conventions of this format in the canonical form:
//! - An input that was one string is a user turn whose `Extra` is of no format; `instructions` are a leading system
//!   turn of the same kind. Turns read from items are marked with this format.
//! - Items of the assistant that follow each other share a turn, at most one message among them: other languages
//!   want the calls of one answer together.
//! - Fields of a message item lie with the first part of its content, below `item.`; fields of other items with their
//!   part. Fields of `text` and `reasoning` lie with the request, below `text.` and `reasoning.`.
//! - An item of thoughts is one [`Thinking`](llm_types::generate::PartKind::Thinking) part for each text of its
//!   summary; all but the last are marked `reasoning.more`, texts of its content `reasoning.text`. Its
//!   `encrypted_content` is the signature of the last part of an answer's thoughts, or a redacted part when there is no
//!   text; in a request it is a field like others.
//! - Every other item (calls of tools that the provider runs, their outputs, references) is a
//!   [`HostedTool`](llm_types::generate::PartKind::HostedTool) of this format; unknown content is `Opaque`.

mod bridge;
mod client_tools;
mod content_decode;
mod content_encode;
mod count_tokens;
mod error;
mod input_encode;
mod item_decode;
mod output_encode;
mod reasoning;
mod request_decode;
mod request_encode;
mod response_decode;
mod response_encode;
mod stream_decode;
mod stream_encode;
mod stream_end;
mod stream_items;
mod stream_parts;
mod stream_view;
mod stream_write;
mod streamed;
mod tools_decode;
mod tools_encode;
mod usage;

pub use bridge::bridge;
use bytes::BytesMut;
pub use count_tokens::encode_count;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};
pub use streamed::StreamedResponses;

use crate::codec::{
    ClientCodec, EncodeContext, Generate, ReplyContext, ReplyView, RequestView, StreamDecoder, StreamEncoder,
    UpstreamCodec,
};

const FORMAT: Format = Format::OpenAiResponses;

/// Prefix of the fields of a message item, which lie with its first part.
const ITEM: &str = "item.";
/// Prefix of the request's fields that stand below `text`.
const TEXT: &str = "text.";
/// Prefix of the request's fields that stand below `reasoning`.
const REASONING: &str = "reasoning.";
/// The thoughts go on in the next part.
const MORE: &str = "reasoning.more";
/// The thoughts stood in `content`, not in `summary`.
const FULL_TEXT: &str = "reasoning.text";

/// The Responses codec, both faces.
#[derive(Debug, Clone, Copy)]
pub struct Responses;

impl ClientCodec<Generate> for Responses {
    fn format(&self) -> Format {
        FORMAT
    }

    fn decode_request(&self, req: &RequestView<'_>) -> Result<GenerateRequest> {
        request_decode::decode(req.body)
    }

    fn encode_response(&self, resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
        response_encode::encode(resp, ctx, out);
    }

    fn encode_error(&self, err: &Error, out: &mut BytesMut) {
        super::errors::encode(err, out);
    }

    fn stream_encoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(stream_encode::ResponsesStreamEncoder::new(ctx)))
    }
}

impl UpstreamCodec<Generate> for Responses {
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
        error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::ResponsesStreamDecoder::new(ctx)))
    }
}
