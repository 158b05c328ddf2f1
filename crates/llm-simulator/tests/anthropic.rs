//! Anthropic's messages, count_tokens and models as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use client::{ANTHROPIC, Event, messages, send, sim};
use http::Method;
use llm_simulator::{Match, Script, Simulator, SimulatorConfig};
use serde_json::{Value, json};

fn ask(text: &str) -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]})
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|e| e.name.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn a_whole_reply_has_every_field() {
    let sim = sim().await;
    let answer = messages(&sim, &ask("hello")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("request-id").starts_with("req_"));
    let body = answer.json();
    assert!(body["id"].as_str().unwrap().starts_with("msg_01"));
    assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")));
    assert_eq!(body["model"], "claude-sonnet-4-5-20250929");
    assert_eq!(body["content"], json!([{"type": "text", "text": "You said: hello"}]));
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("end_turn"), &Value::Null));
    assert_eq!(
        body["usage"],
        json!({"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
               "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
               "output_tokens": 4, "service_tier": "standard"})
    );
}

#[tokio::test]
async fn a_stream_is_bracketed() {
    let sim = sim().await;
    let mut request = ask("hello");
    request["stream"] = json!(true);
    let answer = messages(&sim, &request).await;
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    let events = answer.events();
    assert_eq!(
        names(&events),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    for event in &events {
        assert_eq!(event.json()["type"], event.name.clone().unwrap());
    }
    let start = events[0].json();
    assert_eq!(start["message"]["content"], json!([]));
    assert_eq!(start["message"]["usage"]["input_tokens"], 3);
    assert_eq!(start["message"]["usage"]["output_tokens"], 1);
    assert_eq!(events[3].json()["delta"], json!({"type": "text_delta", "text": "You "}));
    let last = events[7].json();
    assert_eq!(last["delta"], json!({"stop_reason": "end_turn", "stop_sequence": null}));
    assert_eq!(last["usage"]["output_tokens"], 4);
}

#[tokio::test]
async fn thinking_text_and_tools_in_one_stream() {
    let sim = sim().await;
    let script = r#"[[sim redacted reasoning="let me see" text="Looking." tool=get_weather args={"city": "Paris"} tool=get_time args={}]]"#;
    let mut request = ask(&format!("Weather? {script}"));
    let body = messages(&sim, &request).await.json();
    let kinds: Vec<&str> = body["content"].as_array().unwrap().iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["redacted_thinking", "thinking", "text", "tool_use", "tool_use"]);
    assert_eq!(body["content"][1]["thinking"], "let me see");
    assert!(body["content"][1]["signature"].as_str().unwrap().len() > 40);
    assert_eq!(body["content"][3]["input"], json!({"city": "Paris"}));
    assert_eq!(body["stop_reason"], "tool_use");

    request["stream"] = json!(true);
    let events: Vec<Value> = messages(&sim, &request).await.events().iter().map(Event::json).collect();
    let blocks: Vec<&str> = events.iter().filter_map(|e| e["content_block"]["type"].as_str()).collect();
    assert_eq!(blocks, kinds);
    let input: String = events
        .iter()
        .filter(|e| e["index"] == 3 && e["type"] == "content_block_delta")
        .map(|e| e["delta"]["partial_json"].as_str().unwrap())
        .collect();
    assert_eq!(input, "{\"city\": \"Paris\"}");
    let of_thinking: Vec<&str> =
        events.iter().filter(|e| e["index"] == 1).filter_map(|e| e["delta"]["type"].as_str()).collect();
    assert_eq!(of_thinking, ["thinking_delta", "thinking_delta", "thinking_delta", "signature_delta"]);
    let stops = events.iter().filter(|e| e["type"] == "content_block_stop").count();
    assert_eq!(stops, 5);
}

#[tokio::test]
async fn thinking_and_forced_tools_follow_the_request() {
    let sim = sim().await;
    let mut request = ask("hi");
    request["max_tokens"] = json!(4000);
    request["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    assert_eq!(messages(&sim, &request).await.json()["content"][0]["type"], "thinking");
    let mut request = ask("hi");
    request["tools"] = json!([{"name": "json_tool_call", "input_schema": {"type": "object",
        "properties": {"n": {"type": "integer"}}}}]);
    request["tool_choice"] = json!({"type": "tool", "name": "json_tool_call"});
    let body = messages(&sim, &request).await.json();
    assert_eq!(body["content"][0]["input"], json!({"n": 1}));
    assert!(body["content"][0]["id"].as_str().unwrap().starts_with("toolu_01"));
}

#[tokio::test]
async fn marked_prefixes_are_written_then_read() {
    let sim = sim().await;
    let mut request = ask("hi");
    request["system"] = json!([{"type": "text", "text": "x".repeat(4000), "cache_control": {"type": "ephemeral"}}]);
    let first = messages(&sim, &request).await.json()["usage"].clone();
    let written = first["cache_creation_input_tokens"].as_u64().unwrap();
    assert!(written >= 1000, "{first}");
    assert_eq!(first["cache_creation"]["ephemeral_5m_input_tokens"], written);
    assert_eq!(first["cache_read_input_tokens"], 0);
    let second = messages(&sim, &request).await.json()["usage"].clone();
    assert_eq!(
        (&second["cache_creation_input_tokens"], &second["cache_read_input_tokens"]),
        (&json!(0), &json!(written))
    );
    assert_eq!(second["input_tokens"], first["input_tokens"]);
    request["system"][0]["cache_control"]["ttl"] = json!("1h");
    let third = messages(&sim, &request).await.json()["usage"].clone();
    assert!(third["cache_creation"]["ephemeral_1h_input_tokens"].as_u64().unwrap() >= 1000);
}

#[tokio::test]
async fn stop_reasons() {
    let sim = sim().await;
    let mut request = ask("one two three");
    request["stop_sequences"] = json!(["two"]);
    let body = messages(&sim, &request).await.json();
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("stop_sequence"), &json!("two")));
    assert_eq!(body["content"][0]["text"], "You said: one ");
    request["max_tokens"] = json!(1);
    assert_eq!(messages(&sim, &request).await.json()["stop_reason"], "max_tokens");
    let refused = messages(&sim, &ask("x [[sim refusal=\"I will not.\"]]")).await.json();
    assert_eq!((&refused["stop_reason"], &refused["content"][0]["text"]), (&json!("refusal"), &json!("I will not.")));
    let paused = messages(&sim, &ask("x [[sim finish=pause_turn]]")).await.json();
    assert_eq!(paused["stop_reason"], "pause_turn");
}

