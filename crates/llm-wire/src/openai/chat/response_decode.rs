//! Answers of chat upstreams.

use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};
use llm_types::{Extra, Json, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use super::content_decode;
use super::message_decode::thoughts;
use super::message_encode::CUSTOM;
use super::message_view::{FunctionView, MessageView, ToolCallView};
use super::request_decode::{inner, rest};
use crate::codec::{ReplyContext, ReplyView, StreamErrors};
use crate::openai::wire::{Content, Count, List, Text, view};
use crate::openai::{errors, finish, usage};

view!(lenient ReplyIn {
    id = "id": Text<'a>,
    object = "object": Text<'a>,
    created = "created": Count,
    model = "model": Text<'a>,
    choices = "choices": List<ChoiceIn<'a>>,
    usage = "usage": Option<&'a RawValue>,
    service_tier = "service_tier": Text<'a>,
    error = "error": Option<&'a RawValue>,
});

view!(lenient ChoiceIn {
    index = "index": Count,
    message = "message": MessageView<'a>,
    // legacy text completions
    text = "text": Text<'a>,
    finish_reason = "finish_reason": Text<'a>,
    logprobs = "logprobs": Option<&'a RawValue>,
});

/// Reads an answer, of chat and of legacy text completions.
pub(crate) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> =
        serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
    let Some(choices) = view.choices.0 else {
        return Err(match view.error {
            Some(error) => errors::decode_in_stream(error.get(), reply.provider, StreamErrors::ByCode),
            None => errors::invalid_reply(reply, "provider returned a response with no 'choices'"),
        });
    };
    let id = view.id.0.unwrap_or_default().into_owned();
    let seed = if ctx.fallback_id.is_empty() { &id } else { &ctx.fallback_id };
    let choices = choices.into_iter().enumerate().map(|(at, c)| choice(c, at, seed)).collect();
    Ok(GenerateResponse {
        id,
        model: view.model.0.unwrap_or_default().into_owned(),
        created: view.created.0.filter(|t| *t > 0),
        choices,
        usage: view.usage.map(|raw| usage::decode(raw, FORMAT)),
        service_tier: view.service_tier.0.map(Into::into),
        extra: rest(view.rest),
    })
}

fn choice(view: ChoiceIn<'_>, at: usize, seed: &str) -> Choice {
    let mut message_extra = Extra::new(FORMAT);
    let mut parts = message_parts(view.message, seed, &mut message_extra);
    if let Some(text) = view.text.0 {
        parts.push(Part::text(text));
    }
    Choice {
        index: u32::try_from(at).unwrap_or(0), // counted anew, as LiteLLM does: clients look for the first at 0
        finish: Some(end(view.finish_reason.filled(), &parts)),
        parts,
        logprobs: view.logprobs.map(RawJson::borrowed),
        message_extra,
        extra: rest(view.rest),
    }
}

/// Some providers say `stop`, or nothing, after tool calls.
fn end(word: Option<&str>, parts: &[Part]) -> Finish {
    let mut finish = word.map_or_else(|| Finish::new(FinishReason::Stop), finish::decode);
    let calls = |p: &Part| matches!(&p.kind, PartKind::ToolCall(c) if !c.id.is_empty());
    if finish.reason == FinishReason::Stop && parts.iter().any(calls) {
        finish.reason = FinishReason::ToolCalls;
    }
    finish
}

/// The parts of an assistant's message; what is unknown goes to `extra`.
fn message_parts(mut view: MessageView<'_>, seed: &str, extra: &mut Extra) -> Vec<Part> {
    let (refusal, specific) = view.take_refusal();
    let mut parts = Vec::new();
    thoughts(&view.thinking_blocks.0.unwrap_or_default(), &mut parts);
    let reasoning = view.reasoning_content.filled().or(view.reasoning.filled());
    if let Some(text) = reasoning
        && parts.is_empty()
    {
        parts.push(Part::new(PartKind::Thinking { text: text.to_owned(), signature: None }));
    }
    if let Some(text) = view.reasoning.filled() {
        extra.push(FORMAT, "reasoning", RawJson::string(text));
    }
    match view.content {
        Content::Text(text) => parts.push(Part::text(text)),
        Content::Parts(list) => {
            for raw in list {
                let opaque = || Part::new(PartKind::Opaque { format: FORMAT, json: RawJson::borrowed(raw) });
                if content_decode::part(raw, "content", &mut parts).is_err() {
                    parts.push(opaque());
                }
            }
        }
        Content::None | Content::Wrong => {}
    }
    if let Some(refusal) = refusal {
        parts.push(Part::new(PartKind::Refusal(refusal.into_owned())));
    }
    if let Some(Ok(specific)) = specific.map(|s| RawJson::parse(s.into_owned())) {
        extra.push(FORMAT, "provider_specific_fields", specific);
    }
    for (at, call) in view.tool_calls.0.unwrap_or_default().into_iter().enumerate() {
        parts.push(tool_call(call, at, seed));
    }
    if let Some(function) = view.function_call.filter(|f| f.says_anything()) {
        parts.push(legacy_call(*function));
    }
    for (key, value) in view.rest {
        extra.push(FORMAT, key.into_owned(), RawJson::borrowed(value));
    }
    parts
}

fn legacy_call(view: FunctionView<'_>) -> Part {
    let name = view.name.0.unwrap_or_default().into_owned();
    Part::new(PartKind::ToolCall(ToolCall { id: String::new(), name, arguments: view.arguments.text().into_owned() }))
}

fn tool_call(view: ToolCallView<'_>, at: usize, seed: &str) -> Part {
    let mut extra = rest(view.rest);
    inner(view.function.rest, "function.", &mut extra);
    let id = view.id.filled().map_or_else(|| call_id(seed, at), str::to_owned);
    let name = view.function.name.filled().or(view.custom.name.filled()).unwrap_or_default().to_owned();
    let mut arguments = view.function.arguments.text().into_owned();
    if let Some(input) = view.custom.input.0.filter(|_| view.kind.filled() == Some("custom")) {
        // A call with free text: clients of this language get it back, others an object.
        arguments = Json::object([("content", input.as_ref())]).to_string();
        let custom = Json::object([("name", name.as_str()), ("input", input.as_ref())]);
        extra.push(FORMAT, CUSTOM, custom.to_raw());
    }
    if let Some(index) = view.index.0 {
        extra.push(FORMAT, "index", Json::from(index).to_raw());
    }
    let call = ToolCall { id, name, arguments };
    Part { kind: PartKind::ToolCall(call), cache_control: None, extra }
}

/// An id for a call that came without one.
pub(crate) fn call_id(seed: &str, at: usize) -> String {
    format!("call_{}_{at}", seed.trim_start_matches("chatcmpl-"))
}
