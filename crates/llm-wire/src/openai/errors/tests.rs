use std::time::Duration;

use super::*;

#[test]
fn text_outranks_status() {
    for (status, text, kind) in [
        (400, "This model's maximum context length is 8192 tokens", Kind::ContextWindow),
        (400, "code content_policy_violation", Kind::ContentPolicy),
        (400, "Rate limit reached", Kind::RateLimit),
        (0, "status 429 returned", Kind::RateLimit),
        (400, "max is 4290 tokens", Kind::BadRequest),
        (404, r#"{"type":"invalid_request_error","code":"model_not_found"}"#, Kind::NotFound),
        (403, "no access", Kind::PermissionDenied),
        (504, "", Kind::Timeout),
        (529, "Overloaded", Kind::Api),
        (0, "refused", Kind::Connection),
    ] {
        assert_eq!(kind_of(status, text), kind, "{status} {text}");
    }
}

#[test]
fn replies_keep_what_the_upstream_said() {
    let headers = [("retry-after", "7"), ("x-ratelimit-remaining-requests", "0"), ("set-cookie", "x")];
    let body =
        br#"{"error":{"message":"Slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#;
    let e = decode(&ReplyView { status: 429, provider: "acme", headers: &headers, body });
    assert_eq!(e.kind, Kind::RateLimit);
    assert_eq!(e.message, "litellm.RateLimitError: RateLimitError: AcmeException - Slow down");
    assert_eq!(e.retry_after, Some(Duration::from_secs(7)));
    let detail = e.upstream.clone().unwrap();
    assert_eq!(detail.code.as_deref(), Some("rate_limit_exceeded"));
    assert_eq!(detail.headers.len(), 2);
    let mut out = BytesMut::new();
    encode(&e, &mut out);
    let text = std::str::from_utf8(&out).unwrap();
    assert!(text.ends_with(r#""type":"throttling_error","param":null,"code":"429"}}"#), "{text}");
}

#[test]
fn the_type_can_be_kept() {
    let body = br#"{"error":{"message":"Bad gateway","type":"invalid_request_error"}}"#;
    let mut e = decode(&ReplyView { status: 502, provider: "openai", headers: &[], body });
    assert_eq!(e.openai_type(), "internal_server_error");
    keep_invalid_request(&mut e, false);
    assert_eq!((e.openai_type(), e.status()), ("invalid_request_error", 502));
    assert_eq!(carried_type(&e), "invalid_request_error");
    let wrong_key = |chat| {
        let mut e = decode(&ReplyView { status: 401, provider: "openai", headers: &[], body });
        keep_invalid_request(&mut e, chat);
        (e.openai_type().to_owned(), carried_type(&e).to_owned())
    };
    assert_eq!(wrong_key(true), ("invalid_request_error".to_owned(), String::new()));
    assert_eq!(wrong_key(false), ("authentication_error".to_owned(), String::new()));
}

#[test]
fn errors_inside_streams_depend_on_how_the_provider_is_reached() {
    let read = |raw, how| {
        let e = decode_in_stream(raw, "openai", how);
        (e.kind, e.status(), e.openai_type().to_owned())
    };
    let busy = r#"{"message":"Broken","type":"server_error","code":503}"#;
    assert_eq!(read(busy, StreamErrors::ByCode), (Kind::Unavailable, 503, "internal_server_error".to_owned()));
    assert_eq!(read(busy, StreamErrors::Connection), (Kind::Connection, 500, String::new()));
    assert_eq!(read(busy, StreamErrors::Api), (Kind::Api, 503, String::new()));
    let slow = r#"{"message":"Rate limit reached","code":429}"#;
    assert_eq!(read(slow, StreamErrors::Connection), (Kind::RateLimit, 429, "throttling_error".to_owned()));
}

#[test]
fn a_text_that_tells_of_a_timeout_counts_more_than_the_status() {
    let body = br#"{"error":{"message":"Request timed out"}}"#;
    let e = decode(&ReplyView { status: 500, provider: "acme", headers: &[], body });
    assert_eq!((e.kind, e.status(), e.openai_type()), (Kind::Timeout, 408, "invalid_request_error"));
    let e = decode(&ReplyView { status: 504, provider: "acme", headers: &[], body });
    assert_eq!((e.kind, e.status()), (Kind::Timeout, 408));
    let detail = UpstreamDetail { status: 503, body: bytes::Bytes::from_static(body), ..UpstreamDetail::default() };
    let mut foreign = Error::upstream(Kind::Unavailable, "no", detail).with_status(503);
    hear_timeout(&mut foreign);
    assert_eq!((foreign.kind, foreign.status()), (Kind::Timeout, 408));
}

#[test]
fn older_routes_tell_what_the_exception_carries() {
    let read = |status| decode(&ReplyView { status, provider: "x", headers: &[], body: b"no" });
    for (status, kind) in [(401, ""), (404, ""), (429, "throttling_error"), (500, "internal_server_error"), (503, "")] {
        assert_eq!(carried_type(&read(status)), kind, "{status}");
    }
    assert_eq!(carried_type(&Error::bad_request("ours")), "invalid_request_error");
    assert_eq!(carried_type(&Error::new(Kind::UnsupportedParams, "x")), "None");
}

#[test]
fn any_body_is_an_error() {
    let read = |status, body: &'static [u8]| decode(&ReplyView { status, provider: "openai", headers: &[], body });
    assert!(read(502, b"<html>").message.ends_with("OpenAIException - <html>"));
    assert!(read(500, b"").message.ends_with("OpenAIException - Error code: 500"));
    assert!(read(400, br#"{"error":"no such thing"}"#).message.ends_with(" - no such thing"));
    assert_eq!(read(529, b"x").status(), 529);
    assert_eq!(read(200, b"x").status(), 500);
}
