//! Embeddings: `{inputs, truncate, inputType, outputDimensions}` gives `{modelId, embeddings: [[number]]}`.

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::{UsageIn, error};
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::wire::{List, Text, view};

/// More texts are refused by the host.
const MAX_TEXTS: usize = 96;

/// The codec of embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct OciEmbed;

view!(lenient ReplyIn {
    model = "modelId": Text<'a>,
    embeddings = "embeddings": List<&'a RawValue>,
    usage = "usage": UsageIn<'a>,
});

impl UpstreamCodec<Embed> for OciEmbed {
    fn format(&self) -> Format {
        Format::OciEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, _: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let bad = |what: String| Error::bad_request(format!("Invalid value for 'input': {what}")).with_param("input");
        if req.input.len() > MAX_TEXTS {
            return Err(bad(format!("at most {MAX_TEXTS} texts at once, not {}", req.input.len())));
        }
        let mut obj = Obj::open(out);
        {
            let mut list = obj.arr("inputs");
            for input in &req.input {
                match input {
                    EmbedInput::Text(text) => list.str(text),
                    _ => return Err(bad("expected texts".to_owned())),
                }
            }
        }
        obj.opt_str("inputType", req.input_type.as_deref().map(str::to_ascii_uppercase).as_deref());
        req.dimensions.into_iter().for_each(|d| obj.u64("outputDimensions", d));
        obj.extra(&req.extra, Format::OpenAiEmbeddings, |_| true);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let vectors = view.embeddings.0;
        let vectors = vectors.ok_or_else(|| invalid_reply(reply, "provider returned no 'embeddings'"))?;
        let one = |(at, v): (usize, &&RawValue)| Embedding {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            vector: RawJson::borrowed(v),
        };
        Ok(EmbedResponse {
            model: view.model.filled().unwrap_or_default().to_owned(),
            data: vectors.iter().enumerate().map(one).collect(),
            usage: view.usage.report(),
            ..EmbedResponse::default()
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
