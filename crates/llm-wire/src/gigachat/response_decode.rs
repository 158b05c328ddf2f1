//! Answers: chat's, whose `function_call` is a call of a tool; it has no id, so it gets one.

use llm_types::Result;
use llm_types::generate::{Choice, FinishReason, GenerateResponse, Part, PartKind};

use crate::codec::{ReplyContext, ReplyView};
use crate::openai::chat::{self, call_id};

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    let mut answer = chat::decode_response(reply, ctx)?;
    answer.choices.iter_mut().for_each(|choice| mend(choice, ctx));
    Ok(answer)
}

fn mend(choice: &mut Choice, ctx: &ReplyContext) {
    let schema = ctx.hints.json_tool;
    let mut text = None;
    for (at, part) in choice.parts.iter_mut().enumerate() {
        if let PartKind::ToolCall(call) = &mut part.kind {
            if schema {
                text = Some(std::mem::take(&mut call.arguments));
            } else if call.id.is_empty() {
                call.id = call_id(&ctx.fallback_id, at);
            }
        }
    }
    if let Some(text) = text {
        choice.parts = vec![Part::text(text)];
    }
    if let Some(finish) = &mut choice.finish
        && matches!(finish.reason, FinishReason::FunctionCall | FinishReason::ToolCalls)
    {
        finish.reason = if schema { FinishReason::Stop } else { FinishReason::ToolCalls };
        finish.raw = None;
    }
}
