//! Google's clients: `models/{model}:generateContent` and its like, on models of other providers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use bytes::Bytes;
use http::Method;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Reply, calls};
use serde_json::{Value, json};

async fn standard() -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway =
        Gateway::start(&Config::standard(&sim).model("house/model", "openai/gpt-4o", &[]).yaml()).await.unwrap();
    (sim, gateway)
}

fn say(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": {"maxOutputTokens": 50}})
}

async fn send(gateway: &Gateway, path: &str, body: &Value) -> Reply {
    let headers = [("content-type", "application/json"), ("x-goog-api-key", MASTER_KEY)];
    gateway.send(Method::POST, path, &headers, Bytes::from(body.to_string())).await.unwrap()
}

#[tokio::test]
async fn every_spelling_of_the_path() {
    let (sim, gateway) = standard().await;
    for path in [
        "/v1beta/models/gpt:generateContent",
        "/models/claude:generateContent",
        "/v1/models/gpt%3AgenerateContent",
        "/v1beta/models/house/model:generateContent",
    ] {
        let reply = send(&gateway, path, &say("hello")).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let candidate = &reply.json()["candidates"][0];
        assert_eq!(candidate["content"], json!({"parts": [{"text": "You said: hello"}], "role": "model"}), "{path}");
        assert_eq!(candidate["finishReason"], "STOP", "{path}");
        assert!(reply.json()["usageMetadata"]["promptTokenCount"].as_u64().unwrap() > 0, "{path}");
    }
    let sent = calls(&sim);
    assert_eq!((sent[0].path.as_str(), &sent[0].json()["max_tokens"]), ("/v1/chat/completions", &json!(50)));
    assert_eq!(sent[1].path, "/v1/messages");
}

#[tokio::test]
async fn streams_are_events_whatever_the_query_says() {
    let (_sim, gateway) = standard().await;
    for path in ["/v1beta/models/claude:streamGenerateContent", "/v1beta/models/gpt:streamGenerateContent?alt=sse"] {
        let reply = send(&gateway, path, &say("one two three four")).await;
        assert!(reply.header("content-type").starts_with("text/event-stream"), "{path}");
        let events = reply.events();
        let text: String = events
            .iter()
            .filter_map(|e| Some(e.json()["candidates"][0]["content"]["parts"][0]["text"].as_str()?.to_owned()))
            .collect();
        assert_eq!(text, "You said: one two three four", "{path}");
        assert!(events.len() > 3 && events.iter().all(|e| e.data != "[DONE]"), "{path}");
        let last = events.last().unwrap().json();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP", "{path}");
        assert!(last["usageMetadata"]["totalTokenCount"].as_u64().unwrap() > 0, "{path}");
    }
}

#[tokio::test]
async fn the_key_may_stand_in_the_query() {
    let (_sim, gateway) = standard().await;
    let body = Bytes::from(say("hi").to_string());
    let path = format!("/v1beta/models/gpt:generateContent?key={MASTER_KEY}");
    assert_eq!(gateway.send(Method::POST, &path, &[], body.clone()).await.unwrap().status, 200);
    let refused =
        gateway.send(Method::POST, "/v1beta/models/gpt:generateContent?key=sk-no", &[], body.clone()).await.unwrap();
    assert_eq!(refused.status, 401, "{}", refused.text());
    let elsewhere = format!("/v1/chat/completions?key={MASTER_KEY}");
    assert_eq!(gateway.send(Method::POST, &elsewhere, &[], body).await.unwrap().status, 401);
}

#[tokio::test]
async fn errors_are_googles() {
    let (sim, gateway) = standard().await;
    let unknown = send(&gateway, "/v1beta/models/nobody:generateContent", &say("hi")).await;
    assert_eq!(
        (unknown.status, &unknown.json()["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT")),
        "{}",
        unknown.text()
    );
    let nothing = send(&gateway, "/v1beta/models/gpt:generateContent", &json!({})).await;
    assert_eq!((nothing.status, &nothing.json()["error"]["code"]), (400, &json!(400)), "{}", nothing.text());
    sim.script(Match::any(), Script::fault(Fault::Status(429)));
    for verb in ["generateContent", "streamGenerateContent"] {
        let limited = send(&gateway, &format!("/v1beta/models/claude:{verb}"), &say("hi")).await;
        assert_eq!((limited.status, &limited.json()["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")), "{verb}");
    }
}

#[tokio::test]
async fn tools_and_tokens() {
    let (_sim, gateway) = standard().await;
    let mut body = say(r#"[[sim tool=get_weather args={"city":"Paris"}]]"#);
    body["tools"] = json!([{"functionDeclarations": [{"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}]}]);
    for model in ["gpt", "claude"] {
        let reply = send(&gateway, &format!("/v1beta/models/{model}:generateContent"), &body).await;
        let call = &reply.json()["candidates"][0]["content"]["parts"][0]["functionCall"];
        assert_eq!(
            (&call["name"], &call["args"]),
            (&json!("get_weather"), &json!({"city": "Paris"})),
            "{}",
            reply.text()
        );
    }
    let counted = send(&gateway, "/v1beta/models/gpt:countTokens", &say("one two three")).await.json();
    assert!(counted["totalTokens"].as_u64().is_some_and(|n| (3..20).contains(&n)), "{counted}");
    assert_eq!(counted["litellm_count_source"], "local_estimate");
    let asked = send(&gateway, "/v1beta/models/claude:countTokens", &say("one two three")).await.json();
    assert_eq!(asked["litellm_count_source"], "provider", "{asked}");
}

#[tokio::test]
async fn models_are_listed() {
    let (_sim, gateway) = standard().await;
    let list = gateway.get("/v1beta/models", MASTER_KEY).await.unwrap().json();
    let names: Vec<&str> = list["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"models/gpt") && names.contains(&"models/house/model"), "{names:?}");
    assert_eq!(gateway.get("/v1beta/models/claude", MASTER_KEY).await.unwrap().json()["displayName"], "claude");
    assert_eq!(gateway.get("/v1beta/models/nobody", MASTER_KEY).await.unwrap().status, 404);
}
