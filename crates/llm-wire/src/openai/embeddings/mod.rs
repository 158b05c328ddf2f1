//! Embeddings, `POST /v1/embeddings`. Vectors are carried as the upstream wrote them, numbers or base64.

use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::generate::UsageReport;
use llm_types::json::raw_str;
use llm_types::{Error, Extra, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::object::{Arr, Obj, write_u64};
use super::wire::{Count, List, Rest, Str, Text, view};
use super::{errors, usage};
use crate::codec::{
    ClientCodec, Embed, EncodeContext, ReplyContext, ReplyView, RequestView, StreamDecoder, StreamEncoder,
    StreamErrors, UpstreamCodec,
};
use crate::top::Top;

const FORMAT: Format = Format::OpenAiEmbeddings;

/// The codec of embeddings, both faces.
#[derive(Debug, Clone, Copy)]
pub struct Embeddings;

view!(strict RequestIn {
    model = "model": Option<Str<'a>>,
    input = "input": Option<&'a RawValue>,
    encoding_format = "encoding_format": Option<Str<'a>>,
    dimensions = "dimensions": Option<u64>,
    user = "user": Option<Str<'a>>,
    input_type = "input_type": Option<Str<'a>>,
});

view!(lenient ReplyIn {
    object = "object": Text<'a>,
    model = "model": Text<'a>,
    data = "data": List<VectorIn<'a>>,
    usage = "usage": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
});

view!(lenient VectorIn {
    index = "index": Count,
    embedding = "embedding": Option<&'a RawValue>,
    data = "data": List<VectorIn<'a>>,
});

fn extra(rest: Rest<'_>) -> Extra {
    let mut extra = Extra::new(FORMAT);
    rest.into_iter().for_each(|(key, value)| extra.push(FORMAT, key.into_owned(), RawJson::borrowed(value)));
    extra
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::bad_request(format!("Invalid value for '{field}': {problem}")).with_param(field)
}

fn decode_request(body: &[u8]) -> Result<EmbedRequest> {
    let view: RequestIn<'_> = match serde_json::from_slice(body) {
        Ok(view) => view,
        Err(e) => {
            let top = Top::parse(body)?;
            let bad = |raw: &str, key: &str| {
                serde_json::from_str::<RequestIn<'_>>(&format!("{{{}:{raw}}}", RawJson::string(key).get())).is_err()
            };
            let field = top.iter().find(|(key, raw)| bad(raw, key)).map_or("request_body", |(key, _)| key);
            return Err(invalid(field, &e.to_string()));
        }
    };
    let input =
        view.input.ok_or_else(|| Error::bad_request("Missing required parameter: 'input'.").with_param("input"))?;
    let (input, single) = inputs(input)?;
    let text = |s: Option<Str<'_>>| s.map(|s| s.0.into_owned());
    Ok(EmbedRequest {
        model: text(view.model).unwrap_or_default(),
        input,
        single,
        encoding_format: text(view.encoding_format),
        dimensions: view.dimensions,
        user: text(view.user),
        input_type: text(view.input_type),
        extra: extra(view.rest),
    })
}

/// A text, tokens, or a list of either. A bare list of numbers is one input of tokens.
fn inputs(raw: &RawValue) -> Result<(Vec<EmbedInput>, bool)> {
    let one = |raw: &RawValue| {
        if let Some(text) = raw_str(raw.get()) {
            return EmbedInput::Text(text.into_owned());
        }
        serde_json::from_str(raw.get()).map_or_else(|_| EmbedInput::Other(RawJson::borrowed(raw)), EmbedInput::Tokens)
    };
    match one(raw) {
        EmbedInput::Tokens(tokens) if tokens.is_empty() => Ok((Vec::new(), false)),
        EmbedInput::Other(other) => match other.read::<Vec<&RawValue>>() {
            Ok(list) => Ok((list.into_iter().map(one).collect(), false)),
            Err(_) if other.get().starts_with('{') => Ok((vec![EmbedInput::Other(other)], true)),
            Err(_) => Err(invalid("input", "expected a string, a list of strings or lists of tokens")),
        },
        input => Ok((vec![input], true)),
    }
}

impl ClientCodec<Embed> for Embeddings {
    fn format(&self) -> Format {
        FORMAT
    }

    fn decode_request(&self, req: &RequestView<'_>) -> Result<EmbedRequest> {
        decode_request(req.body)
    }

