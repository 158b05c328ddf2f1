//! `POST /v1/responses/input_tokens`: the tokens of a prompt, nothing generated.
//! <https://platform.openai.com/docs/api-reference/responses/input-tokens>

use bytes::BytesMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Kind, Result};

use super::{Responses, request_encode};
use crate::codec::EncodeContext;
use crate::count::{CountCodec, with_path};
use crate::openai::object::Obj;
use crate::top::Top;

/// Fields of a request that are none of the prompt; the endpoint refuses most of them.
const GENERATION: [&str; 17] = [
    "stream",
    "stream_options",
    "store",
    "background",
    "max_output_tokens",
    "max_tool_calls",
    "temperature",
    "top_p",
    "top_logprobs",
    "service_tier",
    "include",
    "metadata",
    "user",
    "safety_identifier",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
];

impl CountCodec for Responses {
    fn place(&self, url: &str) -> String {
        with_path(url, |path| format!("{path}/input_tokens"))
    }

    fn encode(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut whole = BytesMut::new();
        request_encode::encode(req, ctx, &mut whole);
        out.extend_from_slice(&Top::parse(&whole)?.edited(&GENERATION.map(|key| (key, None))));
        Ok(())
    }

    fn decode(&self, body: &[u8]) -> Result<u64> {
        let count = Top::parse(body).ok().and_then(|top| top.read("input_tokens"));
        count.ok_or_else(|| Error::new(Kind::InvalidReply, "input_tokens: the answer has no input_tokens"))
    }
}

/// Writes the answer: `{"object":"response.input_tokens","input_tokens":N}`, and who counted, as LiteLLM tells it.
pub fn encode_count(tokens: u64, source: &str, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.str("object", "response.input_tokens");
    obj.u64("input_tokens", tokens);
    obj.str("litellm_count_source", source);
}
