//! An answer of the upstream, whole.

use std::borrow::Cow;

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, MediaSource, Part, PartKind, ToolCall};
use llm_types::{Extra, RawJson, Result};

use super::part_decode::blob;
use super::request_decode::raw_json;
use super::usage::{self, Grounding};
use super::wire::{CandidateIn, PartIn, ReplyIn, block_reason, call_id, invented_id, model_name, spaced};
use super::{FORMAT, error, finish, logprobs};
use crate::codec::http_headers::get;
use crate::codec::{ReplyContext, ReplyView};
use crate::openai::wire::Rest;

/// Says what the model grounded its answer on.
pub(super) const GROUNDING: &str = "groundingMetadata";
/// Says what the upstream thinks of the prompt.
pub(super) const FEEDBACK: &str = "promptFeedback";
/// The upstream's own words beside OpenAI's.
pub(super) const LOGPROBS: &str = "logprobsResult";

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| error::unreadable(reply, &e.to_string()))?;
    if view.error.is_some_and(|e| e.get() != "null") {
        return Err(error::decode(reply));
    }
    let blocked = block_reason(view.feedback);
    let usage_there = view.usage.is_some_and(usage::is_there);
    if view.candidates.0.is_none() && blocked.is_none() && !usage_there {
        return Err(error::unreadable(reply, "usageMetadata not found in completion_response"));
    }
    let seed = view.id.filled().unwrap_or(&ctx.fallback_id);
    let mut grounding = Grounding::default();
    let mut calls = 0;
    let mut choices = Vec::new();
    for (at, candidate) in view.candidates.0.unwrap_or_default().into_iter().enumerate() {
        choices.push(choice(candidate, at, seed, &mut calls, &mut grounding));
    }
    let taken_back = |c: &Choice| c.finish.as_ref().is_some_and(is_taken_back);
    if choices.first().is_some_and(taken_back) {
        choices.truncate(1);
        choices.iter_mut().for_each(|c| c.parts.clear());
    }
    if choices.is_empty() && blocked.is_some() {
        choices.push(Choice { finish: Some(Finish::new(FinishReason::ContentFilter)), ..Choice::default() });
    }
    let mut extra = unknown(&view.rest);
    if let Some(feedback) = view.feedback {
        extra.push(FORMAT, FEEDBACK, RawJson::borrowed(feedback));
    }
    let tier = get(reply.headers, "x-gemini-service-tier");
    Ok(GenerateResponse {
        id: view.id.filled().unwrap_or_default().to_owned(),
        model: model_name(&view.model).to_owned(),
        created: None,
        choices,
        usage: view.usage.filter(|u| usage::is_there(u)).map(|u| usage::decode(u.get(), grounding)),
        service_tier: tier.map(|t| if t.eq_ignore_ascii_case("standard") { "default" } else { t }.to_owned()),
        extra,
    })
}

/// True for an answer that was taken back.
pub(super) fn is_taken_back(finish: &Finish) -> bool {
    finish.raw.as_ref().is_some_and(|(_, word)| finish::is_blocked(word))
}

/// What a view did not know, as extra fields of this format.
pub(super) fn unknown(rest: &Rest<'_>) -> Extra {
    let mut extra = Extra::new(FORMAT);
    rest.iter().for_each(|(key, value)| extra.push(FORMAT, key.as_ref(), RawJson::borrowed(value)));
    extra
}

fn choice(view: CandidateIn<'_>, at: usize, seed: &str, calls: &mut usize, grounding: &mut Grounding) -> Choice {
    let mut extra = unknown(&view.rest);
    if let Some(metadata) = extra.get(GROUNDING) {
        grounding.add(metadata.get());
    }
    if let Some(own) = view.logprobs {
        extra.push(FORMAT, LOGPROBS, RawJson::borrowed(own));
    }
    let before = *calls;
    let mut parts: Vec<Part> = Vec::new();
    for part in view.content.parts.0.unwrap_or_default() {
        parts.extend(read_part(part, seed, calls));
    }
    let called = *calls > before;
    let position = u32::try_from(at).unwrap_or(u32::MAX);
    Choice {
        index: view.index.0.and_then(|i| u32::try_from(i).ok()).unwrap_or(position),
        parts,
        finish: view.finish.filled().map(|word| finish::decode(word, called)),
        logprobs: view.logprobs.and_then(|raw| logprobs::decode(raw.get())),
        message_extra: Extra::default(),
        extra,
    }
}

/// Reads a part; nothing for one without anything in it.
fn read_part(view: PartIn<'_>, seed: &str, calls: &mut usize) -> Option<Part> {
    let mut extra = unknown(&view.rest);
    let signature = view.signature.filled().map(str::to_owned);
    let thought = view.is_thought();
    if let (Some(signature), false) = (&signature, thought && view.text.0.is_some()) {
        extra.push(FORMAT, "thoughtSignature", RawJson::string(signature));
    }
    let kind = if let Some(call) = view.call {
        let id = match call.id.0.clone().filter(|id| !id.is_empty()) {
            Some(id) => {
                extra.push(FORMAT, "functionCall.id", RawJson::string(&id));
                id
            }
            None => Cow::Owned(invented_id(seed, *calls)),
        };
        *calls += 1;
        PartKind::ToolCall(ToolCall {
            id: call_id(id, signature.as_deref()).into_owned(),
            name: call.name.0.unwrap_or_default().into_owned(),
            arguments: spaced(call.args.map_or("{}", |a| a.get())),
        })
    } else if let Some(inline) = view.inline {
        let data = inline.data.0.unwrap_or_default().into_owned();
        blob(MediaSource::Base64(data), inline.kind.0.map(Cow::into_owned))
    } else if let Some(text) = view.text.0 {
        let text = text.into_owned();
        if thought { PartKind::Thinking { text, signature } } else { PartKind::Text { text, citations: Vec::new() } }
    } else {
        return opaque(&extra);
    };
    Some(Part { kind, cache_control: None, extra })
}

/// A part of a kind that only this format knows.
fn opaque(fields: &Extra) -> Option<Part> {
    let json = object(fields)?;
    let hosted = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"];
    Some(Part::new(match hosted.iter().any(|name| fields.get(name).is_some()) {
        true => PartKind::HostedTool { format: FORMAT, json },
        false => PartKind::Opaque { format: FORMAT, json },
    }))
}

fn object(fields: &Extra) -> Option<RawJson> {
    if fields.is_empty() {
        return None;
    }
    let mut out = bytes::BytesMut::new();
    {
        let mut obj = crate::openai::object::Obj::open(&mut out);
        obj.extra(fields, FORMAT, |_| true);
    }
    Some(raw_json(&String::from_utf8_lossy(&out)))
}
