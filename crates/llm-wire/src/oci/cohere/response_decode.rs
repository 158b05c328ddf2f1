//! Answers: `{modelId, chatResponse: {text, toolCalls: [{name, parameters}], finishReason, usage}}`.

use llm_types::Result;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::codec::{ReplyContext, ReplyView};
use crate::oci::{UsageIn, finish};
use crate::openai::chat::call_id;
use crate::openai::errors::invalid_reply;
use crate::openai::wire::{List, Text, view};

view!(lenient ReplyIn {
    model = "modelId": Text<'a>,
    answer = "chatResponse": AnswerIn<'a>,
});

view!(lenient AnswerIn {
    text = "text": Text<'a>,
    calls = "toolCalls": List<CallIn<'a>>,
    finish_reason = "finishReason": Text<'a>,
    usage = "usage": UsageIn<'a>,
});

view!(lenient CallIn {
    name = "name": Text<'a>,
    parameters = "parameters": Option<&'a RawValue>,
});

impl AnswerIn<'_> {
    /// The calls; the host gives them no ids. `first` is the number of the first of them.
    pub(super) fn calls(&self, seed: &str, first: usize) -> Vec<ToolCall> {
        let call = |(at, call): (usize, &CallIn<'_>)| ToolCall {
            id: call_id(seed, first + at),
            name: call.name.filled().unwrap_or_default().to_owned(),
            arguments: call.parameters.map_or("{}", RawValue::get).to_owned(),
        };
        self.calls.0.iter().flatten().enumerate().map(call).collect()
    }
}

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    let answer = &view.answer;
    if answer.text.0.is_none() && answer.calls.0.is_none() {
        return Err(invalid_reply(reply, "provider returned a response with no 'text'"));
    }
    let mut parts = vec![Part::text(answer.text.0.as_deref().unwrap_or_default())];
    parts.extend(answer.calls(&ctx.fallback_id, 0).into_iter().map(|c| Part::new(PartKind::ToolCall(c))));
    let word = answer.finish_reason.filled();
    let mut finish = word.map_or(Finish::new(FinishReason::Stop), |w| finish(w, FORMAT));
    if parts.len() > 1 {
        finish.reason = FinishReason::ToolCalls;
    }
    Ok(GenerateResponse {
        model: view.model.filled().unwrap_or_default().to_owned(),
        choices: vec![Choice { parts, finish: Some(finish), ..Choice::default() }],
        usage: answer.usage.report(),
        ..GenerateResponse::default()
    })
}
