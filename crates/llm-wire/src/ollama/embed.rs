//! `POST /api/embed`: `{model, input: [..], dimensions, truncate, keep_alive, options}` to `{embeddings: [[..]]}`.

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::{Error, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::{error, usage};
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::errors::invalid_reply;
use crate::openai::object::Obj;
use crate::openai::wire::{Count, List, Text, view};

const FORMAT: Format = Format::OllamaEmbed;

/// Fields of the request itself; others that nobody here knows are options.
const BESIDE: [&str; 5] = ["truncate", "keep_alive", "options", "extra_body", "extra_headers"];

/// The codec of embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct OllamaEmbed;

view!(lenient ReplyIn {
    model = "model": Text<'a>,
    embeddings = "embeddings": List<&'a RawValue>,
    prompt_eval_count = "prompt_eval_count": Count,
    error = "error": Option<&'a RawValue>,
});

impl UpstreamCodec<Embed> for OllamaEmbed {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("model", ctx.model);
        {
            let mut list = obj.arr("input");
            for input in &req.input {
                match input {
                    EmbedInput::Text(text) => list.str(text),
                    EmbedInput::Other(json) => list.text(json.get()),
                    EmbedInput::Tokens(_) => {
                        let what = "Ollama takes texts, no lists of tokens";
                        return Err(
                            Error::bad_request(format!("Invalid value for 'input': {what}")).with_param("input")
                        );
                    }
                }
            }
        }
        req.dimensions.into_iter().for_each(|d| obj.u64("dimensions", d));
        let beside = |key: &str| BESIDE.contains(&key);
        obj.extra(&req.extra, Format::OpenAiEmbeddings, beside);
        let given = req.extra.get("options").is_some();
        let more = req.extra.all().any(|(key, _)| !beside(key));
        if !given && (more || req.encoding_format.is_some() || req.user.is_some() || req.input_type.is_some()) {
            let mut options = obj.obj("options");
            options.opt_str("encoding_format", req.encoding_format.as_deref());
            options.opt_str("user", req.user.as_deref());
            options.opt_str("input_type", req.input_type.as_deref());
            options.extra(&req.extra, Format::OpenAiEmbeddings, |key| !beside(key));
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let Some(vectors) = view.embeddings.0 else {
            return Err(match view.error {
                Some(said) => error::instead(reply.provider, said.get()),
                None => invalid_reply(reply, "provider returned a response with no 'embeddings'"),
            });
        };
        let one = |(at, v): (usize, &&RawValue)| Embedding {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            vector: RawJson::borrowed(v),
        };
        Ok(EmbedResponse {
            model: view.model.filled().unwrap_or_default().to_owned(),
            data: vectors.iter().enumerate().map(one).collect(),
            usage: usage::report(view.prompt_eval_count, Count::default()),
            ..EmbedResponse::default()
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        error::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
