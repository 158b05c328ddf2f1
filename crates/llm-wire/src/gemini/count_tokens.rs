//! `models/{model}:countTokens`: the tokens of a prompt, nothing generated. <https://ai.google.dev/api/tokens>

use bytes::BytesMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Kind, Result};

use super::request_encode;
use crate::codec::EncodeContext;
use crate::openai::object::Obj;
use crate::top::Top;

/// Writes the request: the conversation, as LiteLLM asks for it.
///
/// # Errors
/// As for a request that generates.
pub fn encode_count_request(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    let mut whole = BytesMut::new();
    request_encode::encode(req, ctx, &mut whole)?;
    let top = Top::parse(&whole)?;
    let mut obj = Obj::open(out);
    obj.text("contents", top.get("contents").unwrap_or("[]"));
    Ok(())
}

/// Reads the answer: the number of tokens.
///
/// # Errors
/// `InvalidReply` when the body is not such an answer.
pub fn decode_count(body: &[u8]) -> Result<u64> {
    let count = Top::parse(body).ok().and_then(|top| top.read("totalTokens"));
    count.ok_or_else(|| Error::new(Kind::InvalidReply, "countTokens: the answer has no totalTokens"))
}

/// Writes the answer, `{"totalTokens": N}`.
pub fn encode_count(tokens: u64, out: &mut BytesMut) {
    Obj::open(out).u64("totalTokens", tokens);
}
