//! Embeddings.

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse};
use llm_types::{Error, Format, Result};

use super::error;
use super::response_decode::opened;
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::embeddings::Embeddings;
use crate::openai::object::Obj;

/// The codec of embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct SapEmbed;

impl UpstreamCodec<Embed> for SapEmbed {
    fn format(&self) -> Format {
        Format::SapEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let text = |input: &EmbedInput| match input {
            EmbedInput::Text(text) => Ok(text.clone()),
            _ => Err(Error::bad_request("Invalid value for 'input': expected texts").with_param("input")),
        };
        let texts: Result<Vec<String>> = req.input.iter().map(text).collect();
        let texts = texts?;
        let mut obj = Obj::open(out);
        obj.obj("config").obj("modules").obj("embeddings").obj("model").str("name", ctx.model);
        {
            let mut input = obj.obj("input");
            match texts.as_slice() {
                [one] if req.single => input.str("text", one),
                many => {
                    let mut list = input.arr("text");
                    many.iter().for_each(|t| list.str(t));
                }
            }
            input.opt_str("type", req.input_type.as_deref());
        }
        ctx.lost.extend(req.extra.all().map(|(key, _)| key.to_owned()));
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<EmbedResponse> {
        UpstreamCodec::<Embed>::decode_response(&Embeddings, &opened(reply)?, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
