//! What came in this format goes back as it came.

use bytes::BytesMut;
use llm_types::generate::{PartKind, ToolKind};
use llm_types::{Field, Kind, OperationKind};

use super::{fixtures, json, sorted};
use crate::anthropic::{Messages, encode_count};
use crate::codec::{
    ClientCodec, EncodeContext, Generate, Hints, ModelCaps, ReplyContext, ReplyView, RequestView, UpstreamCodec,
};
use crate::count::CountCodec;

fn context<'a>(model: &'a str) -> EncodeContext<'a> {
    EncodeContext {
        model,
        provider: "anthropic",
        caps: ModelCaps::default(),
        drop_params: false,
        modify_params: false,
        allowed: llm_types::FieldSet::EMPTY,
        lost: Vec::new(),
        hints: Hints::default(),
        betas: Vec::new(),
    }
}

fn decode(body: &str) -> llm_types::generate::GenerateRequest {
    Messages.decode_request(&RequestView { path: "/v1/messages", query: "", body: body.as_bytes() }).unwrap()
}

#[test]
fn requests_survive() {
    for (name, text) in fixtures(".request.json") {
        let req = decode(&text);
        let mut out = BytesMut::new();
        let mut ctx = context(&req.model);
        Messages.encode_request(&req, &mut ctx, &mut out).unwrap();
        assert_eq!(sorted(&json(&out)), sorted(&json(text.as_bytes())), "{name}");
        assert!(ctx.lost.is_empty(), "{name}: {:?}", ctx.lost);
    }
}

#[test]
fn betas_follow_from_the_body() {
    let all = fixtures(".request.json");
    let pick = |wanted: &str| all.iter().find(|(n, _)| n.starts_with(wanted)).unwrap().1.clone();
    let betas = |wanted: &str| {
        let req = decode(&pick(wanted));
        let mut ctx = context(&req.model);
        Messages.encode_request(&req, &mut ctx, &mut BytesMut::new()).unwrap();
        ctx.betas.sort_unstable();
        ctx.betas
    };
    assert_eq!(
        betas("hosted-tools"),
        [
            "code-execution-2025-08-25",
            "computer-use-2025-01-24",
            "context-management-2025-06-27",
            "mcp-client-2025-04-04",
            "skills-2025-10-02"
        ]
    );
    assert_eq!(betas("media"), ["code-execution-2025-05-22", "files-api-2025-04-14"]);
    assert_eq!(betas("output-format"), ["structured-outputs-2025-11-13"]);
    assert_eq!(betas("output-config"), ["effort-2025-11-24", "structured-outputs-2025-11-13"]);
    assert!(betas("minimal").is_empty());
}

#[test]
fn responses_survive() {
    let ctx = ReplyContext { upstream: Some(super::super::FORMAT), ..ReplyContext::default() };
    for (name, text) in fixtures(".response.json") {
        let reply = ReplyView { status: 200, provider: "anthropic", headers: &[], body: text.as_bytes() };
        let resp = Messages.decode_response(&reply, &ctx).unwrap();
        let mut out = BytesMut::new();
        Messages.encode_response(&resp, &ctx, &mut out);
        assert_eq!(sorted(&json(&out)), sorted(&json(text.as_bytes())), "{name}");
    }
}

#[test]
fn raw_text_keeps_its_order() {
    let body = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],
        "tools":[{"name":"f","input_schema":{"type":"object","required":["z"],"properties":{"z":{"type":"string"},"a":{}}}}]}"#;
    let req = decode(body);
    let mut out = BytesMut::new();
    Messages.encode_request(&req, &mut context("m"), &mut out).unwrap();
    let text = std::str::from_utf8(&out).unwrap();
    assert!(
        text.contains(
            r#""input_schema":{"type":"object","required":["z"],"properties":{"z":{"type":"string"},"a":{}}}"#
        )
    );
}

#[test]
fn what_is_read_is_typed() {
    let body = r#"{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"21C"}]}],
        "tools":[{"name":"f","input_schema":{}},{"type":"bash_20250124","name":"bash"}],
        "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"output_config":{"effort":"low"}}"#;
    let req = decode(body);
    assert!(req.stream && req.fields().has(Field::Tools));
    assert_eq!((req.parallel_tool_calls, req.reasoning.output_effort.as_deref()), (Some(false), Some("low")));
    assert!(matches!(req.tools[1].kind, ToolKind::Hosted { .. }));
    let PartKind::ToolResult(result) = &req.turns[0].parts[0].kind else { panic!("not a tool result") };
    assert!(result.flat && result.parts[0].as_text() == Some("21C"));
    assert_eq!(OperationKind::Generate.call_type(super::super::FORMAT), "anthropic_messages");
}

#[test]
fn senseless_requests_name_the_field() {
    for (name, text) in fixtures(".bad.json") {
        let view = RequestView { path: "", query: "", body: text.as_bytes() };
        let err = ClientCodec::<Generate>::decode_request(&Messages, &view).unwrap_err();
        let param = match name.trim_end_matches(".bad.json") {
            "list" => "request_body",
            "no-messages" | "messages-string" => "messages",
            "role" | "no-content" | "content-number" | "block-string" => "messages.0",
            "model-number" => "model",
            "max-tokens" => "max_tokens",
            "tools-object" => "tools",
            "system-number" => "system",
            "stop-string" => "stop_sequences",
            other => panic!("{other}: which field?"),
        };
        assert_eq!((err.kind, err.param.as_deref()), (Kind::BadRequest, Some(param)), "{name}");
    }
}

#[test]
fn counting_sends_the_prompt_only() {
    let body = r#"{"model":"m","max_tokens":5,"temperature":1,"stream":true,"stop_sequences":["x"],"system":"s",
        "thinking":{"type":"disabled"},"messages":[{"role":"user","content":"hi"}]}"#;
    let mut out = BytesMut::new();
    Messages.encode(&decode(body), &mut context("claude"), &mut out).unwrap();
    let keys: Vec<String> = json(&out).as_object().unwrap().iter().map(|(k, _)| k.clone()).collect();
    assert_eq!(keys, ["model", "system", "messages", "thinking"]);
    let mut answer = BytesMut::new();
    encode_count(17, "provider", &mut answer);
    assert_eq!(CountCodec::decode(&Messages, &answer).unwrap(), 17);
    assert_eq!(CountCodec::decode(&Messages, b"{}").unwrap_err().kind, Kind::InvalidReply);
}
