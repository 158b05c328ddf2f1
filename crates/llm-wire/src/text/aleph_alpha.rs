//! Aleph Alpha: `{model, prompt, maximum_tokens, ..}` to `{completions: [{completion, finish_reason}]}`. It is not asked
//! to stream.

use bytes::BytesMut;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateRequest, GenerateResponse, Part};
use llm_types::{Error, Field, FieldSet, Format, Result};

use super::{write_apart, write_rest};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::chat;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::wire::{List, Text, view};
use crate::prompt;

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::N,
    Field::Stop,
]);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct AlephAlpha;

view!(lenient ReplyIn {
    completions = "completions": List<CompletionIn<'a>>,
});

view!(lenient CompletionIn {
    completion = "completion": Text<'a>,
    finish_reason = "finish_reason": Text<'a>,
});

impl UpstreamCodec<Generate> for AlephAlpha {
    fn format(&self) -> Format {
        Format::AlephAlpha
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let (s, mut obj) = (&req.sampling, Obj::open(out));
        obj.str("model", ctx.model);
        obj.str("prompt", &prompt::of(req, ctx.model));
        obj.number("maximum_tokens", req.max_output_tokens.as_ref());
        obj.number("temperature", s.temperature.as_ref());
        obj.number("top_p", s.top_p.as_ref());
        obj.number("top_k", s.top_k.as_ref());
        s.n.into_iter().for_each(|n| obj.u64("n", n));
        chat::write_stop(req, "stop_sequences", &mut obj);
        write_rest(req, NAMED, ctx, &mut obj);
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let list = view.completions.0.ok_or_else(|| invalid_reply(reply, "provider returned no 'completions'"))?;
        let choice = |(at, c): (usize, &CompletionIn<'_>)| {
            let word = c.finish_reason.filled();
            let reason = if word == Some("maximum_tokens") { FinishReason::Length } else { FinishReason::Stop };
            let finish = Finish { raw: word.map(|w| (Format::AlephAlpha, w.to_owned())), ..Finish::new(reason) };
            Choice {
                index: u32::try_from(at).unwrap_or(u32::MAX),
                parts: vec![Part::text(c.completion.0.as_deref().unwrap_or_default())],
                finish: Some(finish),
                ..Choice::default()
            }
        };
        Ok(GenerateResponse { choices: list.iter().enumerate().map(choice).collect(), ..GenerateResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }
}
