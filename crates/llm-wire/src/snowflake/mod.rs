//! Snowflake Cortex: embeddings, `POST /api/v2/cortex/inference:embed`. Its conversations are OpenAI's or Anthropic's.
//!
//! `{model, text}` gives `{data: [{embedding: [[..]]}], usage}`: every text has a list of one vector.
//! <https://docs.snowflake.com/en/developer-guide/snowflake-rest-api/reference/cortex-embed>

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Format, RawJson, Result};
use serde_json::value::RawValue;

use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::usage;
use crate::openai::wire::{Count, List, Text, view};

/// The codec of embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct SnowflakeEmbed;

view!(lenient ReplyIn {
    model = "model": Text<'a>,
    data = "data": List<VectorIn<'a>>,
    usage = "usage": Option<&'a RawValue>,
});

view!(lenient VectorIn {
    index = "index": Count,
    embedding = "embedding": List<&'a RawValue>,
});

impl UpstreamCodec<Embed> for SnowflakeEmbed {
    fn format(&self) -> Format {
        Format::SnowflakeEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let text = |input: &EmbedInput| match input {
            EmbedInput::Text(text) => Ok(text.clone()),
            _ => Err(Error::bad_request("Invalid value for 'input': expected texts").with_param("input")),
        };
        let texts: Result<Vec<String>> = req.input.iter().map(text).collect();
        let mut obj = Obj::open(out);
        match texts?.as_slice() {
            [one] if req.single => obj.str("text", one),
            many => {
                let mut list = obj.arr("text");
                many.iter().for_each(|t| list.str(t));
            }
        }
        obj.str("model", ctx.model);
        obj.opt_str("input_type", req.input_type.as_deref());
        obj.extra(&req.extra, Format::OpenAiEmbeddings, |_| true);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let data = view.data.0.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'data'"))?;
        let one = |(at, v): (usize, &VectorIn<'_>)| Embedding {
            index: v.index.0.and_then(|i| u32::try_from(i).ok()).or_else(|| u32::try_from(at).ok()).unwrap_or(0),
            vector: v.embedding.0.iter().flatten().next().map(|v| RawJson::borrowed(v)).unwrap_or_default(),
        };
        Ok(EmbedResponse {
            model: view.model.filled().unwrap_or_default().to_owned(),
            data: data.iter().enumerate().map(one).collect(),
            usage: view.usage.map(|raw| usage::decode(raw, Format::OpenAiEmbeddings)),
            ..EmbedResponse::default()
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
