//! `InvokeModel` of models that continue a text: each family has its own body, all say little more than a text.
//!
//! What a reply is, its fields tell; a decoder need not know the family. Bodies:
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>.

mod prompts;
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

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The models can stream.
    pub streams: bool,
}

/// How thoughts begin that a prompt has begun already.
const THOUGHTS: &str = "<think>";

impl UpstreamCodec<Generate> for Text {
    fn format(&self) -> Format {
        if self.streams { Format::BedrockText } else { Format::BedrockTextWhole }
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        request_encode::encode(req, ctx, out);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
        response_decode::decode(reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        super::error::decode(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        self.streams.then(|| Box::new(stream_decode::Decoder::new(ctx)) as Box<dyn StreamDecoder>)
    }

    fn framing(&self) -> Framing {
        Framing::AwsChunks
    }
}
