//! Hugging Face's feature extraction: `{inputs: [text]}` gives `[[number]]`, or a matrix of tokens for every text, of
//! which the first row stands for the whole.
//! <https://huggingface.co/docs/inference-providers/tasks/feature-extraction>

use bytes::BytesMut;
use llm_types::embed::{EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::texts;
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;

/// Fields that say how the host works, not what it is asked.
const OPTIONS: [&str; 2] = ["wait_for_model", "use_cache"];

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct TeiEmbed;

impl UpstreamCodec<Embed> for TeiEmbed {
    fn format(&self) -> Format {
        Format::TeiEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, _: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let texts = texts(req)?;
        let mut obj = Obj::open(out);
        {
            let mut list = obj.arr("inputs");
            texts.iter().for_each(|t| list.str(t));
        }
        if OPTIONS.iter().any(|key| req.extra.get(key).is_some()) {
            let mut options = obj.obj("options");
            options.extra(&req.extra, Format::OpenAiEmbeddings, |key| OPTIONS.contains(&key));
        }
        obj.extra(&req.extra, Format::OpenAiEmbeddings, |key| !OPTIONS.contains(&key));
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let unread = |text: &str| invalid_reply(reply, text);
        let rows: Vec<&RawValue> = serde_json::from_slice(reply.body).map_err(|e| unread(&e.to_string()))?;
        let mut data = Vec::with_capacity(rows.len());
        for (at, row) in rows.into_iter().enumerate() {
            let vector = first_row(row).ok_or_else(|| unread("provider returned a vector that is no list"))?;
            data.push(Embedding { index: u32::try_from(at).unwrap_or(u32::MAX), vector: RawJson::borrowed(vector) });
        }
        Ok(EmbedResponse { data, ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

/// The list of numbers that a list begins with, however deep.
fn first_row(mut row: &RawValue) -> Option<&RawValue> {
    loop {
        let inner: Vec<&RawValue> = serde_json::from_str(row.get()).ok()?;
        match inner.into_iter().next().filter(|first| first.get().starts_with('[')) {
            Some(first) => row = first,
            None => return Some(row),
        }
    }
}
