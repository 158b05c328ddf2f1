//! Bad input: the status, type, param and code of LiteLLM (its semantics, section 11), and no request upstream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use bytes::Bytes;
use http::Method;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Reply, calls, events, eventually, joined_text};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn started(config: impl FnOnce(Config) -> Config) -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(Config::standard(&sim)).yaml()).await.unwrap();
    (sim, gateway)
}

fn hello() -> Value {
    json!({"model": "gpt", "messages": [{"role": "user", "content": "hello"}]})
}

/// `hello` with fields replaced or added.
fn with(fields: &Value) -> Value {
    let mut body = hello();
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// OpenAI's error shape, with the status repeated as a string.
fn assert_error(reply: &Reply, status: u16, kind: &str, what: &str) -> Value {
    let body = reply.json();
    assert_eq!(reply.status, status, "{what}: {}", reply.text());
    assert!(reply.header("content-type").starts_with("application/json"), "{what}");
    let error = body["error"].clone();
    assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{what}: {body}");
    assert_eq!(error["code"], json!(status.to_string()), "{what}: {body}");
    assert_eq!(error["type"], json!(kind), "{what}: {body}");
    assert!(error.as_object().unwrap().contains_key("param"), "{what}: {body}");
    error
}

async fn raw(gateway: &Gateway, key: &str, body: impl Into<Bytes>) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    gateway.send(Method::POST, CHAT, &headers, body.into()).await.unwrap()
}

#[tokio::test]
async fn broken_json() {
    let (sim, gateway) = started(|c| c).await;
    for body in
        ["{\"model\": \"gpt\", ", "not json", "{\"model\": \"gpt\"} trailing", "\u{feff}{", "[1,2", "{'model': 'gpt'}"]
    {
        let error = assert_error(&raw(&gateway, MASTER_KEY, body).await, 400, "invalid_request_error", body);
        assert_eq!(error["param"], "request_body", "{body}");
    }
    // with a bad key as well, the body is what the client hears about
    assert_error(&raw(&gateway, "sk-wrong-wrong-wrong", "{").await, 400, "invalid_request_error", "both bad");
    for body in [&b"\xff\xfe{}"[..], b"{\"model\": \"\xc3\x28\"}", b"{\"a\": \"\x00\"}"] {
        let reply = raw(&gateway, MASTER_KEY, Bytes::copy_from_slice(body)).await;
        assert_eq!(reply.status, 400, "{body:?}: {}", reply.text());
    }
    assert!(calls(&sim).is_empty(), "a broken body went upstream");
}

