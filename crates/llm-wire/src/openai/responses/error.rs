//! Errors of Responses upstreams: LiteLLM hands the whole body on as the message, unlike for chat.

use llm_types::Error;

use crate::codec::ReplyView;
use crate::openai::errors;

/// Reads an error reply.
pub(crate) fn decode(reply: &ReplyView<'_>) -> Error {
    let text = String::from_utf8_lossy(reply.body);
    let mut error = errors::decode(reply);
    let status = error.status;
    if !text.trim().is_empty() {
        let detail = error.upstream.take().map(|d| *d).unwrap_or_default();
        let retry_after = error.retry_after;
        error = errors::upstream_error(error.kind, text.trim(), detail);
        error.retry_after = retry_after;
        error.status = status;
    }
    error
}