    fn encode_response(&self, resp: &EmbedResponse, ctx: &ReplyContext, out: &mut BytesMut) {
        let mut obj = Obj::open(out);
        obj.str("object", "list");
        let mut list = obj.arr("data");
        for vector in &resp.data {
            let mut item = list.obj();
            item.str("object", "embedding");
            item.u64("index", vector.index.into());
            item.raw("embedding", Some(&vector.vector));
        }
        drop(list);
        obj.str("model", ctx.model.as_deref().unwrap_or(&resp.model));
        let report = resp.usage.clone().unwrap_or_default();
        write_usage(&report, &mut obj);
        obj.extra(&resp.extra, FORMAT, |_| true);
    }

    fn encode_error(&self, err: &Error, out: &mut BytesMut) {
        errors::encode(err, out);
    }

    fn stream_encoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamEncoder>> {
        None
    }
}

/// Always the three totals, as LiteLLM writes them; an upstream's own words besides.
fn write_usage(report: &UsageReport, obj: &mut Obj<'_>) {
    let mut out = obj.obj("usage");
    out.u64("prompt_tokens", report.usage.total_input());
    out.u64("completion_tokens", report.usage.total_output());
    out.u64("total_tokens", report.usage.total_tokens());
    if let Some((FORMAT, raw)) = &report.raw
        && let Ok(top) = raw.read::<Top<'_>>()
    {
        for (key, value) in
            top.iter().filter(|(k, _)| !matches!(*k, "prompt_tokens" | "completion_tokens" | "total_tokens"))
        {
            out.any_key(key).extend_from_slice(value.as_bytes());
        }
    }
}

impl UpstreamCodec<Embed> for Embeddings {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("model", ctx.model);
        match req.input.as_slice() {
            [one] if req.single => write_input(one, obj.key("input")),
            many => {
                let mut list = obj.arr("input");
                many.iter().for_each(|i| write_input(i, list.item()));
            }
        }
        obj.opt_str("encoding_format", req.encoding_format.as_deref());
        if let Some(dimensions) = req.dimensions {
            obj.u64("dimensions", dimensions);
        }
        obj.opt_str("user", req.user.as_deref());
        obj.opt_str("input_type", req.input_type.as_deref());
        obj.extra(&req.extra, FORMAT, |_| true);
        if req.extra.format() != Some(FORMAT) {
            ctx.lost.extend(req.extra.all().map(|(key, _)| key.to_owned()));
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let Some(data) = view.data.0 else {
            return Err(match view.error {
                Some(error) => errors::decode_in_stream(error.get(), reply.provider, StreamErrors::ByCode),
                None => errors::invalid_reply(reply, "provider returned a response with no 'data'"),
            });
        };
        Ok(EmbedResponse {
            model: view.model.0.unwrap_or_default().into_owned(),
            data: vectors(data),
            usage: view.usage.map(counted),
            extra: extra(view.rest),
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        errors::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}

/// The vectors, in order. Passages of documents come as a list for each document (Voyage); clients get one list.
fn vectors(data: Vec<VectorIn<'_>>) -> Vec<Embedding> {
    let at = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let vector =
        |index, v: Option<&RawValue>| Embedding { index, vector: v.map(RawJson::borrowed).unwrap_or_default() };
    let mut out = Vec::with_capacity(data.len());
    for item in data {
        let next = at(out.len());
        match item.data.0 {
            Some(inner) if item.embedding.is_none() => {
                inner.into_iter().for_each(|v| out.push(vector(at(out.len()), v.embedding)));
            }
            _ => out.push(vector(item.index.0.and_then(|i| u32::try_from(i).ok()).unwrap_or(next), item.embedding)),
        }
    }
    out
}

/// The usage. Where only the total is told (Voyage), all of it went in.
fn counted(raw: &RawValue) -> UsageReport {
    let mut report = usage::decode(raw, FORMAT);
    report.usage.input_text = report.usage.input_text.saturating_add(std::mem::take(&mut report.usage.unsplit));
    report
}

fn write_input(input: &EmbedInput, out: &mut BytesMut) {
    match input {
        EmbedInput::Text(text) => crate::top::write_str(text, out),
        EmbedInput::Tokens(tokens) => {
            let mut list = Arr::open(out);
            tokens.iter().for_each(|t| write_u64((*t).into(), list.item()));
        }
        EmbedInput::Other(json) => out.extend_from_slice(json.get().as_bytes()),
    }
}