#[tokio::test]
async fn deep_nesting_and_odd_numbers_do_no_harm() {
    let (_sim, gateway) = started(|c| c).await;
    let deep = format!("{{\"model\": \"gpt\", \"messages\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!((400..500).contains(&raw(&gateway, MASTER_KEY, deep).await.status));
    let odd = r#"{"model": "gpt", "messages": [{"role": "user", "content": "x"}], "seed": 1e999}"#;
    assert!(raw(&gateway, MASTER_KEY, odd).await.status < 500);
    assert_eq!(gateway.ask(CHAT, &hello()).await.unwrap().status, 200, "it still works");
}

#[tokio::test]
async fn keys() {
    let (sim, gateway) = started(|c| c).await;
    let none = gateway.post(CHAT, &hello(), "").await.unwrap();
    let error = assert_error(&none, 401, "auth_error", "no key");
    assert_eq!(error["param"], "None");
    assert!(error["message"].as_str().unwrap().contains("No api key passed in"), "{error}");
    let unknown = gateway.post(CHAT, &hello(), "sk-unknown-0123456789abcdef").await.unwrap();
    let error = assert_error(&unknown, 401, "token_not_found_in_db", "unknown key");
    assert!(!error["message"].as_str().unwrap().contains("sk-unknown-0123456789abcdef"), "the key is shown: {error}");
    assert_eq!(gateway.post(CHAT, &hello(), "no-prefix-key").await.unwrap().status, 401);
    let headers = [("content-type", "application/json"), ("authorization", MASTER_KEY)];
    let bare = gateway.send(Method::POST, CHAT, &headers, hello().to_string().into()).await.unwrap();
    assert_eq!(bare.status, 401, "a key without a scheme is no key: {}", bare.text());
    assert_eq!(gateway.get("/v1/models", "").await.unwrap().status, 401);
    assert_eq!(gateway.get("/key/list", "").await.unwrap().status, 401);
    assert!(calls(&sim).is_empty());
}

#[tokio::test]
async fn models_and_messages() {
    let (sim, gateway) = started(|c| c).await;
    let error = assert_error(
        &gateway.ask(CHAT, &with(&json!({"model": "no-such-model"}))).await.unwrap(),
        400,
        "invalid_request_error",
        "unknown model",
    );
    assert!(error["message"].as_str().unwrap().contains("no-such-model"), "{error}");
    let missing = gateway.ask(CHAT, &json!({"model": "gpt"})).await.unwrap();
    let error = assert_error(&missing, 400, "invalid_request_error", "missing messages");
    assert_eq!(error["param"], "messages");
    let url = gateway.ask(CHAT, &with(&json!({"model": "http://169.254.169.254/latest"}))).await.unwrap();
    assert_eq!(url.status, 400, "{}", url.text());
    assert!(calls(&sim).is_empty());
}

#[tokio::test]
async fn wrong_types_get_a_client_error() {
    let (_sim, gateway) = started(|c| c).await;
    let cases = [
        json!({"messages": "hi"}),
        json!({"messages": 5}),
        json!({"messages": [5]}),
        json!({"messages": [{"role": "robot", "content": "x"}]}),
        json!({"messages": [{"role": "user", "content": 5}]}),
        json!({"messages": [{"content": "x"}]}),
        json!({"messages": []}),
        json!({"model": 5}),
        json!({"model": null}),
        json!({"model": ["gpt"]}),
        json!({"stream": "perhaps"}),
        json!({"temperature": "hot"}),
        json!({"temperature": 99}),
        json!({"max_tokens": "many"}),
        json!({"max_tokens": -1}),
        json!({"tools": "all"}),
        json!({"metadata": 5}),
    ];
    for model in ["gpt", "claude"] {
        for case in &cases {
            let mut body = with(case);
            if case.get("model").is_none() {
                body["model"] = json!(model);
            }
            let reply = gateway.ask(CHAT, &body).await.unwrap();
            // LiteLLM leaves some of these to the provider and ignores others; none may be the gateway's own failure
            assert!(reply.status < 500, "{model} {case}: {} {}", reply.status, reply.text());
            if reply.status != 200 {
                assert!(reply.json()["error"]["message"].is_string(), "{model} {case}: {}", reply.text());
            }
        }
    }
    for body in ["[]", "5", "\"text\"", "null", ""] {
        let reply = raw(&gateway, MASTER_KEY, body).await;
        assert!((400..500).contains(&reply.status), "{body:?}: {} {}", reply.status, reply.text());
    }
    assert_eq!(gateway.ask(CHAT, &hello()).await.unwrap().status, 200, "it still works");
}

#[tokio::test]
async fn oversize_bodies_are_refused() {
    let (sim, gateway) = started(|c| c.general("max_request_size_mb: 1")).await;
    let large = with(&json!({"messages": [{"role": "user", "content": "x".repeat(3 << 20)}]}));
    let reply = gateway.ask(CHAT, &large).await.unwrap();
    assert!([400, 413].contains(&reply.status), "{} {}", reply.status, reply.text());
    assert!(reply.json()["error"]["message"].is_string(), "{}", reply.text());
    assert!(calls(&sim).is_empty());
    assert_eq!(gateway.ask(CHAT, &hello()).await.unwrap().status, 200);
}

#[tokio::test]
async fn unsafe_fields() {
    let (sim, gateway) = started(|c| c).await;
    for fields in [
        json!({"api_base": "http://127.0.0.1:1/v1"}),
        json!({"base_url": "http://127.0.0.1:1/v1"}),
        json!({"user_config": {}}),
        json!({"metadata": {"api_base": "http://127.0.0.1:1"}}),
        json!({"fallbacks": [{"model": "gpt", "api_base": "http://127.0.0.1:1"}]}),
    ] {
        let reply = gateway.ask(CHAT, &with(&fields)).await.unwrap();
        assert_error(&reply, 401, "auth_error", &fields.to_string());
    }
    let reply = gateway.ask(CHAT, &with(&json!({"mock_testing_fallbacks": true}))).await.unwrap();
    assert_error(&reply, 400, "invalid_request_error", "mock_testing_fallbacks");
    assert!(calls(&sim).is_empty());
}

#[tokio::test]
async fn unsupported_parameters() {
    let (sim, gateway) = started(|c| c.model("dropping", "anthropic/claude-sonnet-4-5", &["drop_params: true"])).await;
    let body = with(&json!({"model": "claude", "logit_bias": {"1": 1}, "seed": 7}));
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    let error = assert_error(&reply, 400, "invalid_request_error", "unsupported");
    assert!(error["message"].as_str().unwrap().contains("UnsupportedParamsError"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("logit_bias"), "{error}");
    assert!(calls(&sim).is_empty());
    let reply =
        gateway.ask(CHAT, &with(&json!({"model": "dropping", "logit_bias": {"1": 1}, "seed": 7}))).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(calls(&sim)[0].json().get("logit_bias").is_none());
}

#[tokio::test]
async fn unknown_routes_and_methods() {
    let (_sim, gateway) = started(|c| c).await;
    let reply = gateway.ask("/v1/no/such/route", &json!({})).await.unwrap();
    assert_eq!((reply.status, reply.json()), (404, json!({"detail": "Not Found"})), "{}", reply.text());
    let reply = gateway.get(CHAT, MASTER_KEY).await.unwrap();
    assert_eq!((reply.status, reply.json()), (405, json!({"detail": "Method Not Allowed"})), "{}", reply.text());
}

#[tokio::test]
async fn the_providers_errors_keep_their_status() {
    let (sim, gateway) = started(|c| c).await;
    let cases = [
        ("400", 400, "invalid_request_error", "BadRequestError"),
        ("401", 401, "authentication_error", "AuthenticationError"),
        ("context", 400, "invalid_request_error", "ContextWindowExceededError"),
        ("policy", 400, "invalid_request_error", "ContentPolicyViolationError"),
        ("500", 500, "internal_server_error", "InternalServerError"),
        ("503", 503, "internal_server_error", "ServiceUnavailableError"),
        ("html", 502, "internal_server_error", "BadGatewayError"),
        ("empty", 500, "internal_server_error", "InternalServerError"),
    ];
    for (fault, status, kind, class) in cases {
        for stream in [false, true] {
            sim.reset();
            sim.script(Match::any(), Script::fault(fault.parse::<Fault>().unwrap()));
            // each case has its own deployment, so that cooldowns of one do not touch the next
            let body = with(&json!({"model": format!("openai/m-{fault}-{stream}"), "stream": stream}));
            let reply = gateway.ask(CHAT, &body).await.unwrap();
            let error = assert_error(&reply, status, kind, &format!("{fault} stream={stream}"));
            assert!(error["message"].as_str().unwrap().contains(class), "{fault}: {error}");
        }
    }
    sim.reset();
    sim.script(Match::any(), Script { retry_after: Some("7".into()), ..Script::fault(Fault::Status(429)) });
    let reply = gateway.ask(CHAT, &with(&json!({"model": "openai/m-429"}))).await.unwrap();
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (429, &json!("429")), "{}", reply.text());
    assert!(reply.json()["error"]["message"].as_str().unwrap().contains("RateLimitError"));
}

#[tokio::test]
async fn a_stream_that_its_host_gives_up_ends_with_an_error() {
    let (sim, gateway) = started(|config| config.general("proxy_batch_write_at: 1")).await;
    sim.script(Match::any(), Script { finish: Some("error".into()), ..Script::text("Half an answer") });
    for legacy in [false, true] {
        let (path, body) = if legacy {
            ("/v1/completions", json!({"model": "gpt", "prompt": "hello", "stream": true}))
        } else {
            (CHAT, with(&json!({"stream": true})))
        };
        let reply = gateway.ask(path, &body).await.unwrap();
        let events = events(&reply.text());
        let last = events.last().unwrap().json();
        assert!(last["error"]["message"].as_str().is_some_and(|m| m.contains("InternalServerError")), "{path}: {last}");
        let text = reply.text();
        assert!(!text.contains("[DONE]") && !text.contains(r#""finish_reason":"stop""#), "{path}: {text}");
        assert!(legacy || joined_text(&events) == "Half an answer", "{text}");
    }
    let rows = eventually("both rows", async || {
        let rows = gateway.get("/spend/logs", MASTER_KEY).await.unwrap().json();
        rows.as_array().filter(|rows| rows.len() == 2).cloned()
    })
    .await;
    for row in rows {
        assert_eq!(row["status"], "failure", "{row}");
        assert!(row["completion_tokens"].as_u64().unwrap() > 0, "what the host told of usage is billed: {row}");
    }
}
