//! Errors as clients of the audio routes see them.

use bytes::BytesMut;
use llm_types::{Error, Kind};

use crate::openai::errors::{carried_type, encode_as};

/// Writes an error: its type is what LiteLLM's exception itself carries. A refused parameter carries none, which is
/// told as a word.
pub fn encode(error: &Error, out: &mut BytesMut) {
    let kind = if error.kind == Kind::UnsupportedParams { "None" } else { carried_type(error) };
    encode_as(error, kind, out);
}
