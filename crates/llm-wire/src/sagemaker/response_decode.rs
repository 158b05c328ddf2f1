//! Answers: `[{generated_text}]`, the same without the list, or `{generation}`.

use std::borrow::Cow;

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part};
use llm_types::{Error, Kind, Result};
use serde::Deserialize;

use crate::codec::{ReplyContext, ReplyView};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    pub generated_text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub generation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub details: Option<Details<'a>>,
    #[serde(borrow)]
    pub token: Option<Token<'a>>,
    #[serde(borrow)]
    pub error: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details<'a> {
    #[serde(borrow)]
    pub finish_reason: Option<Cow<'a, str>>,
}

/// A piece of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Token<'a> {
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    pub special: bool,
}

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let list: Vec<Said<'_>> = match reply.body.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(reply.body),
        _ => serde_json::from_slice(reply.body).map(|one| vec![one]),
    }
    .map_err(|e| invalid(&e.to_string()))?;
    let said = list.into_iter().next().ok_or_else(|| invalid("an empty list"))?;
    let text = said.generated_text.as_ref().or(said.generation.as_ref()).ok_or_else(|| invalid("'generated_text'"))?;
    let prefix = ctx.hints.prefix.as_deref().unwrap_or_default();
    let text = text.strip_prefix(prefix).unwrap_or(text);
    let finish = finish(said.details.as_ref());
    let choice = Choice { parts: vec![Part::text(text)], finish: Some(finish), ..Choice::default() };
    Ok(GenerateResponse { choices: vec![choice], ..GenerateResponse::default() })
}

pub(super) fn finish(details: Option<&Details<'_>>) -> Finish {
    Finish::new(match details.and_then(|d| d.finish_reason.as_deref()) {
        Some("length") => FinishReason::Length,
        Some("stop_sequence") => FinishReason::StopSequence,
        _ => FinishReason::Stop,
    })
}

fn invalid(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("litellm.APIConnectionError: {why}"))
}
