//! `models/{model}:batchEmbedContents` of AI Studio: texts, and media where the model sees them, to vectors.
//! <https://ai.google.dev/api/embeddings>

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Extra, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::media::Blob;
use super::part_decode::blob;
use super::{error, usage};
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{List, view};

const FORMAT: Format = Format::GeminiEmbed;

/// The codec of AI Studio's embeddings, towards the upstream.
#[derive(Debug, Clone, Copy)]
pub struct GeminiEmbed;

view!(lenient ReplyIn {
    embeddings = "embeddings": List<VectorIn<'a>>,
    embedding = "embedding": Option<VectorIn<'a>>,
    usage = "usageMetadata": Option<&'a RawValue>,
});

view!(lenient VectorIn {
    values = "values": Option<&'a RawValue>,
});

impl UpstreamCodec<Embed> for GeminiEmbed {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let model = format!("models/{}", ctx.model.strip_prefix("models/").unwrap_or(ctx.model));
        let mut body = Obj::open(out);
        let mut list = body.arr("requests");
        for input in &req.input {
            let mut request = list.obj();
            request.str("model", &model);
            parts(input, &mut request.obj("content").arr("parts"))?;
            options(req, &mut request);
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| error::unreadable(reply, &e.to_string()))?;
        let list = view.embeddings.0.or_else(|| view.embedding.map(|one| vec![one]));
        let list = list.ok_or_else(|| error::unreadable(reply, "embeddings not found in the response"))?;
        let data = list
            .iter()
            .enumerate()
            .map(|(at, v)| Embedding {
                index: u32::try_from(at).unwrap_or(u32::MAX),
                vector: v.values.map(RawJson::borrowed).unwrap_or_default(),
            })
            .collect();
        let counted = view.usage.map(|u| usage::decode(u.get(), usage::Grounding::default()));
        Ok(EmbedResponse { data, usage: counted, ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

/// Length and purpose of the vectors, and the title of a document.
fn options(req: &EmbedRequest, request: &mut Obj<'_>) {
    if let Some(dimensions) = req.dimensions {
        request.u64("outputDimensionality", dimensions);
    }
    let text = |name: &str| req.extra.get(name).and_then(|t| t.as_str().map(String::from));
    let purpose = text("task_type").or_else(|| text("taskType"));
    request.opt_str("taskType", purpose.as_deref().or(req.input_type.as_deref()));
    request.opt_str("title", text("title").as_deref());
}

/// Writes what makes up one vector: a list of inputs is one content of several parts.
fn parts(input: &EmbedInput, list: &mut Arr<'_>) -> Result<()> {
    match input {
        EmbedInput::Text(text) => part(text, list),
        EmbedInput::Other(raw) => match raw.read::<Vec<String>>() {
            Ok(texts) => texts.iter().try_for_each(|text| part(text, list)),
            Err(_) => Err(wrong()),
        },
        EmbedInput::Tokens(_) => Err(wrong()),
    }
}

fn wrong() -> Error {
    Error::bad_request("Invalid value for 'input': expected texts, data URLs or addresses of files").with_param("input")
}

/// Writes a part: a data URL, an address in Google's storage, the name of an uploaded file, or a text.
fn part(text: &str, list: &mut Arr<'_>) -> Result<()> {
    let media = text.starts_with("data:") || text.starts_with("gs://") || text.starts_with("files/");
    if !media {
        list.obj().str("text", text);
        return Ok(());
    }
    let (source, media_type) = crate::openai::chat::locate(text.to_owned());
    let kind = blob(source, media_type);
    let Some(blob) = Blob::of(&kind) else { return Ok(()) };
    blob.check()?;
    blob.write(false, &Extra::default(), &mut list.obj());
    Ok(())
}
