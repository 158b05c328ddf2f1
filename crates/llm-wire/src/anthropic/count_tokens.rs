//! `POST /v1/messages/count_tokens`: the tokens of a prompt, nothing generated.
//! <https://docs.anthropic.com/en/api/messages-count-tokens>

use bytes::BytesMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Kind, Result};

use super::Messages;
use super::object::Object;
use super::request_encode::{Purpose, encode};
use crate::codec::EncodeContext;
use crate::count::{CountCodec, with_path};
use crate::top::Top;

impl CountCodec for Messages {
    /// Below `messages`; at Vertex AI a model of its own counts for all others.
    fn place(&self, url: &str) -> String {
        with_path(url, |path| match path.rsplit_once('/') {
            Some((before, verb)) if verb.ends_with("awPredict") => format!("{before}/count-tokens:rawPredict"),
            _ => format!("{path}/count_tokens"),
        })
    }

    fn encode(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        encode(req, ctx, Purpose::CountTokens, out)
    }

    fn decode(&self, body: &[u8]) -> Result<u64> {
        let count = Top::parse(body).ok().and_then(|top| top.read("input_tokens"));
        count.ok_or_else(|| Error::new(Kind::InvalidReply, "count_tokens: the answer has no input_tokens"))
    }
}

/// Writes the answer: `{"input_tokens": N}`, and who counted.
pub fn encode_count(tokens: u64, source: &str, out: &mut BytesMut) {
    let mut o = Object::open(out);
    o.json("input_tokens", &tokens);
    o.str("litellm_count_source", source);
    o.close();
}
