//! `POST /v1/messages/count_tokens`: the tokens of a prompt, nothing generated.
//! <https://docs.anthropic.com/en/api/messages-count-tokens>

use bytes::BytesMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Kind, Result};

use super::object::Object;
use super::request_encode::{Purpose, encode};
use crate::codec::EncodeContext;
use crate::top::Top;

/// Writes the request: the fields that make up the prompt, without those on generation.
///
/// # Errors
/// As for a request that generates.
pub fn encode_count_request(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    encode(req, ctx, Purpose::CountTokens, out)
}

/// Reads the answer: the number of tokens.
///
/// # Errors
/// `InvalidReply` when the body is not such an answer.
pub fn decode_count(body: &[u8]) -> Result<u64> {
    let count = Top::parse(body).ok().and_then(|top| top.read("input_tokens"));
    count.ok_or_else(|| Error::new(Kind::InvalidReply, "count_tokens: the answer has no input_tokens"))
}

/// Writes the answer, `{"input_tokens": N}`.
pub fn encode_count(tokens: u64, out: &mut BytesMut) {
    let mut o = Object::open(out);
    o.json("input_tokens", &tokens);
    o.close();
}
