//! Answers and errors across formats.

use std::time::Duration;

use bytes::BytesMut;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall, UsageReport};
use llm_types::stream::{Event, PartStart};
use llm_types::{Error, Format, Kind, ServiceTier, Usage, UsageSource};

use super::{fixtures, json};
use crate::anthropic::{Messages, decode_usage};
use crate::codec::{ClientCodec, Generate, Hints, ReplyContext, ReplyView, UpstreamCodec};

fn decode(body: &str, hints: Hints) -> GenerateResponse {
    let ctx = ReplyContext { hints, ..ReplyContext::default() };
    Messages
        .decode_response(&ReplyView { status: 200, provider: "anthropic", headers: &[], body: body.as_bytes() }, &ctx)
        .unwrap()
}

fn fixture(wanted: &str) -> String {
    let all = fixtures(".response.json");
    all.into_iter().find(|(n, _)| n.starts_with(wanted)).unwrap().1
}

#[test]
fn usage_falls_into_disjoint_buckets() {
    let cached = decode(&fixture("cache-write"), Hints::default()).usage.unwrap().usage;
    assert_eq!(
        (cached.input_text, cached.cache_read, cached.cache_write_5m, cached.cache_write_1h),
        (50, 700, 1200, 100)
    );
    assert_eq!((cached.total_input(), cached.service_tier), (2050, Some(ServiceTier::Batch)));
    let thought = decode(&fixture("thinking"), Hints::default()).usage.unwrap().usage;
    assert_eq!((thought.reasoning, thought.output_text, thought.total_output()), (30, 10, 40));
    let compacted = decode(&fixture("iterations"), Hints::default()).usage.unwrap().usage;
    assert_eq!((compacted.input_text, compacted.output_text, compacted.cache_read), (1010, 205, 3));
    let searched = decode(&fixture("web-search"), Hints::default()).usage.unwrap().usage;
    assert_eq!((searched.web_search_medium, searched.source), (2, UsageSource::Reported));
    let unsplit = decode_usage(r#"{"input_tokens":null,"cache_creation_input_tokens":7}"#, UsageSource::Partial);
    assert_eq!((unsplit.input_text, unsplit.cache_write_5m), (0, 7));
}

#[test]
fn ends_are_understood() {
    use FinishReason as R;
    for (name, reason) in [
        ("text", R::Stop),
        ("stop-sequence", R::StopSequence),
        ("max-tokens", R::Length),
        ("tool-call", R::ToolCalls),
        ("refusal", R::Refusal),
        ("pause-turn", R::Pause),
        ("new-stop-reason", R::Stop),
    ] {
        let finish = decode(&fixture(name), Hints::default()).choices.remove(0).finish.unwrap();
        assert_eq!(finish.reason, reason, "{name}");
    }
}

#[test]
fn the_json_tool_is_the_text() {
    let body = |blocks: &str| format!(r#"{{"id":"m","content":[{blocks}],"stop_reason":"tool_use"}}"#);
    let hints = || Hints { json_tool: true, ..Hints::default() };
    let json_call = r#"{"type":"tool_use","id":"a","name":"json_tool_call","input":{"z":1,"a":2}}"#;
    let alone = decode(&body(&format!(r#"{{"type":"text","text":"Here:"}},{json_call}"#)), hints());
    assert_eq!(alone.text(), r#"{"z":1,"a":2}"#);
    assert_eq!(alone.choices[0].finish.as_ref().unwrap().reason, FinishReason::Stop);
    let wrapped = json_call.replace(r#"{"z":1,"a":2}"#, r#"{"values":[1,2]}"#);
    assert_eq!(decode(&body(&wrapped), hints()).text(), "[1,2]");
    let other = r#"{"type":"tool_use","id":"b","name":"f","input":{}}"#;
    let both = decode(&body(&format!("{json_call},{other}")), hints());
    assert_eq!(both.choices[0].finish.as_ref().unwrap().reason, FinishReason::ToolCalls);
    assert_eq!((both.text().as_ref(), both.choices[0].parts.len()), (r#"{"z":1,"a":2}"#, 2));
}

#[test]
fn names_and_prefix_come_back() {
    let body = r#"{"content":[{"type":"text","text":" fall"},{"type":"tool_use","id":"a","name":"get_x","input":{}}],"stop_reason":"end_turn"}"#;
    let hints =
        Hints { tool_names: vec![("get_x".into(), "get.x".into())], prefix: Some("Leaves".into()), ..Hints::default() };
    let resp = decode(body, hints);
    assert_eq!(resp.text(), "Leaves fall");
    assert!(matches!(&resp.choices[0].parts[1].kind, PartKind::ToolCall(c) if c.name == "get.x"));
}

#[test]
fn foreign_answers_are_written() {
    let call = |id: &str, arguments: &str| {
        Part::new(PartKind::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into() }))
    };
    let thought = Part::new(PartKind::Thinking { text: "hm".into(), signature: None });
    let parts =
        vec![thought, Part::text(""), Part::text("Hi"), call("a", ""), call("b", "{\"x\": 1}"), call("c", "oops")];
    let usage = Usage { input_text: 500, cache_read: 1500, output_text: 4, reasoning: 5, ..Usage::default() };
    let resp = GenerateResponse {
        id: "chatcmpl-1".into(),
        model: "gpt".into(),
        choices: vec![Choice { parts, finish: Some(Finish::new(FinishReason::ToolCalls)), ..Choice::default() }],
        usage: Some(UsageReport { usage, raw: None }),
        ..GenerateResponse::default()
    };
    let ctx = ReplyContext {
        fallback_id: "msg_1".into(),
        model: Some("mine".into()),
        upstream: Some(Format::OpenAiChat),
        ..ReplyContext::default()
    };
    let mut out = BytesMut::new();
    Messages.encode_response(&resp, &ctx, &mut out);
    let expected = r#"{"id":"msg_1","type":"message","role":"assistant","model":"mine","content":[{"type":"thinking","thinking":"hm","signature":null},{"type":"text","text":"Hi"},{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{"x": 1}},{"type":"tool_use","id":"c","name":"f","input":{"arguments":"oops"}}],"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":500,"output_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":1500}}"#;
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
}

#[test]
fn errors_of_the_upstream_are_understood() {
    let expected = [
        ("authentication", 401, Kind::Authentication),
        ("bad-request", 400, Kind::BadRequest),
        ("content-policy", 400, Kind::ContentPolicy),
        ("internal", 500, Kind::Internal),
        ("not-found", 404, Kind::NotFound),
        ("overloaded", 529, Kind::Internal),
        ("page", 502, Kind::BadGateway),
        ("permission", 403, Kind::PermissionDenied),
        ("prompt-too-long", 400, Kind::ContextWindow),
        ("rate-limit", 429, Kind::RateLimit),
        ("too-large", 413, Kind::BadRequest),
        ("unprocessable", 422, Kind::BadRequest),
    ];
    let all = fixtures(".error.json");
    assert_eq!(all.len(), expected.len());
    for ((name, body), (wanted, status, kind)) in all.into_iter().zip(expected) {
        assert_eq!(name, format!("{wanted}.{status}.error.json"));
        let headers = [("retry-after", "7"), ("request-id", "req_1"), ("set-cookie", "x")];
        let reply = ReplyView { status, provider: "anthropic", headers: &headers, body: body.as_bytes() };
        let err = UpstreamCodec::<Generate>::decode_error(&Messages, &reply);
        assert_eq!(err.kind, kind, "{name}");
        assert_eq!(err.retry_after, Some(Duration::from_secs(7)));
        let detail = err.upstream.as_ref().unwrap();
        assert_eq!((detail.status, detail.headers.len()), (status, 2));
        assert!(err.message.starts_with(&format!("litellm.{}: Anthropic", kind.facts().class)), "{}", err.message);
        assert!(err.message.contains(body.trim()), "{name}");
    }
}

#[test]
fn odd_error_bodies_are_errors_too() {
    let decode = |status, body: &'static [u8]| {
        UpstreamCodec::<Generate>::decode_error(
            &Messages,
            &ReplyView { status, provider: "anthropic", headers: &[], body },
        )
    };
    let html = decode(502, b"<html>Bad Gateway</html>");
    assert_eq!(html.message, "litellm.BadGatewayError: AnthropicException BadGatewayError - <html>Bad Gateway</html>");
    let empty = decode(500, b"");
    assert_eq!(
        empty.message,
        "litellm.InternalServerError: AnthropicException - . Handle with `litellm.InternalServerError`."
    );
    assert_eq!((decode(422, b"{}").kind, decode(422, b"{}").status()), (Kind::BadRequest, 422));
    assert_eq!(decode(429, b"{}").openai_type(), "throttling_error");
    let ctx = ReplyContext::default();
    let hidden = br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#;
    let reply = |body| ReplyView { status: 200, provider: "anthropic", headers: &[], body };
    assert_eq!(Messages.decode_response(&reply(hidden), &ctx).unwrap_err().kind, Kind::RateLimit);
    for body in [&b"{}"[..], b"[]", b"{\"content\":5}", b"", b"<html>"] {
        assert_eq!(Messages.decode_response(&reply(body), &ctx).unwrap_err().kind, Kind::InvalidReply);
    }
}

#[test]
fn errors_for_clients() {
    for (kind, word) in [
        (Kind::BadRequest, "invalid_request_error"),
        (Kind::UnsupportedParams, "invalid_request_error"),
        (Kind::Authentication, "authentication_error"),
        (Kind::PermissionDenied, "permission_error"),
        (Kind::NotFound, "not_found_error"),
        (Kind::TooLarge, "request_too_large"),
        (Kind::RateLimit, "rate_limit_error"),
        (Kind::Timeout, "api_error"),
        (Kind::Internal, "api_error"),
        (Kind::Unavailable, "api_error"),
    ] {
        let mut out = BytesMut::new();
        ClientCodec::<Generate>::encode_error(&Messages, &Error::new(kind, "a \"b\""), &mut out);
        let got = json(&out);
        let error = got.get("error").unwrap();
        assert_eq!(got.get("type").unwrap().as_str(), Some("error"));
        assert_eq!(
            (error.get("type").unwrap().as_str(), error.get("message").unwrap().as_str()),
            (Some(word), Some("a \"b\""))
        );
    }
}

#[test]
fn shortened_names_are_told_as_the_client_gave_them() {
    let hints = Hints { tool_names: vec![("short".into(), "a_long_name".into())], ..Hints::default() };
    let ctx = ReplyContext { hints, upstream: Some(Format::OpenAiChat), ..ReplyContext::default() };
    let call = ToolCall { id: "t1".into(), name: "short".into(), arguments: "{}".into() };
    let choice = Choice { parts: vec![Part::new(PartKind::ToolCall(call))], ..Choice::default() };
    let answer = GenerateResponse { choices: vec![choice], ..GenerateResponse::default() };
    let mut out = BytesMut::new();
    Messages.encode_response(&answer, &ctx, &mut out);
    assert_eq!(json(&out).get("content").unwrap().as_array().unwrap()[0].text("name"), Some("a_long_name"));
    let mut encoder = ClientCodec::<Generate>::stream_encoder(&Messages, &ctx).unwrap();
    let mut out = BytesMut::new();
    let kind = PartStart::ToolCall { id: "t1".into(), name: "short".into() };
    for event in [Event::Start(Box::default()), Event::PartStart { choice: 0, part: 0, kind }] {
        encoder.event(&event, &mut out);
    }
    assert!(std::str::from_utf8(&out).unwrap().contains(r#""name":"a_long_name""#));
}

#[test]
fn refusals_say_why() {
    let finish = Finish::new(FinishReason::Refusal);
    let part = Part::new(PartKind::Refusal("I cannot.".into()));
    let choice = Choice { parts: vec![part], finish: Some(finish), ..Choice::default() };
    let answer = GenerateResponse { choices: vec![choice], ..GenerateResponse::default() };
    let ctx = ReplyContext { upstream: Some(Format::OpenAiChat), ..ReplyContext::default() };
    let mut out = BytesMut::new();
    Messages.encode_response(&answer, &ctx, &mut out);
    let details = json(&out).get("stop_details").unwrap().to_string();
    assert_eq!(details, r#"{"type":"refusal","category":null,"explanation":"I cannot."}"#);
}
