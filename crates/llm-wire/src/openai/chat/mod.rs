//! Chat completions, `POST /v1/chat/completions`, with LiteLLM's additions: `reasoning_content`, `thinking_blocks`,
//! `cache_control`, `provider_specific_fields`.
//!
//! Conventions of this format in the canonical form:
//! - `flat` turns had a bare string as `content`; an assistant turn without content has no text part.
//! - Order of an assistant turn's parts: thoughts, content, refusal, tool calls.
//! - A tool call with an empty id is the legacy `function_call`; a tool result with an empty id the legacy role
//!   `function`.
//! - Unknown fields of an inner object lie in the outer node's `Extra` under `inner.` (`image_url.format`,
//!   `function.x`). In a choice's stream events, `Opaque` keys starting with `chunk.` and `choice.` belong to the chunk
//!   and the choice, others to the delta.
//! - A tool call of another type than `function` is a [`PartKind::HostedTool`](llm_types::generate::PartKind) of this
//!   format.

mod call_delta;
mod content_decode;
mod content_encode;
mod error;
mod fields;
mod gemini;
mod message_decode;
mod message_encode;
mod message_view;
mod request_decode;
mod request_encode;
mod response_decode;
mod response_encode;
mod sources;
mod stream_choice;
mod stream_decode;
mod stream_encode;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Extra, Format, Result};

use crate::codec::{
    ClientCodec, EncodeContext, Generate, ReplyContext, ReplyView, RequestView, StreamDecoder, StreamEncoder,
    UpstreamCodec,
};

pub(crate) use content_decode::locate;
pub(crate) use content_encode::data_url;
pub(crate) use error::{invalid, missing, problem, read};
pub(crate) use fields::{is_apart, write_extras, write_others};
pub(crate) use gemini::call as gemini_call;
pub(crate) use message_encode::{TOOL_IMAGE_ALONE, TOOL_IMAGES, conversation, joint, thinking_block};
pub(crate) use message_view::Arguments;
pub(crate) use request_decode::decode as decode_request;
pub(crate) use request_encode::{effort_of, lose_extra, output_format, text_options, write_stop, write_tool};
pub(crate) use response_decode::{call_id, decode as decode_response};
pub(crate) use response_encode::{answer_id, anthropic_fields, shape};
pub(crate) use sources::{of_field as sources_of_field, sources};
pub(crate) use stream_decode::ChatStreamDecoder;

const FORMAT: Format = Format::OpenAiChat;

/// True when a mark for prompt caches goes along: LiteLLM's translation of Messages keeps them for Claude models only.
fn keeps_marks(origin: &Extra, ctx: &EncodeContext<'_>) -> bool {
    origin.format() != Some(Format::AnthropicMessages) || ctx.model.contains("claude")
}

/// True when the upstream's thoughts are blocks, so that clients get blocks even without proofs.
fn foreign_blocks(ctx: &ReplyContext) -> bool {
    matches!(ctx.upstream, Some(Format::AnthropicMessages | Format::GeminiGenerate | Format::BedrockConverse))
}

/// The chat codec, both faces.
#[derive(Debug, Clone, Copy)]
pub struct Chat;

impl ClientCodec<Generate> for Chat {
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
        Some(Box::new(stream_encode::ChatStreamEncoder::new(ctx)))
    }
}

impl UpstreamCodec<Generate> for Chat {
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
        super::errors::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::ChatStreamDecoder::new(ctx)))
    }
}