#[tokio::test]
async fn bad_requests_get_the_services_complaints() {
    let sim = sim().await;
    let user = json!([{"role": "user", "content": "x"}]);
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "x"});
    let cases = [
        (json!({"model": "c", "messages": user}), "max_tokens: Field required"),
        (json!({"max_tokens": 5, "messages": user}), "model: Field required"),
        (json!({"model": "c", "max_tokens": 5}), "messages: Field required"),
        (json!({"model": "c", "max_tokens": 5, "messages": []}), "at least one message is required"),
        (json!({"model": "c", "max_tokens": 0, "messages": user}), "max_tokens: Input should be greater"),
        (json!({"model": "c", "max_tokens": "5", "messages": user}), "max_tokens: Input should be a valid integer"),
        (json!({"model": "c", "max_tokens": 5, "messages": user, "frog": 1}), "frog: Extra inputs are not permitted"),
        (
            json!({"model": "c", "max_tokens": 5, "messages": [{"role": "system", "content": "x"}]}),
            "Unexpected role \"system\"",
        ),
        (
            json!({"model": "c", "max_tokens": 5, "messages": [{"role": "tool", "content": "x"}]}),
            "messages.0.role: Input should be 'user' or 'assistant'",
        ),
        (
            json!({"model": "c", "max_tokens": 5, "messages": [{"role": "user", "content": [result]}]}),
            "unexpected `tool_use_id` found in `tool_result` blocks: t1",
        ),
        (
            json!({"model": "c", "max_tokens": 5, "messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
                {"role": "user", "content": "x"}]}),
            "`tool_use` ids were found without `tool_result` blocks immediately after: t1",
        ),
        (
            json!({"model": "c", "max_tokens": 5, "messages": [
                {"role": "user", "content": [{"type": "text", "text": ""}]}]}),
            "text content blocks must be non-empty",
        ),
        (
            json!({"model": "c", "max_tokens": 2000, "messages": user,
                   "thinking": {"type": "enabled", "budget_tokens": 2000}}),
            "must be greater than `thinking.budget_tokens`",
        ),
    ];
    for (request, message) in cases {
        let answer = messages(&sim, &request).await;
        assert_eq!(answer.status, 400, "{request}");
        let body = answer.json();
        assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
        assert!(body["error"]["message"].as_str().unwrap().contains(message), "{request}: {body}");
    }
    let answer = send(&sim, Method::POST, "/v1/messages", &[], ask("x").to_string()).await;
    assert!(answer.status == 400 && answer.text().contains("anthropic-version: header is required"));
    let answer = send(&sim, Method::POST, "/v1/messages", ANTHROPIC, "{").await;
    assert!(answer.status == 400 && answer.text().contains("not valid JSON"));
}

#[tokio::test]
async fn keys_counts_and_models() {
    let config = SimulatorConfig { require_key: Some("sk-ant-x".into()), ..SimulatorConfig::default() };
    let sim = Simulator::start(config).await.unwrap();
    let post = async |key: &str| {
        let headers = [ANTHROPIC, &[("x-api-key", key)]].concat();
        let body = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "12345678"}]});
        send(&sim, Method::POST, "/v1/messages/count_tokens", &headers, body.to_string()).await
    };
    assert_eq!(post("sk-ant-x").await.json(), json!({"input_tokens": 3}));
    let wrong = post("nope").await;
    assert_eq!((wrong.status, wrong.json()["error"]["type"].clone()), (401, json!("authentication_error")));
    let headers = [ANTHROPIC, &[("x-api-key", "sk-ant-x")]].concat();
    let models = send(&sim, Method::GET, "/v1/models", &headers, "").await.json();
    assert_eq!((&models["data"][0]["type"], &models["first_id"]), (&json!("model"), &json!("claude-sonnet-4-5")));
}

#[tokio::test]
async fn status_faults_in_its_own_words() {
    let sim = sim().await;
    let cases = [
        ("401", 401, "authentication_error"),
        ("429", 429, "rate_limit_error"),
        ("500", 500, "api_error"),
        ("529", 529, "overloaded_error"),
        ("context", 400, "invalid_request_error"),
    ];
    for (fault, status, kind) in cases {
        sim.script(Match::model("claude-sonnet-4-5"), Script::fault(fault.parse().unwrap()).times(1));
        let answer = messages(&sim, &ask("x")).await;
        assert_eq!((answer.status, answer.json()["error"]["type"].clone()), (status, json!(kind)), "{fault}");
        assert_eq!(answer.header("retry-after"), if status == 429 { "1" } else { "" });
    }
}
