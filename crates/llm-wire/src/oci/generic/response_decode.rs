//! Answers: `{modelId, chatResponse: {timeCreated, choices: [{index, message, finishReason}], usage}}`.

use llm_types::Result;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};

use super::FORMAT;
use crate::codec::{ReplyContext, ReplyView};
use crate::oci::{UsageIn, finish};
use crate::openai::chat::{Arguments, call_id};
use crate::openai::errors::invalid_reply;
use crate::openai::wire::{Count, List, Text, view};

view!(lenient ReplyIn {
    model = "modelId": Text<'a>,
    answer = "chatResponse": AnswerIn<'a>,
});

view!(lenient AnswerIn {
    choices = "choices": List<ChoiceIn<'a>>,
    usage = "usage": UsageIn<'a>,
});

view!(lenient ChoiceIn {
    index = "index": Count,
    message = "message": MessageIn<'a>,
    finish_reason = "finishReason": Text<'a>,
    usage = "usage": UsageIn<'a>,
});

view!(lenient MessageIn {
    content = "content": List<ContentIn<'a>>,
    thoughts = "reasoningContent": Text<'a>,
    calls = "toolCalls": List<CallIn<'a>>,
});

view!(lenient ContentIn {
    text = "text": Text<'a>,
});

view!(lenient CallIn {
    id = "id": Text<'a>,
    name = "name": Text<'a>,
    arguments = "arguments": Arguments<'a>,
});

impl MessageIn<'_> {
    /// The visible text.
    pub(super) fn text(&self) -> String {
        self.content.0.iter().flatten().filter_map(|c| c.text.0.as_deref()).collect()
    }

    fn parts(&self, seed: &str) -> Vec<Part> {
        let thoughts = self.thoughts.filled().map(|t| PartKind::Thinking { text: t.to_owned(), signature: None });
        let mut parts: Vec<Part> = thoughts.map(Part::new).into_iter().collect();
        parts.push(Part::text(self.text()));
        let call = |(at, call): (usize, &CallIn<'_>)| {
            Part::new(PartKind::ToolCall(ToolCall {
                id: call.id.filled().map_or_else(|| call_id(seed, at), str::to_owned),
                name: call.name.filled().unwrap_or_default().to_owned(),
                arguments: call.arguments.text().into_owned(),
            }))
        };
        parts.extend(self.calls.0.iter().flatten().enumerate().map(call));
        parts
    }
}

impl ChoiceIn<'_> {
    /// Why it ended: calls wait for results, whatever the word.
    fn finish(&self) -> Finish {
        let mut finish = self.finish_reason.filled().map_or(Finish::new(FinishReason::Stop), |w| finish(w, FORMAT));
        if self.message.calls.0.as_ref().is_some_and(|c| !c.is_empty()) && finish.reason == FinishReason::Stop {
            finish.reason = FinishReason::ToolCalls;
        }
        finish
    }
}

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    let choices = view.answer.choices.0;
    let choices = choices.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'choices'"))?;
    let choice = |(at, c): (usize, &ChoiceIn<'_>)| Choice {
        index: c.index.0.and_then(|i| u32::try_from(i).ok()).or_else(|| u32::try_from(at).ok()).unwrap_or(0),
        parts: c.message.parts(&ctx.fallback_id),
        finish: Some(c.finish()),
        ..Choice::default()
    };
    Ok(GenerateResponse {
        model: view.model.filled().unwrap_or_default().to_owned(),
        choices: choices.iter().enumerate().map(choice).collect(),
        usage: view.answer.usage.report(),
        ..GenerateResponse::default()
    })
}
