//! `/v1/messages`: Anthropic's clients on Anthropic and on other providers. OpenAI's own models are left out: LiteLLM asks
//! them over the Responses API, which the simulator does not speak yet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use bytes::Bytes;
use http::Method;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig, ToolCall};
use llm_tests::{Config, Event, Gateway, MASTER_KEY, Reply, UPSTREAM_KEY, calls, joined_text, joined_tool_calls};
use serde_json::{Value, json};

const MESSAGES: &str = "/v1/messages";

async fn standard() -> (Running, Gateway) {
    let config = SimulatorConfig { require_key: Some(UPSTREAM_KEY.into()), ..SimulatorConfig::default() };
    let sim = Simulator::start(config).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    (sim, gateway)
}

fn say(model: &str, text: &str) -> Value {
    json!({"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": text}]})
}

/// As Anthropic's own SDK sends it.
async fn send(gateway: &Gateway, body: &Value, more: &[(&str, &str)]) -> Reply {
    let own = [("content-type", "application/json"), ("anthropic-version", "2023-06-01"), ("x-api-key", MASTER_KEY)];
    let headers = [&own, more].concat();
    gateway.send(Method::POST, MESSAGES, &headers, Bytes::from(body.to_string())).await.unwrap()
}

fn names(events: &[Event]) -> Vec<String> {
    let names = events.iter().filter_map(|e| e.name.clone());
    names.filter(|name| name != "ping").collect()
}

