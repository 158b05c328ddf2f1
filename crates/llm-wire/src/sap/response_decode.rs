//! Answers.

use llm_types::Result;
use llm_types::generate::GenerateResponse;

use super::Envelope;
use crate::codec::{ReplyContext, ReplyView};
use crate::openai::chat;
use crate::openai::errors::invalid_reply;

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<GenerateResponse> {
    chat::decode_response(&opened(reply)?, ctx)
}

/// The reply without its envelope.
pub(super) fn opened<'a>(reply: &ReplyView<'a>) -> Result<ReplyView<'a>> {
    let view: Envelope<'a> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    let inside = view.inside();
    let inside = inside.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'final_result'"))?;
    Ok(ReplyView { body: inside.get().as_bytes(), ..*reply })
}
