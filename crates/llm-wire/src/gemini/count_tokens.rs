//! `models/{model}:countTokens`: the tokens of a prompt, nothing generated. <https://ai.google.dev/api/tokens>

use bytes::BytesMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Kind, Result};

use super::{Gemini, request_encode};
use crate::codec::EncodeContext;
use crate::count::{CountCodec, with_path};
use crate::openai::object::Obj;
use crate::top::Top;

impl CountCodec for Gemini {
    fn place(&self, url: &str) -> String {
        with_path(url, |path| match path.rsplit_once(':') {
            Some((model, verb)) if verb.ends_with("enerateContent") => format!("{model}:countTokens"),
            _ => path.to_owned(),
        })
    }

    /// The conversation, as LiteLLM asks for it.
    fn encode(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut whole = BytesMut::new();
        request_encode::encode(req, ctx, &mut whole)?;
        let top = Top::parse(&whole)?;
        let mut obj = Obj::open(out);
        obj.text("contents", top.get("contents").unwrap_or("[]"));
        Ok(())
    }

    fn decode(&self, body: &[u8]) -> Result<u64> {
        let count = Top::parse(body).ok().and_then(|top| top.read("totalTokens"));
        count.ok_or_else(|| Error::new(Kind::InvalidReply, "countTokens: the answer has no totalTokens"))
    }
}

/// Writes the answer: `{"totalTokens": N}`, who counted and for which model.
pub fn encode_count(tokens: u64, source: &str, model: &str, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.u64("totalTokens", tokens);
    obj.text("promptTokensDetails", "[]");
    obj.str("litellm_count_source", source);
    obj.str("litellm_count_model", model);
}
