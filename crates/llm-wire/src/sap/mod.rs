//! SAP Generative AI Hub, orchestration: OpenAI's chat inside a configuration of modules.
//!
//! - [`Orchestration`]: `POST {deployment}/v2/completion`: `{config: {modules: {prompt_templating: {prompt: {template,
//!   tools, response_format}, model: {name, params, version}}}, stream}}` gives `{final_result}`, a chat completion;
//!   streams give its chunks under the same name, or under `orchestration_result`.
//! - [`SapEmbed`]: `POST {deployment}/v2/embeddings`: `{config: {modules: {embeddings: {model: {name}}}}, input: {text,
//!   type}}`, the answer likewise.
//!
//! Which tool to call cannot be said: `tool_choice` is left out, as LiteLLM does.
//! Wire facts: <https://help.sap.com/docs/sap-ai-core/generative-ai/orchestration>.

mod embed;
mod request_encode;
mod response_decode;
mod stream_decode;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};
use serde_json::value::RawValue;

use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::errors::{of_status, provider_name};
use crate::openai::wire::view;

pub use embed::SapEmbed;

/// Conversations, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct Orchestration;

view!(lenient Envelope {
    last = "final_result": Option<&'a RawValue>,
    first = "orchestration_result": Option<&'a RawValue>,
});

impl<'a> Envelope<'a> {
    /// What is inside.
    fn inside(&self) -> Option<&'a RawValue> {
        self.last.or(self.first).filter(|r| r.get().starts_with('{'))
    }
}

impl UpstreamCodec<Generate> for Orchestration {
    fn format(&self) -> Format {
        Format::SapOrchestration
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

fn error(reply: &ReplyView<'_>) -> Error {
    dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
}
