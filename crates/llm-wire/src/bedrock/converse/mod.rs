//! Converse: `POST /model/{id}/converse` and `/converse-stream`, one language for all models of Bedrock.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
//!
//! What the language itself cannot say (thinking, `top_k`, anything a client sends for the model behind it) goes into
//! `additionalModelRequestFields`. Which model that is, the id tells: see [`super::model::Family`].

mod block_encode;
mod count_tokens;
mod fields_encode;
mod media;
mod messages_encode;
mod names;
mod reasoning;
mod request_encode;
mod response_decode;
mod schema;
mod stream_decode;
mod tools_encode;
mod usage;

pub(crate) use usage::report as usage_report;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::framing::Framing;

/// The format of this folder.
const FORMAT: Format = Format::BedrockConverse;

/// Name of the tool through which a JSON schema is emulated on models without native support.
const JSON_TOOL: &str = "json_tool_call";

/// The Converse codec.
#[derive(Debug, Clone, Copy, Default)]
pub struct Converse;

impl UpstreamCodec<Generate> for Converse {
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
        super::error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::Decoder::new(ctx)))
    }

    fn framing(&self) -> Framing {
        Framing::AwsEventStream
    }

    /// The language has no URLs but those of S3.
    fn fetches(&self, _model: &str, url: &str) -> bool {
        url.starts_with("http")
    }
}
