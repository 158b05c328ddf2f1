//! Tokens of a prompt, in the words of whoever asks: Messages' `count_tokens`, Gemini's `countTokens`, Responses'
//! `input_tokens`.

use bytes::BytesMut;
use http::{HeaderMap, Response};
use llm_client::Call;
use llm_types::{Format, Result};
use llm_wire::openai::responses;
use llm_wire::{anthropic, gemini};

use crate::body::Reply;
use crate::core::Core;
use crate::errors::json;
use crate::flow::Context;

/// Counts the tokens of a request.
///
/// # Errors
/// 400 for an unknown model or a body that is not a request of the client's format.
pub async fn answer(core: &Core, ctx: &Context, call: &Call) -> Result<Response<Reply>> {
    let counted = ctx.snapshot.engine.count_tokens(&core.http, call).await?;
    let mut out = BytesMut::new();
    match call.format {
        Format::GeminiGenerate => gemini::encode_count(counted.tokens, counted.source(), &counted.model, &mut out),
        Format::OpenAiResponses => responses::encode_count(counted.tokens, counted.source(), &mut out),
        _ => anthropic::encode_count(counted.tokens, counted.source(), &mut out),
    }
    Ok(json(200, out.freeze(), HeaderMap::new()))
}
