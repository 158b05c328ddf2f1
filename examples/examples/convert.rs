//! A pure format conversion, with `llm-wire` alone: an OpenAI chat request becomes an Anthropic Messages request, and
//! the answer comes back as an OpenAI answer. Nothing is sent anywhere.

use std::io::Write as _;

use anyhow::Result;
use bytes::BytesMut;
use llm_types::Format;
use llm_wire::registry::{client_generate, upstream_generate};
use llm_wire::{EncodeContext, ReplyContext, ReplyView, RequestView};

const CHAT: &str = r#"{
    "model": "my-claude",
    "max_completion_tokens": 64,
    "logit_bias": {"50256": -100},
    "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Weather in Paris?"}
    ],
    "tools": [{"type": "function", "function": {
        "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]
}"#;

const MESSAGE: &str = r#"{
    "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
    "content": [{"type": "tool_use", "id": "toolu_01", "name": "weather", "input": {"city": "Paris"}}],
    "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 31, "output_tokens": 12}
}"#;

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let client = client_generate(Format::OpenAiChat).ok_or_else(|| anyhow::anyhow!("no chat codec"))?;
    let upstream = upstream_generate(Format::AnthropicMessages).ok_or_else(|| anyhow::anyhow!("no messages codec"))?;

    // client's format → canonical form → upstream's format
    let view = RequestView { path: "/v1/chat/completions", query: "", body: CHAT.as_bytes() };
    let request = client.decode_request(&view)?;
    let mut context = EncodeContext::for_model("claude-sonnet-4-5");
    context.drop_params = true;
    let mut body = BytesMut::new();
    upstream.encode_request(&request, &mut context, &mut body)?;
    writeln!(out, "request: {}", std::str::from_utf8(&body)?)?;
    writeln!(out, "lost: {:?}", context.lost)?;

    // and the answer the other way round; what the encoder must remember for it travels in `hints`
    let reply = ReplyView { status: 200, provider: "anthropic", headers: &[], body: MESSAGE.as_bytes() };
    let back = ReplyContext { model: Some(request.model), hints: context.hints, ..ReplyContext::default() };
    let answer = upstream.decode_response(&reply, &back)?;
    let mut body = BytesMut::new();
    client.encode_response(&answer, &back, &mut body);
    writeln!(out, "answer: {}", std::str::from_utf8(&body)?)?;
    Ok(())
}
