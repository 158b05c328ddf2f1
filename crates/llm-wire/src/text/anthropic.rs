//! Anthropic's old completions: `POST /v1/complete`: <https://docs.anthropic.com/en/api/complete>.
//!
//! `{prompt, max_tokens_to_sample, stop_sequences, ..}` gives `{completion, stop_reason}`, streams the same object piece
//! by piece. The prompt is a play of two speakers.

use bytes::BytesMut;
use llm_types::generate::{Finish, FinishReason, GenerateRequest, GenerateResponse, Role};
use llm_types::{Error, Field, FieldSet, Format, Kind, Result};
use serde_json::value::RawValue;

use super::lines::{Ends, Lines, Piece, unreadable};
use super::{answer, failed, write_apart, write_rest};
use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::dialect;
use crate::openai::errors::{invalid_reply, of_status, provider_name};
use crate::openai::object::Obj;
use crate::openai::wire::{Text, view};
use crate::prompt;

const FORMAT: Format = Format::AnthropicComplete;

/// How much is written when nobody says.
const MAX_TOKENS: u64 = 256;

const HUMAN: &str = "\n\nHuman: ";
const ASSISTANT: &str = "\n\nAssistant: ";

const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::Stop,
    Field::User,
]);

/// The codec, towards upstreams.
#[derive(Debug, Clone, Copy)]
pub struct AnthropicComplete;

view!(lenient ReplyIn {
    completion = "completion": Text<'a>,
    stop_reason = "stop_reason": Text<'a>,
    model = "model": Text<'a>,
    error = "error": Option<&'a RawValue>,
});

/// The conversation as a play: instructions first, the assistant's cue last.
fn play(req: &GenerateRequest) -> String {
    let is_system = |role: Role| matches!(role, Role::System | Role::Developer);
    let mut text: Vec<String> = Vec::with_capacity(req.turns.len() + 1);
    text.extend(req.turns.iter().filter(|t| is_system(t.role)).map(|t| prompt::said(t).into_owned()));
    for turn in req.turns.iter().filter(|t| !is_system(t.role)) {
        let cue = if turn.role == Role::Assistant { ASSISTANT } else { HUMAN };
        text.push(format!("{cue}{}", prompt::said(turn)));
    }
    if req.turns.last().is_none_or(|t| t.role != Role::Assistant) {
        text.push(ASSISTANT.to_owned());
    }
    text.concat()
}

impl UpstreamCodec<Generate> for AnthropicComplete {
    fn format(&self) -> Format {
        FORMAT
    }

    fn encode_request(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let (s, mut obj) = (&req.sampling, Obj::open(out));
        obj.str("model", ctx.model);
        obj.str("prompt", &prompt::own(req).unwrap_or_else(|| play(req)));
        match &req.max_output_tokens {
            Some(max) => obj.number("max_tokens_to_sample", Some(max)),
            None => obj.u64("max_tokens_to_sample", MAX_TOKENS),
        }
        if !req.stop.is_empty() {
            let mut list = obj.arr("stop_sequences");
            req.stop.iter().for_each(|s| list.str(s));
        }
        obj.number("temperature", s.temperature.as_ref());
        obj.number("top_p", s.top_p.as_ref());
        obj.number("top_k", s.top_k.as_ref());
        if let Some(user) = &req.user {
            obj.obj("metadata").str("user_id", user);
        }
        if req.stream {
            obj.bool("stream", true);
        }
        write_rest(req, NAMED, ctx, &mut obj);
        write_apart(req, &mut obj);
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<GenerateResponse> {
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        if let Some(said) = view.error {
            return Err(failed(Kind::Api, reply.provider, said.get()));
        }
        let text = view.completion.0.as_deref();
        let text = text.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'completion'"))?;
        let mut answer = answer(text, finish(view.stop_reason.filled()), None);
        view.model.filled().unwrap_or_default().clone_into(&mut answer.model);
        Ok(answer)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
    }

    fn stream_decoder(&self, ctx: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        Some(Box::new(Lines::new(read, Ends::Marked, ctx)))
    }
}

fn finish(word: Option<&str>) -> Finish {
    let reason = if word == Some("max_tokens") { FinishReason::Length } else { FinishReason::Stop };
    Finish { raw: word.map(|w| (FORMAT, w.to_owned())), ..Finish::new(reason) }
}

/// Pings and other events say neither `completion` nor `stop_reason`: they are empty pieces.
fn read<'a>(data: &'a [u8], provider: &str) -> Result<Piece<'a>, Error> {
    let line: ReplyIn<'_> = serde_json::from_slice(data).map_err(|e| unreadable(provider, &e))?;
    if let Some(said) = line.error {
        return Err(failed(Kind::Api, provider, said.get()));
    }
    let finish = line.stop_reason.filled().map(|word| finish(Some(word)));
    Ok(Piece { text: line.completion.0.unwrap_or_default(), finish, usage: None })
}
