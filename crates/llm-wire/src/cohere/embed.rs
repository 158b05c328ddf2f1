//! `POST /v1/embed` and `/v2/embed`: `{model, texts | images, input_type, embedding_types, output_dimension}` to
//! vectors, one list of them per type in the second version, a bare list in the first.

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, RawJson, Result, Usage, UsageSource};
use serde_json::value::RawValue;

use super::error;
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::wire::{Count, Text, view};
use crate::top::Top;

const FORMAT: Format = Format::CohereEmbed;

/// What vectors are for, when nobody says.
const PURPOSE: &str = "search_document";

/// The codec of embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct CohereEmbed;

impl UpstreamCodec<Embed> for CohereEmbed {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let texts: Result<Vec<&str>> = req.input.iter().map(text).collect();
        let texts = texts?;
        let images = texts.iter().any(|t| t.starts_with("data:image/"));
        let mut obj = Obj::open(out);
        obj.str("model", ctx.model);
        {
            let mut list = obj.arr(if images { "images" } else { "texts" });
            texts.iter().for_each(|t| list.str(t));
        }
        let purpose = if images { "image" } else { req.input_type.as_deref().unwrap_or(PURPOSE) };
        obj.str("input_type", purpose);
        if let Some(kind) = &req.encoding_format {
            obj.arr("embedding_types").str(kind);
        }
        req.dimensions.into_iter().for_each(|d| obj.u64("output_dimension", d));
        obj.opt_str("user", req.user.as_deref());
        obj.extra(&req.extra, Format::OpenAiEmbeddings, |_| true);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let raw = view.embeddings.map(RawValue::get);
        let data = raw.and_then(vectors);
        let data = data.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'embeddings'"))?;
        Ok(EmbedResponse { data, usage: usage(&view.meta.billed), ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

view!(lenient ReplyIn {
    embeddings = "embeddings": Option<&'a RawValue>,
    meta = "meta": MetaIn<'a>,
});

view!(lenient MetaIn {
    billed = "billed_units": UnitsIn<'a>,
    version = "api_version": Text<'a>,
});

view!(lenient UnitsIn {
    input = "input_tokens": Count,
    images = "images": Count,
});

fn text(input: &EmbedInput) -> Result<&str> {
    match input {
        EmbedInput::Text(text) => Ok(text),
        _ => {
            let what = "Cohere takes texts and images (data URLs), no lists of tokens";
            Err(Error::bad_request(format!("Invalid value for 'input': {what}")).with_param("input"))
        }
    }
}

/// The vectors of a bare list, or of every type, one type after the other.
fn vectors(raw: &str) -> Option<Vec<Embedding>> {
    let list = |raw: &str| -> Option<Vec<Embedding>> {
        let list: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
        let one = |(at, v): (usize, &&RawValue)| Embedding {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            vector: RawJson::borrowed(v),
        };
        Some(list.iter().enumerate().map(one).collect())
    };
    if raw.starts_with('[') {
        return list(raw);
    }
    let types: Top<'_> = serde_json::from_str(raw).ok()?;
    Some(types.iter().filter_map(|(_, raw)| list(raw)).flatten().collect())
}

fn usage(units: &UnitsIn<'_>) -> Option<UsageReport> {
    units.input.0.or(units.images.0)?;
    let (text, images) = (units.input.0.unwrap_or(0), units.images.0.unwrap_or(0));
    let total = text.saturating_add(images);
    let mut out = BytesMut::new();
    {
        let mut obj = Obj::open(&mut out);
        obj.u64("prompt_tokens", total);
        obj.u64("total_tokens", total);
        let mut details = obj.obj("prompt_tokens_details");
        units.input.0.into_iter().for_each(|n| details.u64("text_tokens", n));
        units.images.0.into_iter().for_each(|n| details.u64("image_tokens", n));
    }
    let usage = Usage { input_text: text, input_image: images, source: UsageSource::Reported, ..Usage::default() };
    let raw = RawJson::parse(String::from_utf8_lossy(&out).into_owned()).ok();
    Some(UsageReport { usage, raw: raw.map(|raw| (Format::OpenAiEmbeddings, raw)) })
}
