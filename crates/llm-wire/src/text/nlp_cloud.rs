//! NLP Cloud: `{text, max_length, ..}` to `{generated_text, nb_input_tokens, nb_generated_tokens}`; streams are bare text.

use bytes::BytesMut;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::{Error, Field, FieldSet, Format, Kind, Result};

use super::bare::Bare;
use super::{answer, stop, write_apart, write_rest};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::framing::Framing;
use crate::openai::chat;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::usage::plain;
use crate::openai::wire::{Count, Text, view};
use crate::prompt;

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::PresencePenalty,
    Field::FrequencyPenalty,
    Field::N,
    Field::Stop,
]);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct NlpCloud;

view!(lenient ReplyIn {
    generated_text = "generated_text": Text<'a>,
    input = "nb_input_tokens": Count,
    output = "nb_generated_tokens": Count,
});

impl UpstreamCodec<Generate> for NlpCloud {
    fn format(&self) -> Format {
        Format::NlpCloud
    }

    fn framing(&self) -> Framing {
        Framing::Text
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let (s, mut obj) = (&req.sampling, Obj::open(out));
        obj.str("text", &prompt::of(req, ctx.model));
        obj.number("temperature", s.temperature.as_ref());
        obj.number("top_p", s.top_p.as_ref());
        s.n.into_iter().for_each(|n| obj.u64("num_return_sequences", n));
        obj.bool("stream", req.stream);
        chat::write_stop(req, "stop_sequences", &mut obj);
        obj.number("max_length", req.max_output_tokens.as_ref());
        obj.number("presence_penalty", s.presence_penalty.as_ref());
        obj.number("frequency_penalty", s.frequency_penalty.as_ref());
        write_rest(req, NAMED, ctx, &mut obj);
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let text = view.generated_text.0.as_deref();
        let text = text.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'generated_text'"))?;
        let usage = view.input.0.or(view.output.0).is_some();
        let usage = usage.then(|| plain(view.input.0.unwrap_or(0), view.output.0.unwrap_or(0)));
        Ok(answer(text, stop(), usage))
    }

    /// `{"detail": "..."}`.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        let text = String::from_utf8_lossy(reply.body);
        let kind = match reply.status {
            _ if text.contains("Input text length should not exceed") => Kind::ContextWindow,
            _ if text.contains("value is not a valid") => Kind::BadRequest,
            400 | 406 | 413 | 422 => Kind::BadRequest,
            401 | 403 => Kind::Authentication,
            402 | 429 => Kind::RateLimit,
            522 | 524 => Kind::Timeout,
            504 | 520 => Kind::Unavailable,
            status => of_status(status),
        };
        dialect::error(reply, kind, &provider_name(reply.provider))
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Bare::new(ctx)))
    }
}
