//! Embeddings: OpenAI's shape, but every vector tells its own tokens; they are added up.

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::error;
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::usage::plain;
use crate::openai::wire::{Count, List, Text, view};

/// The codec of embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct GigaChatEmbed;

view!(lenient ReplyIn {
    model = "model": Text<'a>,
    data = "data": List<VectorIn<'a>>,
});

view!(lenient VectorIn {
    index = "index": Count,
    embedding = "embedding": Option<&'a RawValue>,
    usage = "usage": UsageIn<'a>,
});

view!(lenient UsageIn {
    prompt = "prompt_tokens": Count,
});

impl UpstreamCodec<Embed> for GigaChatEmbed {
    fn format(&self) -> Format {
        Format::GigaChatEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let text = |input: &EmbedInput| match input {
            EmbedInput::Text(text) => Ok(text.clone()),
            _ => Err(Error::bad_request("Invalid value for 'input': expected texts").with_param("input")),
        };
        let texts: Result<Vec<String>> = req.input.iter().map(text).collect();
        let texts = texts?;
        let mut obj = Obj::open(out);
        obj.str("model", ctx.model);
        {
            let mut list = obj.arr("input");
            texts.iter().for_each(|t| list.str(t));
        }
        obj.extra(&req.extra, Format::OpenAiEmbeddings, |_| true);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let list = view.data.0.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'data'"))?;
        let mut data = Vec::with_capacity(list.len());
        for (at, item) in list.iter().enumerate() {
            let vector = item.embedding.ok_or_else(|| invalid_reply(reply, "an item without 'embedding'"))?;
            let index = item.index.0.and_then(|i| u32::try_from(i).ok()).or_else(|| u32::try_from(at).ok());
            data.push(Embedding { index: index.unwrap_or(0), vector: RawJson::borrowed(vector) });
        }
        let counts = list.iter().filter_map(|item| item.usage.prompt.0);
        let tokens = counts.reduce(u64::saturating_add);
        Ok(EmbedResponse {
            model: view.model.filled().unwrap_or_default().to_owned(),
            data,
            usage: tokens.map(|n| plain(n, 0)),
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
