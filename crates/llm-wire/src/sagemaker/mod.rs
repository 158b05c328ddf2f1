//! AWS `SageMaker`: endpoints of one's own that run Hugging Face's text generation container, and embeddings.
//! <https://huggingface.co/docs/text-generation-inference>

pub mod embeddings;
mod request_encode;
mod response_decode;
mod stream_decode;

#[cfg(test)]
mod tests;

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Format, Result};

use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::framing::Framing;

/// Fields of a deployment that say where and what the endpoint is; they are not for the model.
pub const OF_DEPLOYMENT: [&str; 3] = ["sagemaker_base_url", "model_id", "hf_model_name"];

/// The codec of the text generation container.
#[derive(Debug, Clone, Copy)]
pub struct Generation;

impl UpstreamCodec<Generate> for Generation {
    fn format(&self) -> Format {
        Format::SageMaker
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        response_decode::decode(reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::bedrock::error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(stream_decode::Decoder::new(ctx)))
    }

    fn framing(&self) -> Framing {
        Framing::AwsPayload
    }
}
