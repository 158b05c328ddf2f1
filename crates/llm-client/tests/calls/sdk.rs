//! The SDK: calls from a program.

use std::sync::Arc;

use llm_client::sdk::completion_cost;
use llm_client::{Client, EngineSettings};
use llm_simulator::{Fault, Match, Running, Script};
use llm_types::generate::{Role, Turn};
use llm_types::{Json, Kind};
use serde_json::Value;

use crate::support::{http, sim};

fn client() -> Client {
    Client::new(Arc::new(http()), EngineSettings::default())
}

fn base(sim: &Running, model: &str) -> String {
    let v1 = if model.starts_with("anthropic/") { "" } else { "/v1" };
    format!("{}{v1}", sim.base_url())
}

const MODELS: [&str; 2] = ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"];

#[tokio::test]
async fn a_prompt_turns_or_a_body_are_answered() {
    let sim = sim().await;
    for model in MODELS {
        let (client, base) = (client(), base(&sim, model));
        let params = [("api_base", base.as_str()), ("api_key", "sk-own")];
        let answer = client.completion_with(model, "Say hi.", &params).await.unwrap();
        assert_eq!(answer.text(), "You said: Say hi.");
        assert!(completion_cost(&answer) > 0.0 && completion_cost(&answer) == answer.report.cost.total);
        assert_eq!(answer.report.usage.total_tokens(), answer.response.usage.unwrap().usage.total_tokens());

        let turns = vec![Turn::text(Role::User, "a"), Turn::text(Role::Assistant, "b"), Turn::text(Role::User, "c")];
        assert_eq!(client.completion_with(model, turns, &params).await.unwrap().text(), "You said: c");
        assert_eq!(sim.requests().last().unwrap().json()["messages"].as_array().unwrap().len(), 3);

        let body = r#"{"model":"ignored","messages":[{"role":"user","content":"d"}],"temperature":0.25}"#;
        let body: Json = serde_json::from_str(body).unwrap();
        assert_eq!(client.completion_with(model, body, &params).await.unwrap().text(), "You said: d");
        let sent = sim.requests().pop().unwrap();
        assert_eq!(sent.json()["temperature"], 0.25);
        assert_eq!(sent.json()["model"], model.split_once('/').unwrap().1);
        assert!(sent.headers.values().any(|v| v.as_bytes().ends_with(b"sk-own")));
    }
}

#[tokio::test]
async fn a_stream_is_handed_on_chunk_by_chunk() {
    let sim = sim().await;
    for model in MODELS {
        let (client, base) = (client(), base(&sim, model));
        let params = [("api_base", base.as_str()), ("api_key", "k")];
        let mut text = String::new();
        let mut chunks = 0;
        let report = client.stream(model, "one two three", &params, |chunk| {
            let chunk: Value = serde_json::from_str(chunk).unwrap();
            text += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            chunks += 1;
        });
        let report = report.await.unwrap();
        assert_eq!(text, "You said: one two three");
        assert!(chunks >= 5, "{chunks}");
        assert!(report.cost.total > 0.0 && !report.interrupted && report.error.is_none());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_says_so() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Cut));
    let (client, base) = (client(), base(&sim, MODELS[0]));
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let mut last = String::new();
    let report = client.stream(MODELS[0], "hi", &params, |c| last = c.to_owned()).await.unwrap();
    assert_eq!(report.error.unwrap().kind, Kind::MidStream);
    assert!(serde_json::from_str::<Value>(&last).unwrap()["error"]["message"].is_string(), "{last}");
}

#[tokio::test]
async fn texts_become_vectors() {
    let sim = sim().await;
    let base = base(&sim, MODELS[0]);
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let (body, cost) = client().embedding("openai/text-embedding-3-small", &["a", "b"], &params).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    assert!(cost.total > 0.0);
}

#[tokio::test]
async fn refusals_come_as_errors() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Status(401)));
    let base = base(&sim, MODELS[0]);
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let error = client().completion_with(MODELS[0], "hi", &params).await.unwrap_err();
    assert_eq!((error.kind, error.status()), (Kind::Authentication, 401));
    let error = client().completion_with("no-such-provider-or-model", "hi", &[]).await.unwrap_err();
    assert_eq!(error.status(), 400, "{error}");
}
