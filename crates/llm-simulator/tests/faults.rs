//! Each fault as a client sees it, and the control a test has: order, queues, records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use client::{chat, chunks, events, messages, open, post, raw_post, read_all, send, sim};
use http::Method;
use http_body_util::BodyExt;
use llm_simulator::{Ended, Fault, Gate, Match, Running, Script};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn with(fault: &str, stream: bool) -> Value {
    json!({"model": "gpt-4o", "stream": stream,
           "messages": [{"role": "user", "content": format!("hello [[sim chunks=8 {fault}]]")}]})
}

/// A stream read to its end: the events, and whether HTTP ended well.
async fn stream(sim: &Running, fault: &str) -> (Vec<client::Event>, bool) {
    let response = open(sim, Method::POST, CHAT, &[], with(fault, true).to_string(), false).await.unwrap();
    assert_eq!(response.status(), 200);
    let (bytes, well) = read_all(response.into_body()).await;
    (events(&String::from_utf8_lossy(&bytes)), well)
}

fn contents(events: &[client::Event]) -> usize {
    let texts = events.iter().filter_map(|e| serde_json::from_str::<Value>(&e.data).ok());
    texts.filter(|c| c["choices"][0]["delta"]["content"].as_str().is_some_and(|t| !t.is_empty())).count()
}

async fn ended(sim: &Running) -> Ended {
    // the connection task notes the end a moment after the client saw it
    for _ in 0..200 {
        let state = sim.requests().last().unwrap().ended;
        if state != Ended::Open {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ended::Open
}

#[tokio::test]
async fn statuses_with_the_providers_body() {
    let sim = sim().await;
    let cases = [
        ("401", 401, json!("invalid_api_key")),
        ("404", 404, json!("model_not_found")),
        ("429", 429, json!("rate_limit_exceeded")),
        ("500", 500, Value::Null),
        ("503", 503, Value::Null),
        ("context", 400, json!("context_length_exceeded")),
        ("policy", 400, json!("content_policy_violation")),
        ("quota", 429, json!("insufficient_quota")),
    ];
    for (fault, status, code) in cases {
        let answer = chat(&sim, &with(&format!("fault={fault}"), true)).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &code), "{fault}");
        assert_eq!(answer.header("retry-after"), if status == 429 { "1" } else { "" });
    }
    let answer = chat(&sim, &with("fault=429 retry_after=7 message=\"slow down\"", false)).await;
    assert_eq!((answer.header("retry-after"), &answer.json()["error"]["message"]), ("7", &json!("slow down")));
    let answer = chat(&sim, &with("fault=empty", false)).await;
    assert_eq!((answer.status, answer.body.len()), (500, 0));
    let answer = chat(&sim, &with("fault=html", false)).await;
    assert_eq!((answer.status, answer.header("content-type")), (502, "text/html"));
    let answer = chat(&sim, &with("fault=wrong-type", true)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html"));
    let answer = chat(&sim, &with("fault=gzip", false)).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (200, "gzip"));
}

