//! Errors: `{"error": "..."}`, as a reply or as a line of a stream.

use llm_types::{Error, Kind};

use crate::codec::ReplyView;
use crate::dialect;
use crate::openai::errors::{failed, of_status, provider_name};

/// What the text of an error says of its kind, whatever the status.
const SAYINGS: [(&str, Kind); 4] = [
    ("no such file or directory", Kind::BadRequest),
    ("Invalid response object", Kind::BadRequest),
    ("Failed to establish a new connection", Kind::Unavailable),
    ("Read timed out", Kind::Timeout),
];

/// Reads an error reply.
pub(super) fn decode(reply: &ReplyView<'_>) -> Error {
    let text = String::from_utf8_lossy(reply.body);
    let said = SAYINGS.iter().find(|(words, _)| text.contains(words)).map(|(_, kind)| *kind);
    dialect::error(reply, said.unwrap_or_else(|| of_status(reply.status)), &provider_name(reply.provider))
}

/// An error instead of an answer, behind a status of 200: LiteLLM blames the request and names no type.
pub(super) fn instead(provider: &str, said: &str) -> Error {
    let mut error = failed(Kind::BadRequest, provider, said);
    error.openai_type = Some(String::new());
    error
}
