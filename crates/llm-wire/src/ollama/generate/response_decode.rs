//! Answers: one text. Where tools were asked for in words, a text that is `{"name", "arguments"}` is a call.

use llm_types::Result;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::codec::{ReplyContext, ReplyView};
use crate::ollama::{error, thoughts, usage};
use crate::openai::chat::call_id;
use crate::openai::errors::invalid_reply;
use crate::openai::wire::{Count, Text, view};

view!(lenient ReplyIn {
    model = "model": Text<'a>,
    response = "response": Text<'a>,
    thinking = "thinking": Text<'a>,
    done = "done": Option<bool>,
    done_reason = "done_reason": Text<'a>,
    prompt_eval_count = "prompt_eval_count": Count,
    eval_count = "eval_count": Count,
    error = "error": Option<&'a RawValue>,
});

view!(lenient CallIn {
    name = "name": Text<'a>,
    arguments = "arguments": Option<&'a RawValue>,
});

/// A text that is a call.
fn call(text: &str, seed: &str) -> Option<ToolCall> {
    let view: CallIn<'_> = serde_json::from_str(text.trim()).ok()?;
    let (name, arguments) = (view.name.filled()?.to_owned(), view.arguments?.get().to_owned());
    Some(ToolCall { id: call_id(seed, 0), name, arguments })
}

/// Reads an answer. LiteLLM calls every end a plain one in this language; so is it told, with Ollama's word beside.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    let Some(response) = &view.response.0 else {
        return Err(match view.error {
            Some(said) => error::instead(reply.provider, said.get()),
            None => invalid_reply(reply, "provider returned a response with no 'response'"),
        });
    };
    let aloud = if view.thinking.filled().is_none() { thoughts::split(response) } else { None };
    let (thinking, text) = match aloud {
        Some((thinking, text)) => (Some(thinking), text),
        None => (view.thinking.filled(), response.as_ref()),
    };
    let mut parts = Vec::new();
    if let Some(thinking) = thinking {
        parts.push(Part::new(PartKind::Thinking { text: thinking.to_owned(), signature: None }));
    }
    let call = if ctx.hints.calls_in_text { call(text, &ctx.fallback_id) } else { None };
    let mut finish = Finish::new(FinishReason::Stop);
    finish.raw = view.done_reason.filled().map(|w| (FORMAT, w.to_owned()));
    match call {
        Some(call) => {
            finish.reason = FinishReason::ToolCalls;
            parts.push(Part::new(PartKind::ToolCall(call)));
        }
        None => parts.push(Part::text(text)),
    }
    Ok(GenerateResponse {
        model: view.model.filled().unwrap_or_default().to_owned(),
        choices: vec![Choice { parts, finish: Some(finish), ..Choice::default() }],
        usage: usage::report(view.prompt_eval_count, view.eval_count),
        ..GenerateResponse::default()
    })
}
