//! `models/{model}:predict` of Vertex AI for vectors: texts (`content`), and texts, pictures and films of the multimodal
//! model. <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, RawJson, Result, Usage, UsageSource};
use serde_json::value::RawValue;

use super::error;
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{Count, List, view};

const FORMAT: Format = Format::VertexEmbed;

/// Parameters of Google's own that callers may name.
const PARAMETERS: [(&str, &str); 3] = [
    ("auto_truncate", "autoTruncate"),
    ("autoTruncate", "autoTruncate"),
    ("outputDimensionality", "outputDimensionality"),
];

/// The codec of Vertex AI's embeddings, towards the upstream.
#[derive(Debug, Clone, Copy)]
pub struct VertexEmbed;

view!(lenient ReplyIn {
    predictions = "predictions": List<&'a RawValue>,
});

view!(lenient PredictionIn {
    embeddings = "embeddings": Option<VectorIn<'a>>,
    text = "textEmbedding": Option<&'a RawValue>,
    image = "imageEmbedding": Option<&'a RawValue>,
    videos = "videoEmbeddings": List<VideoIn<'a>>,
});

view!(lenient VectorIn {
    values = "values": Option<&'a RawValue>,
    statistics = "statistics": StatisticsIn<'a>,
});

view!(lenient StatisticsIn {
    tokens = "token_count": Count,
});

view!(lenient VideoIn {
    embedding = "embedding": Option<&'a RawValue>,
});

impl UpstreamCodec<Embed> for VertexEmbed {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut body = Obj::open(out);
        let mut list = body.arr("instances");
        if ctx.model.contains("multimodalembedding") {
            req.input.iter().try_for_each(|input| multimodal(input, &mut list))?;
            drop(list);
            let mut parameters = body.obj("parameters");
            if let Some(dimensions) = req.dimensions {
                parameters.u64("dimension", dimensions);
            }
            return Ok(());
        }
        let purpose = purpose(req);
        let title = req.extra.get("title").and_then(RawJson::as_str);
        for input in &req.input {
            let EmbedInput::Text(text) = input else { return Err(wrong()) };
            let mut instance = list.obj();
            // bge models read a prompt
            instance.str(if ctx.model.contains("bge") { "prompt" } else { "content" }, text);
            instance.opt_str("task_type", purpose.as_deref());
            instance.opt_str("title", title.as_deref());
        }
        drop(list);
        parameters(req, purpose.as_deref(), &mut body.obj("parameters"));
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| error::unreadable(reply, &e.to_string()))?;
        let list = view.predictions.0;
        let list = list.ok_or_else(|| error::unreadable(reply, "predictions not found in the response"))?;
        let mut data = Vec::with_capacity(list.len());
        let mut tokens = None;
        for raw in list {
            let prediction: PredictionIn<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            let mut add = |vector: Option<&RawValue>| {
                if let Some(vector) = vector {
                    let index = u32::try_from(data.len()).unwrap_or(u32::MAX);
                    data.push(Embedding { index, vector: RawJson::borrowed(vector) });
                }
            };
            if raw.get().starts_with('[') {
                // bge models answer bare vectors
                add(Some(raw));
                continue;
            }
            if let Some(vector) = prediction.embeddings {
                add(vector.values);
                tokens = Some(tokens.unwrap_or(0) + vector.statistics.tokens.0.unwrap_or(0));
            }
            add(prediction.text);
            add(prediction.image);
            prediction.videos.0.unwrap_or_default().into_iter().for_each(|v| add(v.embedding));
        }
        let usage = tokens.map(|n| UsageReport {
            usage: Usage { input_text: n, source: UsageSource::Reported, ..Usage::default() },
            raw: None,
        });
        Ok(EmbedResponse { data, usage, ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

fn wrong() -> Error {
    Error::bad_request("Invalid value for 'input': expected texts").with_param("input")
}

fn purpose(req: &EmbedRequest) -> Option<String> {
    let own = req.extra.get("task_type").and_then(|t| t.as_str().map(String::from));
    own.or_else(|| req.input_type.clone())
}

/// The purpose stands here once more, under both its names, as LiteLLM writes it.
fn parameters(req: &EmbedRequest, purpose: Option<&str>, out: &mut Obj<'_>) {
    if let Some(dimensions) = req.dimensions {
        out.u64("outputDimensionality", dimensions);
    }
    PARAMETERS.iter().for_each(|(name, key)| out.raw(key, req.extra.get(name)));
    out.opt_str("task_type", purpose);
    out.opt_str("input_type", req.input_type.as_deref());
}

/// Writes an instance of the multimodal model: an object as it came, an address, bytes of a picture, or a text.
fn multimodal(input: &EmbedInput, list: &mut Arr<'_>) -> Result<()> {
    let text = match input {
        EmbedInput::Text(text) => text,
        EmbedInput::Other(raw) if raw.get().starts_with('{') => {
            list.text(raw.get());
            return Ok(());
        }
        _ => return Err(wrong()),
    };
    let mut instance = list.obj();
    let path = text.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let film = [".mp4", ".mov", ".avi", ".mkv", ".webm"].iter().any(|e| path.ends_with(e));
    if text.starts_with("gs://") {
        let key = if film { "video" } else { "image" };
        instance.obj(key).str("gcsUri", text);
    } else if let Some((_, data)) = text.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,")) {
        instance.obj("image").str("bytesBase64Encoded", data);
    } else {
        instance.str("text", text);
    }
    Ok(())
}
