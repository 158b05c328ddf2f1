//! Answers of Responses upstreams.

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind};
use llm_types::{Error, Extra, RawJson, Result};
use serde_json::value::RawValue;

use super::content_decode::keep;
use super::{FORMAT, item_decode};
use crate::codec::{ReplyContext, ReplyView, StreamErrors};
use crate::openai::wire::{Content, Count, Text, view};
use crate::openai::{errors, usage};

view!(lenient ReplyIn {
    id = "id": Text<'a>,
    object = "object": Text<'a>,
    created = "created_at": Count,
    model = "model": Text<'a>,
    status = "status": Text<'a>,
    output = "output": Content<'a>,
    usage = "usage": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
    details = "incomplete_details": DetailsView<'a>,
    service_tier = "service_tier": Text<'a>,
});

view!(lenient DetailsView {
    reason = "reason": Text<'a>,
});

/// Reads an answer.
pub(crate) fn decode(reply: &ReplyView<'_>, _ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> =
        serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
    let listed = matches!(view.output, Content::Parts(_));
    if view.status.filled() == Some("failed") || (!listed && view.error.is_some()) {
        return Err(failure(&view, reply.provider));
    }
    if !listed {
        return Err(errors::invalid_reply(reply, "provider returned a response with no 'output'"));
    }
    Ok(response(view))
}

/// The error of an answer that failed.
pub(crate) fn failure(view: &ReplyIn<'_>, provider: &str) -> Error {
    let raw = view.error.map_or(r#"{"message":"the provider gave no reason for its failure"}"#, |e| e.get());
    errors::decode_in_stream(raw, provider, StreamErrors::ByCode)
}

fn response(view: ReplyIn<'_>) -> GenerateResponse {
    let items = if let Content::Parts(items) = view.output { items } else { Vec::new() };
    let parts: Vec<Part> =
        items.into_iter().filter_map(|raw| item_decode::item(raw, true)).flat_map(|item| item.parts).collect();
    let status = view.status.0.as_deref().unwrap_or("completed");
    let finish = Some(finish(status, view.details.reason.filled(), &kinds(&parts)));
    let mut extra = Extra::new(FORMAT);
    keep(view.rest, "", &mut extra);
    let choice = Choice { finish, logprobs: logprobs(&parts), parts, ..Choice::default() };
    GenerateResponse {
        id: view.id.0.unwrap_or_default().into_owned(),
        model: view.model.0.unwrap_or_default().into_owned(),
        created: view.created.0.filter(|t| *t > 0),
        choices: vec![choice],
        usage: view.usage.filter(|u| u.get() != "null").map(|raw| usage::decode(raw, FORMAT)),
        service_tier: view.service_tier.0.map(Into::into),
        extra,
    }
}

/// What an answer held, as far as its end depends on it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kinds {
    pub(crate) calls: bool,
    pub(crate) refusal: bool,
}

fn kinds(parts: &[Part]) -> Kinds {
    Kinds {
        calls: parts.iter().any(|p| matches!(p.kind, PartKind::ToolCall(_))),
        refusal: parts.iter().any(|p| matches!(p.kind, PartKind::Refusal(_))),
    }
}

/// Why an answer of this status ended.
pub(crate) fn finish(status: &str, reason: Option<&str>, kinds: &Kinds) -> Finish {
    use FinishReason as R;
    let why = match (status, reason) {
        ("incomplete", Some("content_filter")) => R::ContentFilter,
        ("incomplete", _) => R::Length,
        _ if kinds.refusal => R::Refusal,
        _ if kinds.calls => R::ToolCalls,
        _ => R::Stop,
    };
    let word = reason.filter(|_| status == "incomplete").unwrap_or(status);
    Finish { reason: why, raw: Some((FORMAT, word.to_owned())), stop_sequence: None }
}

/// The logprobs of all texts, in the shape of chat.
fn logprobs(parts: &[Part]) -> Option<RawJson> {
    let lists = parts.iter().filter_map(|p| p.extra.get("logprobs")).map(RawJson::get);
    let inner: Vec<&str> = lists.filter_map(list_content).collect();
    if inner.is_empty() { None } else { RawJson::parse(format!("{{\"content\":[{}]}}", inner.join(","))).ok() }
}

/// What stands between the brackets of a list that is not empty.
pub(crate) fn list_content(json: &str) -> Option<&str> {
    let inner = json.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    (!inner.is_empty()).then_some(inner)
}
