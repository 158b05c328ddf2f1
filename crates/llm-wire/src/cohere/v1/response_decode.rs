//! Answers: `{text, generation_id, tool_calls: [{name, parameters}], citations, finish_reason, meta}`.

use llm_types::generate::{Choice, GenerateResponse, Part, PartKind, ToolCall};
use llm_types::{Extra, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::codec::ReplyView;
use crate::cohere::usage::UsageView;
use crate::cohere::v2::finish;
use crate::openai::errors::invalid_reply;
use crate::openai::wire::{List, Text, view};

view!(lenient ReplyIn {
    text = "text": Text<'a>,
    generation_id = "generation_id": Text<'a>,
    response_id = "response_id": Text<'a>,
    tool_calls = "tool_calls": List<CallIn<'a>>,
    citations = "citations": Option<&'a RawValue>,
    finish_reason = "finish_reason": Text<'a>,
    meta = "meta": UsageView<'a>,
});

view!(lenient CallIn {
    name = "name": Text<'a>,
    parameters = "parameters": Option<&'a RawValue>,
    generation_id = "generation_id": Text<'a>,
});

impl CallIn<'_> {
    /// The call; its id is made of the answer's.
    fn call(&self, seed: &str, at: usize) -> ToolCall {
        let seed = self.generation_id.filled().unwrap_or(seed);
        let id = if at == 0 { format!("call_{seed}") } else { format!("call_{seed}_{at}") };
        ToolCall {
            id,
            name: self.name.filled().unwrap_or_default().to_owned(),
            arguments: self.parameters.map_or("{}", RawValue::get).to_owned(),
        }
    }
}

/// The calls of an answer.
pub(super) fn calls<'a>(list: &'a List<CallIn<'_>>, seed: &'a str) -> impl Iterator<Item = ToolCall> + use<'a> {
    list.0.iter().flatten().enumerate().map(move |(at, call)| call.call(seed, at))
}

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    if view.text.0.is_none() && view.tool_calls.0.is_none() {
        return Err(invalid_reply(reply, "provider returned a response with no 'text'"));
    }
    let id = view.generation_id.filled().or(view.response_id.filled()).unwrap_or_default();
    let mut parts = vec![Part::text(view.text.0.as_deref().unwrap_or_default())];
    parts.extend(calls(&view.tool_calls, id).map(|call| Part::new(PartKind::ToolCall(call))));
    let mut finish = view.finish_reason.filled().map_or_else(|| finish("COMPLETE"), finish);
    finish.raw = finish.raw.map(|(_, word)| (FORMAT, word));
    if parts.len() > 1 {
        finish.reason = llm_types::generate::FinishReason::ToolCalls;
    }
    let mut extra = Extra::new(Format::OpenAiChat);
    if let Some(citations) = view.citations {
        extra.push(Format::OpenAiChat, "citations", RawJson::borrowed(citations));
    }
    Ok(GenerateResponse {
        id: id.to_owned(),
        choices: vec![Choice { parts, finish: Some(finish), ..Choice::default() }],
        usage: view.meta.billed.report().or_else(|| view.meta.tokens.report()),
        extra,
        ..GenerateResponse::default()
    })
}
