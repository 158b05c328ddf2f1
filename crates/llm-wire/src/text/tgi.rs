//! Hugging Face's text generation inference: <https://huggingface.github.io/text-generation-inference>.
//!
//! `{inputs, parameters: {max_new_tokens, temperature, top_p, best_of, stop, details, return_full_text}, stream}` gives
//! `[{generated_text, details}]`; streams are SSE of `{token: {text, special}, generated_text, details}`.

use std::borrow::Cow;

use bytes::BytesMut;
use llm_types::generate::{Finish, FinishReason, GenerateRequest, GenerateResponse, UsageReport};
use llm_types::{Error, Field, FieldSet, Format, Kind, Result};
use serde_json::Number;
use serde_json::value::RawValue;

use super::lines::{Ends, Lines, Piece, unreadable};
use super::{answer, failed, write_apart, write_rest};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::chat;
use crate::openai::errors::{invalid_reply, kind_of, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::usage::plain;
use crate::openai::wire::{Count, List, Text, view};
use crate::prompt;

const FORMAT: Format = Format::TgiGenerate;

/// Texts that models of this kind write around their turns: not for clients.
const MARKS: [&str; 5] = ["<|assistant|>", "<|system|>", "<|user|>", "<s>", "</s>"];

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::N,
    Field::Stop,
]);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct Tgi;

/// Zero is no temperature to these hosts.
pub(super) fn temperature(given: Option<&Number>) -> Option<Number> {
    let given = given?;
    if given.as_f64() == Some(0.0) { Number::from_f64(0.01) } else { Some(given.clone()) }
}

impl UpstreamCodec<Generate> for Tgi {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut obj = Obj::open(out);
        obj.str("inputs", &prompt::of(req, ctx.model));
        {
            let mut parameters = obj.obj("parameters");
            parameters.number("temperature", temperature(req.sampling.temperature.as_ref()).as_ref());
            parameters.number("top_p", req.sampling.top_p.as_ref());
            if let Some(n) = req.sampling.n {
                parameters.u64("best_of", n);
                parameters.bool("do_sample", true);
            }
            chat::write_stop(req, "stop", &mut parameters);
            parameters.number("max_new_tokens", req.max_output_tokens.as_ref());
            parameters.bool("details", true);
            parameters.bool("return_full_text", false);
            write_rest(req, NAMED, ctx, &mut parameters);
        }
        obj.bool("stream", req.stream);
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let first = first(reply)?;
        if let Some(said) = first.error.filled() {
            return Err(failed(Kind::Api, reply.provider, said));
        }
        let text = first.generated_text.0.as_deref();
        let text = text.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'generated_text'"))?;
        Ok(answer(&unmarked(text), finish(&first.details), usage(&first.details)))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        decode_error(reply)
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Lines::new(read, Ends::Marked, ctx)))
    }
}

view!(lenient ReplyIn {
    generated_text = "generated_text": Text<'a>,
    details = "details": DetailsIn<'a>,
    token = "token": TokenIn<'a>,
    error = "error": Text<'a>,
});

view!(lenient DetailsIn {
    finish_reason = "finish_reason": Text<'a>,
    generated_tokens = "generated_tokens": Count,
    prefill = "prefill": List<&'a RawValue>,
    input_length = "input_length": Count,
});

view!(lenient TokenIn {
    text = "text": Text<'a>,
    special = "special": Option<bool>,
});

/// The answer, or the first of several.
fn first<'a>(reply: &'a ReplyView<'_>) -> Result<ReplyIn<'a>> {
    let bad = |e: serde_json::Error| invalid_reply(reply, &e.to_string());
    if reply.body.trim_ascii_start().starts_with(b"[") {
        let list: Vec<ReplyIn<'_>> = serde_json::from_slice(reply.body).map_err(bad)?;
        return list.into_iter().next().ok_or_else(|| invalid_reply(reply, "an empty list"));
    }
    serde_json::from_slice(reply.body).map_err(bad)
}

fn unmarked(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for mark in MARKS {
        if text.contains(mark) {
            text = Cow::Owned(text.replace(mark, ""));
        }
    }
    text
}

fn finish(details: &DetailsIn<'_>) -> Finish {
    let word = details.finish_reason.filled();
    let reason = match word {
        Some("length") => FinishReason::Length,
        Some("stop_sequence") => FinishReason::StopSequence,
        _ => FinishReason::Stop,
    };
    Finish { raw: word.map(|w| (FORMAT, w.to_owned())), ..Finish::new(reason) }
}

/// The prompt is counted by its tokens, where the host lists them.
fn usage(details: &DetailsIn<'_>) -> Option<UsageReport> {
    let prefill = details.prefill.0.as_ref().map(|p| p.len() as u64).filter(|n| *n > 0);
    let input = details.input_length.0.or(prefill)?;
    Some(plain(input, details.generated_tokens.0?))
}

fn read<'a>(data: &'a [u8], provider: &str) -> Result<Piece<'a>, Error> {
    let line: ReplyIn<'_> = serde_json::from_slice(data).map_err(|e| unreadable(provider, &e))?;
    if let Some(said) = line.error.filled() {
        return Err(failed(Kind::Api, provider, said));
    }
    let ended = line.details.finish_reason.filled().is_some() || line.generated_text.0.is_some();
    let special = line.token.special == Some(true);
    let text = line.token.text.0.filter(|_| !special).unwrap_or_default();
    let text = if MARKS.contains(&text.trim()) { Cow::Borrowed("") } else { text };
    Ok(Piece {
        text,
        finish: ended.then(|| finish(&line.details)),
        usage: if ended { usage(&line.details) } else { None },
    })
}

/// `{"error": "..."}`; what the text says goes before the status.
fn decode_error(reply: &ReplyView<'_>) -> Error {
    let text = String::from_utf8_lossy(reply.body);
    let kind = if text.contains("length limit exceeded") {
        Kind::ContextWindow
    } else if text.contains("A valid user token is required") {
        Kind::BadRequest
    } else if text.contains("Rate limit reached") {
        Kind::RateLimit
    } else {
        match kind_of(reply.status, &text) {
            Kind::ContextWindow => Kind::ContextWindow,
            _ => of_status(reply.status),
        }
    };
    dialect::error(reply, kind, &provider_name(reply.provider))
}
