//! NVIDIA Triton: <https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md>.
//!
//! `{text_input, parameters, stream}` gives `{text_output}`, streams are SSE of the same. Addresses that end in `/infer`
//! take tensors instead, see [`as_tensors`], and answer `{outputs: [{data}]}`; so do embeddings.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::embed::{EmbedRequest, EmbedResponse, Embedding};
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Field, FieldSet, Format, Json, Kind, RawJson, Result};
use serde_json::Number;
use serde_json::value::RawValue;

use super::lines::{Ends, Lines, Piece, unreadable};
use super::{answer, failed, stop, texts, write_apart, write_rest};
use crate::codec::{Embed, EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::chat;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{Count, List, Text, view};
use crate::prompt;

const NAMED: FieldSet = FieldSet::of(&[Field::MaxTokens, Field::MaxCompletionTokens]);

/// Bound of an answer when nobody names one.
const LONGEST: u64 = 2000;
/// The same where tensors are asked for.
const LONGEST_TENSOR: u64 = 20;

/// Fields of the request itself.
const BESIDE: [&str; 2] = ["bad_words", "stop_words"];

/// Generation, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct TritonGenerate;

/// Embeddings, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct TritonEmbed;

impl UpstreamCodec<Generate> for TritonGenerate {
    fn format(&self) -> Format {
        Format::TritonGenerate
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("text_input", &prompt::of(req, ctx.model));
        {
            let mut parameters = obj.obj("parameters");
            match &req.max_output_tokens {
                Some(max) => parameters.number("max_tokens", Some(max)),
                None => parameters.u64("max_tokens", LONGEST),
            }
            let mut rest = req.clone();
            BESIDE.iter().for_each(|key| drop(rest.extra.remove(key)));
            write_rest(&rest, NAMED, ctx, &mut parameters);
        }
        obj.bool("stream", req.stream);
        chat::write_extras(req, |key| BESIDE.contains(&key), &mut obj);
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        if let Some(said) = view.error.filled() {
            return Err(failed(Kind::Api, reply.provider, said));
        }
        let tensor = || view.outputs.0.as_ref()?.first()?.text();
        let text = view.text_output.0.as_deref().map(str::to_owned).or_else(tensor);
        let text = text.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'text_output'"))?;
        Ok(answer(&text, stop(), None))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Lines::new(read, Ends::Openly, ctx)))
    }
}

view!(lenient ReplyIn {
    text_output = "text_output": Text<'a>,
    outputs = "outputs": List<TensorIn<'a>>,
    error = "error": Text<'a>,
});

view!(lenient TensorIn {
    shape = "shape": List<Count>,
    data = "data": List<&'a RawValue>,
});

impl TensorIn<'_> {
    /// The texts of the tensor, joined.
    fn text(&self) -> Option<String> {
        Some(self.data.0.as_ref()?.iter().filter_map(|v| llm_types::json::raw_str(v.get())).collect())
    }

    /// The rows of a matrix; a list of numbers is one row.
    fn rows(&self) -> Vec<RawJson> {
        let data = self.data.0.as_deref().unwrap_or_default();
        let width = self.shape.0.as_deref().and_then(|s| s.get(1)?.0).and_then(|w| usize::try_from(w).ok());
        let width = width.filter(|w| *w > 0).unwrap_or(data.len().max(1));
        let row = |row: &[&RawValue]| {
            let mut out = BytesMut::new();
            {
                let mut list = Arr::open(&mut out);
                row.iter().for_each(|v| list.text(v.get()));
            }
            RawJson::parse(String::from_utf8_lossy(&out).into_owned()).unwrap_or_default()
        };
        data.chunks(width).map(row).collect()
    }
}

fn read<'a>(data: &'a [u8], provider: &str) -> Result<Piece<'a>, Error> {
    let line: ReplyIn<'_> = serde_json::from_slice(data).map_err(|e| unreadable(provider, &e))?;
    match line.error.filled() {
        Some(said) => Err(failed(Kind::Api, provider, said)),
        None => Ok(Piece { text: line.text_output.0.unwrap_or_default(), ..Piece::default() }),
    }
}

/// A request of [`TritonGenerate`] as tensors: the prompt, the bound of the answer, and one for each parameter.
///
/// # Errors
/// `Internal` when the body is not such a request.
pub fn as_tensors(body: &[u8]) -> Result<Bytes> {
    let tree: Json = serde_json::from_slice(body).map_err(|e| Error::internal(e.to_string()))?;
    let mut out = BytesMut::with_capacity(body.len() + 256);
    {
        let mut obj = Obj::open(&mut out);
        let mut list = obj.arr("inputs");
        tensor("text_input", tree.get("text_input").unwrap_or(&Json::Null), &mut list);
        let parameters = tree.get("parameters").and_then(Json::as_object).unwrap_or_default();
        // the bound that nobody named is another one here
        let named = |max: &Json| max.as_i64() != Some(2000);
        let max = parameters.iter().find(|(k, _)| k == "max_tokens").map(|(_, v)| v.clone()).filter(named);
        tensor("max_tokens", &max.unwrap_or(Json::from(LONGEST_TENSOR)), &mut list);
        parameters.iter().filter(|(k, _)| k != "max_tokens").for_each(|(k, v)| tensor(k, v, &mut list));
    }
    Ok(out.freeze())
}

fn tensor(name: &str, value: &Json, list: &mut Arr<'_>) {
    let kind = match value {
        Json::Number(n) if n.is_i64() || n.is_u64() => "INT32",
        Json::Number(_) => "FP32",
        Json::Bool(_) => "BOOL",
        _ => "BYTES",
    };
    let mut obj = list.obj();
    obj.str("name", name);
    obj.text("shape", "[1]");
    obj.str("datatype", kind);
    obj.arr("data").item().put_slice(value.to_string().as_bytes());
}

impl UpstreamCodec<Embed> for TritonEmbed {
    fn format(&self) -> Format {
        Format::TritonEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, _: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let texts = texts(req)?;
        let mut obj = Obj::open(out);
        let mut inputs = obj.arr("inputs");
        let mut input = inputs.obj();
        input.str("name", "input_text");
        input.arr("shape").text(&Number::from(texts.len()).to_string());
        input.str("datatype", "BYTES");
        let mut data = input.arr("data");
        texts.iter().for_each(|t| data.str(t));
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let outputs = view.outputs.0.ok_or_else(|| invalid_reply(reply, "provider returned no 'outputs'"))?;
        let rows = outputs.iter().flat_map(TensorIn::rows).enumerate();
        let one = |(at, vector)| Embedding { index: u32::try_from(at).unwrap_or(u32::MAX), vector };
        Ok(EmbedResponse { data: rows.map(one).collect(), ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_tensors() {
        let body = br#"{"text_input":"Hi","parameters":{"max_tokens":2000,"temperature":0.5,"seed":1,"x":"y"},"stream":false}"#;
        let tensors = as_tensors(body).unwrap();
        let expected = concat!(
            r#"{"inputs":[{"name":"text_input","shape":[1],"datatype":"BYTES","data":["Hi"]},"#,
            r#"{"name":"max_tokens","shape":[1],"datatype":"INT32","data":[20]},"#,
            r#"{"name":"temperature","shape":[1],"datatype":"FP32","data":[0.5]},"#,
            r#"{"name":"seed","shape":[1],"datatype":"INT32","data":[1]},"#,
            r#"{"name":"x","shape":[1],"datatype":"BYTES","data":["y"]}]}"#,
        );
        assert_eq!(std::str::from_utf8(&tensors).unwrap(), expected);
    }
}
