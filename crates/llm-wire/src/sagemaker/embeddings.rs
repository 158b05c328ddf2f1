//! Embeddings of an endpoint of one's own: `{"inputs": [..]}`, or the body of the house whose model it runs.

use bytes::{BufMut, BytesMut};
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Format, Kind, RawJson, Result};
use serde_json::value::RawValue;

use super::OF_DEPLOYMENT;
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::object::Obj;
use crate::top::Top;

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Embeddings;

impl UpstreamCodec<Embed> for Embeddings {
    fn format(&self) -> Format {
        Format::SageMakerEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let text = |input: &EmbedInput| match input {
            EmbedInput::Text(text) => Ok(text.clone()),
            _ => Err(Error::bad_request("texts are embedded, lists of tokens are not").with_param("input")),
        };
        let inputs: Result<Vec<String>> = req.input.iter().map(text).collect();
        let cohere = ctx.model.contains("cohere-");
        let voyage = ctx.model.contains("voyage-");
        let mut body = Obj::open(out);
        {
            let mut list = body.arr(if cohere {
                "texts"
            } else if voyage {
                "input"
            } else {
                "inputs"
            });
            inputs?.iter().for_each(|t| list.str(t));
        }
        match req.input_type.as_deref() {
            None if cohere => body.str("input_type", "search_document"),
            given => body.opt_str("input_type", given),
        }
        if let Some(n) = req.dimensions {
            body.u64("output_dimension", n);
        }
        if voyage {
            body.opt_str("encoding_format", req.encoding_format.as_deref().filter(|e| *e != "float"));
        }
        for (key, value) in req.extra.fields_for(Format::OpenAiEmbeddings).filter(|(k, _)| !OF_DEPLOYMENT.contains(k)) {
            body.any_key(key).put_slice(value.get().as_bytes());
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let raw = std::str::from_utf8(reply.body).map_err(|e| invalid(&e.to_string()))?.trim();
        let vectors = vectors(raw).filter(|v| !v.is_empty()).ok_or_else(|| invalid("no vectors"))?;
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let data = vectors.into_iter().enumerate().map(|(at, vector)| Embedding { index: place(at), vector });
        Ok(EmbedResponse { data: data.collect(), ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::bedrock::error::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

/// The vectors of a list of them, or of one below a name; objects around them are opened.
fn vectors(raw: &str) -> Option<Vec<RawJson>> {
    if raw.starts_with('{') {
        let top: Top<'_> = serde_json::from_str(raw).ok()?;
        let inside = ["embedding", "embeddings", "data", "float"].iter().find_map(|name| top.get(name))?;
        return vectors(inside);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    if list.first().is_some_and(|v| v.get().starts_with(['[', '"'])) {
        return Some(list.into_iter().map(RawJson::borrowed).collect());
    }
    if list.first().is_some_and(|v| v.get().starts_with('{')) {
        let one = |v: &&RawValue| vectors(v.get()).and_then(|list| list.into_iter().next());
        return list.iter().map(one).collect();
    }
    Some(vec![RawJson::parse(raw).ok()?])
}

fn invalid(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("litellm.APIConnectionError: {why}"))
}
