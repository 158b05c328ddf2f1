//! `POST /model/{id}/count-tokens`: the tokens of a prompt, nothing generated.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>

use bytes::BytesMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Kind, Result};

use super::{Converse, request_encode};
use crate::codec::EncodeContext;
use crate::count::{CountCodec, with_path};
use crate::openai::object::Obj;
use crate::top::Top;

impl CountCodec for Converse {
    fn place(&self, url: &str) -> String {
        with_path(url, |path| match path.rsplit_once('/') {
            Some((model, _)) => format!("{model}/count-tokens"),
            None => path.to_owned(),
        })
    }

    /// The conversation, the system texts and the tools, as LiteLLM asks for them.
    fn encode(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let mut whole = BytesMut::new();
        request_encode::encode(req, ctx, &mut whole)?;
        let top = Top::parse(&whole)?;
        let mut body = BytesMut::new();
        let mut obj = Obj::open(&mut body);
        for part in ["messages", "system"] {
            if let Some(said) = top.get(part).filter(|said| *said != "[]") {
                obj.text(part, said);
            }
        }
        let tools = top.get("toolConfig").and_then(|config| Top::parse(config.as_bytes()).ok());
        if let Some(tools) = tools.as_ref().and_then(|config| config.get("tools")) {
            obj.text("toolConfig", &format!(r#"{{"tools":{tools}}}"#));
        }
        drop(obj);
        let mut input = Obj::open(out);
        input.text("input", &format!(r#"{{"converse":{}}}"#, String::from_utf8_lossy(&body)));
        Ok(())
    }

    fn decode(&self, body: &[u8]) -> Result<u64> {
        let count = Top::parse(body).ok().and_then(|top| top.read("inputTokens"));
        count.ok_or_else(|| Error::new(Kind::InvalidReply, "count-tokens: the answer has no inputTokens"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anthropic::Messages;
    use crate::codec::{ClientCodec, Generate, RequestView};

    #[test]
    fn the_prompt_alone_is_sent() {
        let body = br#"{"model":"m","max_tokens":5,"system":"s","messages":[{"role":"user","content":"hi"}],
            "tool_choice":{"type":"any"},"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}]}"#;
        let view = RequestView { path: "", query: "", body };
        let req = ClientCodec::<Generate>::decode_request(&Messages, &view).unwrap();
        let mut out = BytesMut::new();
        Converse.encode(&req, &mut EncodeContext::for_model("anthropic.claude-3-7-sonnet"), &mut out).unwrap();
        let schema = r#"{"type":"object","properties":{},"required":[]}"#;
        let tool = format!(r#"{{"toolSpec":{{"name":"f","description":"d","inputSchema":{{"json":{schema}}}}}}}"#);
        let said = r#""messages":[{"role":"user","content":[{"text":"hi"}]}],"system":[{"text":"s"}]"#;
        let whole = format!(r#"{{"input":{{"converse":{{{said},"toolConfig":{{"tools":[{tool}]}}}}}}}}"#);
        assert_eq!(String::from_utf8_lossy(&out), whole);
        assert_eq!(Converse.place("https://h/model/m/converse"), "https://h/model/m/count-tokens");
        assert_eq!(Converse.place("https://h/model/m/invoke?a=1"), "https://h/model/m/count-tokens?a=1");
        assert_eq!(Converse.decode(br#"{"inputTokens":7}"#).unwrap(), 7);
        assert!(Converse.decode(b"{}").is_err());
    }
}