#[tokio::test]
async fn by_model_name_and_header() {
    let sim = sim().await;
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(chat(&sim, &ask("sim-error-429")).await.status, 429);
    assert_eq!(chat(&sim, &ask("sim-error-503-x2")).await.status, 503);
    assert_eq!(chat(&sim, &ask("sim-error-503-x2")).await.status, 503);
    assert_eq!(chat(&sim, &ask("sim-error-503-x2")).await.status, 200);
    let headers = [("x-sim-script", r#"{"fault": "500", "times": 1}"#)];
    let body = ask("gpt-4o").to_string();
    assert_eq!(send(&sim, Method::POST, CHAT, &headers, body.clone()).await.status, 500);
    assert_eq!(send(&sim, Method::POST, CHAT, &headers, body).await.status, 200);
    // embeddings too
    let body = json!({"model": "sim-error-500", "input": "x"});
    assert_eq!(post(&sim, "/v1/embeddings", &body).await.status, 500);
}

#[tokio::test]
async fn queues_and_nth_requests() {
    let sim = sim().await;
    let matcher = Match::model("gpt-4o");
    sim.queue(&matcher, [Script::fault(Fault::Status(503)), Script::text("first good")]);
    sim.script(Match::path("/west/").nth(2), Script::fault(Fault::Status(500)));
    let ask = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(chat(&sim, &ask).await.status, 503);
    assert_eq!(chat(&sim, &ask).await.json()["choices"][0]["message"]["content"], "first good");
    assert_eq!(chat(&sim, &ask).await.json()["choices"][0]["message"]["content"], "You said: x");
    let west = "/west/v1/chat/completions";
    let statuses =
        [post(&sim, west, &ask).await.status, post(&sim, west, &ask).await.status, post(&sim, west, &ask).await.status];
    assert_eq!(statuses, [200, 500, 200]);
    assert_eq!(sim.requests().len(), 6);
    assert_eq!(sim.requests()[5].path, west);
    sim.reset();
    assert!(sim.requests().is_empty());
}

#[tokio::test]
async fn connections_that_give_no_response() {
    let sim = sim().await;
    let (bytes, error) = raw_post(sim.addr(), CHAT, &with("fault=close", false)).await;
    assert_eq!((bytes.len(), error), (0, None));
    let (bytes, error) = raw_post(sim.addr(), CHAT, &with("fault=reset", false)).await;
    assert_eq!((bytes.len(), error), (0, Some(ErrorKind::ConnectionReset)));
    let (bytes, error) = raw_post(sim.addr(), CHAT, &with("fault=garbage", false)).await;
    assert!(!bytes.starts_with(b"HTTP/") && !bytes.is_empty() && error.is_none());
    assert!(sim.requests().iter().all(|r| r.ended == Ended::Fault));
    for fault in ["close", "reset", "garbage"] {
        let body = with(&format!("fault={fault}"), false).to_string();
        assert!(open(&sim, Method::POST, CHAT, &[], body, false).await.is_err(), "{fault}");
    }
}

#[tokio::test]
async fn refused_while_paused() {
    let sim = sim().await;
    sim.pause().await;
    let error = tokio::net::TcpStream::connect(sim.addr()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    sim.resume().await.unwrap();
    assert_eq!(chat(&sim, &with("", false)).await.status, 200);
}

#[tokio::test]
async fn streams_that_break() {
    let sim = sim().await;
    for fault in ["cut", "half-close"] {
        let (events, well) = stream(&sim, &format!("fault={fault} after=3")).await;
        assert!(!well, "{fault}");
        assert_eq!(contents(&events), 3, "{fault}");
        assert!(events.iter().all(|e| e.data != "[DONE]"));
    }
    assert_eq!(ended(&sim).await, Ended::Fault);
    // the raw bytes end in the middle of an event, with FIN; a reset is a reset
    let (bytes, error) = raw_post(sim.addr(), CHAT, &with("fault=cut after=3", true)).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(error.is_none() && !text.ends_with("\r\n") && !text.ends_with("0\r\n\r\n"), "{text}");
    assert!(text.rsplit("data: ").next().unwrap().len() > 40);
    let (_, error) = raw_post(sim.addr(), CHAT, &with("fault=reset after=3", true)).await;
    assert_eq!(error, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_half_closed_socket_still_takes_bytes() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let sim = sim().await;
    let body = with("fault=half-close after=1", true).to_string();
    let mut socket = tokio::net::TcpStream::connect(sim.addr()).await.unwrap();
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    socket.read_to_end(&mut seen).await.unwrap();
    assert!(seen.starts_with(b"HTTP/1.1 200"));
    // a closed peer would answer the first write with RST and fail the second
    for _ in 0..3 {
        socket.write_all(b"still here").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn streams_that_end_oddly() {
    let sim = sim().await;
    let done = |events: &[client::Event]| events.iter().filter(|e| e.data == "[DONE]").count();
    let finished = |events: &[client::Event]| events.iter().any(|e| e.data.contains("\"finish_reason\":\"stop\""));
    let (events, well) = stream(&sim, "fault=end-early after=3").await;
    assert!(well && done(&events) == 0 && !finished(&events) && contents(&events) == 3);
    let (events, well) = stream(&sim, "fault=no-end").await;
    assert!(well && done(&events) == 0 && finished(&events) && contents(&events) == 8);
    let (events, well) = stream(&sim, "fault=double-end").await;
    assert!(well && done(&events) == 2);
    assert_eq!(ended(&sim).await, Ended::Complete);
    let (events, well) = stream(&sim, "fault=malformed after=3").await;
    let broken: Vec<usize> = (0..events.len())
        .filter(|i| events[*i].data != "[DONE]" && serde_json::from_str::<Value>(&events[*i].data).is_err())
        .collect();
    // role chunk, three words, then the broken one
    assert!(well && broken == [4] && done(&events) == 1, "{broken:?}");
    let (events, well) = stream(&sim, "fault=error-event after=3 message=boom").await;
    let error = events.last().unwrap().json();
    assert!(well && contents(&events) == 3);
    assert_eq!(error["error"], json!({"message": "boom", "type": "server_error", "param": null, "code": null}));
    let (events, _) = stream(&sim, "fault=oversized-line size=3000000").await;
    assert!(events.iter().any(|e| e.data.len() > 3_000_000 && e.json().is_object()));
}

#[tokio::test]
async fn whole_replies_that_break() {
    let sim = sim().await;
    let answer = chat(&sim, &with("fault=malformed", false)).await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
    let answer = chat(&sim, &with("fault=error-event", false)).await;
    assert_eq!((answer.status, answer.json()["error"]["type"].clone()), (200, json!("server_error")));
    for fault in ["cut", "half-close", "reset after=1"] {
        let body = with(&format!("fault={fault}"), false).to_string();
        let response = open(&sim, Method::POST, CHAT, &[], body, false).await.unwrap();
        let announced: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let (bytes, well) = read_all(response.into_body()).await;
        assert!(!well && bytes.len() < announced, "{fault}");
    }
}

#[tokio::test]
async fn anthropic_streams_fail_in_their_own_format() {
    let sim = sim().await;
    let ask = |fault: &str| {
        json!({"model": "claude-sonnet-4-5", "max_tokens": 500, "stream": true,
               "messages": [{"role": "user", "content": format!("hello [[sim chunks=8 {fault}]]")}]})
    };
    let events = messages(&sim, &ask("fault=error-event after=3")).await.events();
    let last = events.last().unwrap();
    assert_eq!(last.name.as_deref(), Some("error"));
    assert_eq!(last.json()["error"], json!({"type": "overloaded_error", "message": "Overloaded"}));
    let events = messages(&sim, &ask("fault=no-end")).await.events();
    assert_eq!(events.last().unwrap().name.as_deref(), Some("message_delta"));
    let events = messages(&sim, &ask("fault=end-early after=2")).await.events();
    assert_eq!(events.last().unwrap().name.as_deref(), Some("content_block_delta"));
    let (bytes, error) = raw_post(sim.addr(), "/v1/messages", &ask("fault=cut after=2")).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(error.is_none() && !text.contains("message_stop") && text.contains("content_block_delta"));
}

#[tokio::test]
async fn a_gate_paces_a_stream() {
    let sim = sim().await;
    let gate = Gate::new();
    sim.script(Match::any(), Script::text("one two three").gate(&gate));
    let response = open(&sim, Method::POST, CHAT, &[], with("", true).to_string(), false).await.unwrap();
    let mut body = response.into_body();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_millis(200), body.frame()).await.ok()?;
        Some(String::from_utf8(frame?.unwrap().into_data().unwrap().to_vec()).unwrap())
    };
    assert!(next().await.unwrap().contains("assistant"));
    assert!(next().await.is_none(), "nothing passes a closed gate");
    gate.release(1);
    assert!(next().await.unwrap().contains("one "));
    assert!(next().await.is_none());
    gate.release(1);
    assert!(next().await.unwrap().contains("two "));
    gate.open();
    let mut rest = String::new();
    while let Some(more) = next().await {
        rest.push_str(&more);
        if rest.contains("[DONE]") {
            break;
        }
    }
    assert!(rest.contains("three") && rest.contains("[DONE]"));
}

#[tokio::test]
async fn a_stalled_stream_stays_open_until_the_client_leaves() {
    let sim = sim().await;
    let body = with("fault=stall after=2", true).to_string();
    let response = open(&sim, Method::POST, CHAT, &[], body, false).await.unwrap();
    let mut body = response.into_body();
    let mut seen = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(300), body.frame()).await {
        seen.extend_from_slice(frame.unwrap().data_ref().unwrap_or(&Bytes::new()));
    }
    assert_eq!(contents(&events(&String::from_utf8_lossy(&seen))), 2);
    assert_eq!(sim.requests()[0].ended, Ended::Open);
    drop(body);
    assert_eq!(ended(&sim).await, Ended::ClientGone);
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let sim = sim().await;
    let body = with("", true).to_string();
    let response = open(&sim, Method::POST, CHAT, &[], body, true).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    let (bytes, well) = read_all(response.into_body()).await;
    assert!(well && String::from_utf8(bytes).unwrap().ends_with("data: [DONE]\n\n"));
    assert!(sim.requests()[0].http2);
    for fault in ["cut", "half-close", "reset after=2"] {
        let body = with(&format!("fault={fault} after=2"), true).to_string();
        let response = open(&sim, Method::POST, CHAT, &[], body, true).await.unwrap();
        let (bytes, well) = read_all(response.into_body()).await;
        assert!(!well, "{fault}");
        assert_eq!(contents(&events(&String::from_utf8_lossy(&bytes))), 2, "{fault}");
    }
    assert!(open(&sim, Method::POST, CHAT, &[], with("fault=close", true).to_string(), true).await.is_err());
}

#[tokio::test]
async fn control_over_http() {
    let sim = sim().await;
    let rule = json!({"match": {"model": "gpt-4o"}, "script": {"fault": 503, "times": 1, "headers": {"x-extra": "1"}}});
    assert_eq!(post(&sim, "/__sim/script", &rule).await.status, 200);
    let failed = chat(&sim, &with("", false)).await;
    assert_eq!((failed.status, failed.header("x-extra")), (503, "1"));
    assert_eq!(chat(&sim, &with("", false)).await.status, 200);
    let seen = send(&sim, Method::GET, "/__sim/requests", &[], "").await.json();
    assert_eq!(seen.as_array().unwrap().len(), 2);
    assert_eq!((&seen[0]["path"], &seen[0]["ended"]), (&json!(CHAT), &json!("complete")));
    assert!(seen[0]["body"].as_str().unwrap().contains("gpt-4o"));
    assert_eq!(post(&sim, "/__sim/script", &json!({"script": {"frog": 1}})).await.status, 400);
    assert_eq!(post(&sim, "/__sim/reset", &json!({})).await.status, 200);
    assert!(sim.requests().is_empty());
}

#[tokio::test]
async fn requests_are_recorded_as_sent() {
    let sim = sim().await;
    let body = with("", false).to_string();
    let headers = [("authorization", "Bearer sk-x"), ("x-mine", "yes")];
    send(&sim, Method::POST, "/v1/chat/completions?a=1", &headers, body.clone()).await;
    let seen = sim.requests().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.query.as_str()), ("POST", CHAT, "a=1"));
    assert_eq!((seen.header("authorization"), seen.header("x-mine")), (Some("Bearer sk-x"), Some("yes")));
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(seen.ended, Ended::Complete);
    assert_eq!(sim.connections(), 1);
}

#[tokio::test]
async fn a_slow_head_comes_after_the_request_was_seen() {
    let sim = sim().await;
    let body = with("fault=slow delay_ms=400", false);
    let answer = chat(&sim, &body);
    let observed = async {
        while sim.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sim.requests()[0].ended
    };
    let (answer, observed) = tokio::join!(answer, observed);
    assert_eq!((answer.status, observed), (200, Ended::Open));
    assert!(chunks(&chat(&sim, &with("first_ms=1 gap_ms=1", true)).await).len() > 8);
}
