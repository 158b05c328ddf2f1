//! Answers: one message, why it ended, what was counted.

use llm_types::Result;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::codec::{ReplyContext, ReplyView};
use crate::ollama::{error, thoughts, usage};
use crate::openai::chat::{Arguments, call_id};
use crate::openai::errors::invalid_reply;
use crate::openai::wire::{Count, List, Text, view};

view!(lenient ReplyIn {
    model = "model": Text<'a>,
    message = "message": Option<Box<MessageIn<'a>>>,
    done = "done": Option<bool>,
    done_reason = "done_reason": Text<'a>,
    prompt_eval_count = "prompt_eval_count": Count,
    eval_count = "eval_count": Count,
    error = "error": Option<&'a RawValue>,
});

view!(lenient MessageIn {
    content = "content": Text<'a>,
    thinking = "thinking": Text<'a>,
    tool_calls = "tool_calls": List<CallIn<'a>>,
});

view!(lenient CallIn {
    id = "id": Text<'a>,
    function = "function": FunctionIn<'a>,
});

view!(lenient FunctionIn {
    name = "name": Text<'a>,
    arguments = "arguments": Arguments<'a>,
});

impl CallIn<'_> {
    /// The call; Ollama gives no ids, or only some versions of it do.
    pub(super) fn call(&self, seed: &str, at: usize) -> ToolCall {
        let arguments = self.function.arguments.text();
        ToolCall {
            id: self.id.filled().map_or_else(|| call_id(seed, at), str::to_owned),
            name: self.function.name.filled().unwrap_or_default().to_owned(),
            arguments: if arguments.is_empty() { "{}".to_owned() } else { arguments.into_owned() },
        }
    }
}

/// Ollama's word for why an answer ended.
pub(in crate::ollama) fn finish(word: Option<&str>) -> Finish {
    let reason = if word == Some("length") { FinishReason::Length } else { FinishReason::Stop };
    Finish { raw: word.map(|w| (FORMAT, w.to_owned())), ..Finish::new(reason) }
}

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    let Some(message) = view.message else {
        return Err(match view.error {
            Some(said) => error::instead(reply.provider, said.get()),
            None => invalid_reply(reply, "provider returned a response with no 'message'"),
        });
    };
    let mut parts = Vec::new();
    let content = message.content.0.as_deref().unwrap_or_default();
    let aloud = if message.thinking.filled().is_none() { thoughts::split(content) } else { None };
    let (thinking, text) = match aloud {
        Some((thinking, text)) => (Some(thinking), text),
        None => (message.thinking.filled(), content),
    };
    if let Some(thinking) = thinking {
        parts.push(Part::new(PartKind::Thinking { text: thinking.to_owned(), signature: None }));
    }
    parts.push(Part::text(text));
    let calls = message.tool_calls.0.unwrap_or_default();
    let mut finish = finish(view.done_reason.filled());
    if !calls.is_empty() {
        finish.reason = FinishReason::ToolCalls;
    }
    let call = |(at, call): (usize, &CallIn<'_>)| Part::new(PartKind::ToolCall(call.call(&ctx.fallback_id, at)));
    parts.extend(calls.iter().enumerate().map(call));
    Ok(GenerateResponse {
        model: view.model.filled().unwrap_or_default().to_owned(),
        choices: vec![Choice { parts, finish: Some(finish), ..Choice::default() }],
        usage: usage::report(view.prompt_eval_count, view.eval_count),
        ..GenerateResponse::default()
    })
}
