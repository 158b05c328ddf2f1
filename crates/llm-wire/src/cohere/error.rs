//! Error replies: `{"message": "..."}`.

use llm_types::{Error, Kind};

use crate::codec::ReplyView;
use crate::dialect;
use crate::openai::errors::{of_status, provider_name};

/// What the text of an error says of its kind, whatever the status.
const SAYINGS: [(&str, Kind); 6] = [
    ("invalid api token", Kind::Authentication),
    ("No API key provided.", Kind::Authentication),
    ("too many tokens", Kind::ContextWindow),
    ("invalid type:", Kind::BadRequest),
    ("internal server error", Kind::Internal),
    ("Unexpected server error", Kind::Internal),
];

/// Reads an error reply.
pub(super) fn decode(reply: &ReplyView<'_>) -> Error {
    let text = String::from_utf8_lossy(reply.body);
    let said = SAYINGS.iter().find(|(words, _)| text.contains(words)).map(|(_, kind)| *kind);
    let known = match reply.status {
        400 | 498 => Some(Kind::BadRequest),
        500 => Some(Kind::Internal),
        _ => None,
    };
    match said.or(known) {
        Some(kind) => dialect::error(reply, kind, "Cohere"),
        None => dialect::error(reply, of_status(reply.status), &provider_name(reply.provider)),
    }
}