/// The bracketing of a messages stream: start first, blocks opened and closed once, stop last.
fn assert_grammar(events: &[Event], what: &str) {
    let seen = names(events);
    assert_eq!(seen.first().map(String::as_str), Some("message_start"), "{what}: {seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("message_stop"), "{what}: {seen:?}");
    assert_eq!(seen.iter().filter(|n| *n == "message_delta").count(), 1, "{what}: {seen:?}");
    let mut open: Option<u64> = None;
    let mut next = 0;
    for json in events.iter().map(Event::json) {
        let index = json["index"].as_u64();
        match json["type"].as_str() {
            Some("content_block_start") => {
                assert_eq!((open, index), (None, Some(next)), "{what}: {json}");
                open = index;
                next += 1;
            }
            Some("content_block_delta") => assert_eq!(index, open, "{what}: {json}"),
            Some("content_block_stop") => {
                assert_eq!(index, open, "{what}: {json}");
                open = None;
            }
            _ => {}
        }
    }
    assert_eq!(open, None, "{what}: a block stays open");
}

#[tokio::test]
async fn a_whole_reply() {
    let (sim, gateway) = standard().await;
    for model in ["claude", "azure"] {
        let reply = send(&gateway, &say(model, "hello"), &[]).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        let body = reply.json();
        assert_eq!(
            (&body["type"], &body["role"], &body["model"]),
            (&json!("message"), &json!("assistant"), &json!(model))
        );
        assert_eq!(body["content"][0], json!({"type": "text", "text": "You said: hello"}), "{model}");
        assert_eq!(body["stop_reason"], "end_turn", "{model}");
        assert!(body["usage"]["input_tokens"].as_u64().unwrap() > 0, "{model}");
        assert_eq!(body["usage"]["output_tokens"], 4, "{model}");
        assert!(!reply.header("x-litellm-call-id").is_empty(), "{model}");
    }
    let paths: Vec<String> = calls(&sim).into_iter().map(|r| r.path).collect();
    assert_eq!(paths[0], "/v1/messages");
    assert_eq!(paths[1], "/openai/deployments/my-gpt/chat/completions");
}

#[tokio::test]
async fn a_stream_is_bracketed_for_every_upstream() {
    let (_sim, gateway) = standard().await;
    for model in ["claude", "azure"] {
        let mut body = say(model, "hello there");
        body["stream"] = json!(true);
        let reply = send(&gateway, &body, &[]).await;
        assert!(reply.header("content-type").starts_with("text/event-stream"), "{model}: {}", reply.text());
        let events = reply.events();
        assert_grammar(&events, model);
        assert_eq!(joined_text(&events), "You said: hello there", "{model}");
        assert!(events.iter().all(|e| e.data != "[DONE]"), "{model}: that is OpenAI's marker");
        let start = events[0].json();
        assert_eq!(start["message"]["model"], json!(model));
        let delta = events.iter().map(Event::json).find(|e| e["type"] == "message_delta").unwrap();
        assert_eq!(delta["delta"]["stop_reason"], "end_turn", "{model}");
        assert_eq!(delta["usage"]["output_tokens"], 6, "{model}");
    }
}

#[tokio::test]
async fn tools_for_every_upstream() {
    let (sim, gateway) = standard().await;
    let args = r#"{"city": "Zürich"}"#;
    let call = ToolCall { name: "get_weather".into(), args: Some(args.into()) };
    sim.script(Match::any(), Script { tools: vec![call], ..Script::text("Let me look.") });
    for model in ["claude", "azure"] {
        let mut body = say(model, "weather?");
        body["tools"] =
            json!([{"name": "get_weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}]);
        let reply = send(&gateway, &body, &[]).await;
        let answer = reply.json();
        assert_eq!(answer["stop_reason"], "tool_use", "{model}: {}", reply.text());
        assert_eq!(answer["content"][0]["text"], "Let me look.", "{model}");
        assert_eq!(answer["content"][1]["input"], json!({"city": "Zürich"}), "{model}");
        body["stream"] = json!(true);
        let events = send(&gateway, &body, &[]).await.events();
        assert_grammar(&events, model);
        let calls = joined_tool_calls(&events);
        let input: Value = serde_json::from_str(&calls[0].1).unwrap();
        assert_eq!((calls[0].0.as_str(), input), ("get_weather", json!({"city": "Zürich"})), "{model}");
    }
}

#[tokio::test]
async fn thinking_keeps_its_signature_to_the_byte() {
    let (sim, gateway) = standard().await;
    sim.script(Match::any(), Script { reasoning: Some("let me see".into()), redacted: true, ..Script::text("Yes.") });
    let body = say("claude", "hm");
    let direct = gateway_free(&sim, &body).await;
    let answer = send(&gateway, &body, &[]).await.json();
    let kinds = |v: &Value| v["content"].as_array().unwrap().iter().map(|b| b["type"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&answer), kinds(&direct));
    let first = answer["content"].clone();
    // sent back, the blocks reach the provider as they were
    let mut next = say("claude", "hm");
    next["messages"]
        .as_array_mut()
        .unwrap()
        .extend([json!({"role": "assistant", "content": first}), json!({"role": "user", "content": "and now?"})]);
    assert_eq!(send(&gateway, &next, &[]).await.status, 200);
    let sent = calls(&sim).pop().unwrap().json();
    assert_eq!(sent["messages"][1]["content"], answer["content"]);
}

/// The simulator's own answer, without the gateway.
async fn gateway_free(sim: &Running, body: &Value) -> Value {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(sim.addr()).await.unwrap();
    let text = body.to_string();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\nanthropic-version: 2023-06-01\r\nx-api-key: \
         {UPSTREAM_KEY}\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut out = String::new();
    socket.read_to_string(&mut out).await.unwrap();
    serde_json::from_str(out.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn native_bodies_pass_unchanged() {
    let (sim, gateway) = standard().await;
    let body = json!({"model": "claude", "max_tokens": 300, "top_k": 5, "metadata": {"user_id": "u1"},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]});
    let reply = send(&gateway, &body, &[("anthropic-beta", "context-1m-2025-08-07")]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.json()["usage"]["cache_creation_input_tokens"].as_u64().unwrap() > 0);
    let seen = calls(&sim).remove(0);
    let mut expected = body;
    expected["model"] = json!("claude-sonnet-4-5");
    let mut sent = seen.json();
    // LiteLLM spells out that it does not stream
    if sent["stream"] == false {
        sent.as_object_mut().unwrap().remove("stream");
    }
    assert_eq!(sent, expected);
    assert!(seen.header("anthropic-beta").unwrap().contains("context-1m-2025-08-07"));
    assert_eq!(seen.header("x-api-key"), Some(UPSTREAM_KEY));
}

#[tokio::test]
async fn tokens_are_counted() {
    let (_sim, gateway) = standard().await;
    let body = json!({"model": "claude", "messages": [{"role": "user", "content": "How long is this?"}]});
    let reply = gateway.ask("/v1/messages/count_tokens", &body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.json()["input_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn errors_of_the_provider_and_of_the_gateway() {
    let (sim, gateway) = standard().await;
    for (fault, status, kind) in
        [(401, 401, "authentication_error"), (500, 500, "api_error"), (429, 429, "rate_limit_error")]
    {
        sim.reset();
        sim.script(Match::any(), Script::fault(Fault::Status(fault)));
        // a deployment that failed with 401 cools down: each case has its own
        let reply = send(&gateway, &say(&format!("anthropic/c{fault}"), "hi"), &[]).await;
        let body = reply.json();
        assert_eq!(
            (reply.status, &body["type"], &body["error"]["type"]),
            (status, &json!("error"), &json!(kind)),
            "{body}"
        );
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    }
    // the gateway's own complaints have OpenAI's shape here too
    let bad = [("content-type", "application/json"), ("x-api-key", "sk-wrong-wrong-wrong")];
    let reply = gateway.send(Method::POST, MESSAGES, &bad, say("claude", "hi").to_string().into()).await.unwrap();
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (401, &json!("401")), "{}", reply.text());
    let reply = send(&gateway, &say("nope", "hi"), &[]).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
}
