//! Errors as clients of the audio routes see them.

use bytes::BytesMut;
use llm_types::Error;

use crate::openai::errors::{carried_type, encode_as};

/// Writes an error: its type is what LiteLLM's exception itself carries.
pub fn encode(error: &Error, out: &mut BytesMut) {
    encode_as(error, carried_type(error), out);
}
