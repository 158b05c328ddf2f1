//! Anthropic Messages: `POST /v1/messages`, its streams, its errors, and `count_tokens`.
//!
//! [`Messages`] is both faces. A request that came in this format is written back as it came (its nodes remember
//! where they are from, see [`llm_types::Extra`]); a request of another format is bent to this format's rules:
//! consecutive turns merged, instructions lifted to `system`, tool names made legal, JSON schemas cleaned.
//! Wire facts: <https://docs.anthropic.com/en/api/messages>.

mod betas;
mod block_decode;
mod block_encode;
mod count_tokens;
mod error;
mod extras_encode;
mod messages_encode;
mod names;
mod object;
mod reasoning;
mod repair;
mod request_decode;
mod request_encode;
mod response_decode;
mod response_encode;
mod schema;
mod stream_decode;
mod stream_encode;
mod stream_line;
mod stream_write;
mod tool_choice;
mod tools_decode;
mod tools_encode;
mod unsupported;
mod usage;

#[cfg(test)]
mod tests;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

pub(crate) use block_encode::input as tool_input;
pub use count_tokens::encode_count;
pub(crate) use error::{decode as decode_error, status_of};
pub use messages_encode::{OPERATOR_NOTE, PLACEHOLDER};
pub use names::{is_legal, legal_id, short_tool_name};
pub use reasoning::adaptive_effort;
pub(crate) use reasoning::plan as thinking_plan;
pub(crate) use unsupported::{error as unsupported, lose, lose_all};
pub use usage::decode as decode_usage;
pub(crate) use usage::of_stream as usage_report;

use crate::codec::{
    ClientCodec, EncodeContext, Generate, ReplyContext, ReplyView, RequestView, StreamDecoder, StreamEncoder,
    UpstreamCodec,
};

/// The format of this folder.
const FORMAT: Format = Format::AnthropicMessages;

/// Name of the tool through which a JSON schema is emulated on models without native support.
pub(crate) const JSON_TOOL: &str = "json_tool_call";

/// Both faces of the Messages format.
#[derive(Debug, Clone, Copy, Default)]
pub struct Messages;

/// Reads the object below `error` of a stream's error event.
#[must_use]
pub fn error_in_stream(raw: &str) -> Error {
    error::decode_event(raw)
}

impl ClientCodec<Generate> for Messages {
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
        error::encode(err, out);
    }

    fn stream_encoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(stream_encode::Encoder::new(ctx)))
    }
}

impl UpstreamCodec<Generate> for Messages {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, request_encode::Purpose::Generate, out)
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
