//! Google's `models/{model}:generateContent` and `:streamGenerateContent`, of AI Studio and of Vertex AI.
//!
//! [`Gemini`] is both faces. The model and the wish for a stream stand in the URL, not in the body. A request that came
//! in this format is written back as it came, in camel case (Google takes both spellings); a request of another format
//! is written as LiteLLM writes it, spelling included.
//!
//! Conventions of this format in the canonical form:
//! - A part's `thoughtSignature` is the signature of a thought; of any other part it is an extra field. Chat clients get
//!   the one of a function call behind `__thought__` in the call's id and send it back there.
//! - Function calls without an id get one that begins with `call_`; the id of a call that had one stands in the extra
//!   field `functionCall.id` as well, so that invented ones do not go back.
//! - The answer of a function is one text: the JSON of its `response`.
//! - In a stream, fields of a part that only this format knows are [`Delta::Opaque`](llm_types::stream::Delta) objects;
//!   fields of a candidate are [`Event::Opaque`](llm_types::stream::Event).
//!
//! Wire facts: <https://ai.google.dev/api/generate-content>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.

pub mod cached;
mod config_decode;
mod config_encode;
mod contents_decode;
mod contents_encode;
mod count_tokens;
mod embed;
mod error;
mod finish;
mod logprobs;
mod media;
mod model;
mod native_encode;
mod part_decode;
mod part_encode;
mod reasoning;
mod request_decode;
mod request_encode;
mod response_decode;
mod response_encode;
mod result_encode;
mod schema;
mod stream_decode;
mod stream_encode;
mod stream_parts;
mod tools_decode;
mod tools_encode;
mod usage;
mod vertex_embed;
mod wire;

#[cfg(test)]
mod tests;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

pub use count_tokens::encode_count;
pub use embed::GeminiEmbed;
pub use error::{decode as decode_error, of_streaming_call};
pub(crate) use finish::is_blocked;
pub use media::media_type_of_url;
pub(crate) use usage::{Grounding, alone as usage_report, decode as grounded_report, splits_prompt, tool_use_tokens};
pub use vertex_embed::VertexEmbed;
pub use wire::{THOUGHT, split_call_id};

use crate::codec::{
    ClientCodec, EncodeContext, Generate, ReplyContext, ReplyView, RequestView, StreamDecoder, StreamEncoder,
    UpstreamCodec,
};

/// The format of this folder.
const FORMAT: Format = Format::GeminiGenerate;

/// Reads the object below `error` of a stream's event, in `provider`'s name.
#[must_use]
pub fn error_in_stream(raw: &str, provider: &str) -> Error {
    error::in_stream(raw, provider)
}

/// Both faces of the format.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gemini;

impl ClientCodec<Generate> for Gemini {
    fn format(&self) -> Format {
        FORMAT
    }

    fn decode_request(&self, req: &RequestView<'_>) -> Result<GenerateRequest> {
        request_decode::decode(req)
    }

    fn encode_response(&self, resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
        response_encode::encode(resp, ctx, out);
    }

    fn encode_error(&self, err: &Error, out: &mut BytesMut) {
        error::encode(err, out);
    }

    fn stream_encoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(stream_encode::Encoder::new(ctx)))
    }
}

impl UpstreamCodec<Generate> for Gemini {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out)
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

    fn fetches(&self, _model: &str, url: &str) -> bool {
        media::is_fetched(url)
    }
}
