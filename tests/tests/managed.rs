//! What the management API sets takes effect on calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "managed/callbacks.rs"]
mod callbacks;
#[path = "managed/debug.rs"]
mod debug;
#[path = "managed/demands.rs"]
mod demands;
#[path = "managed/guardrails.rs"]
mod guardrails;
#[path = "managed/routes.rs"]
mod routes;

use llm_simulator::Running;
use llm_tests::{Gateway, MASTER_KEY, UPSTREAM_KEY};
use serde_json::{Value, json};

/// A configuration with one model, `gpt`; `more` stands behind it.
fn config(sim: &Running, more: &str) -> String {
    format!(
        "model_list:\n  - model_name: gpt\n    litellm_params: {{model: openai/gpt-4o, api_base: '{}/v1', api_key: {UPSTREAM_KEY}}}\n\
         general_settings: {{master_key: '{MASTER_KEY}'}}\n{more}",
        sim.base_url()
    )
}

/// A new key.
async fn key(gateway: &Gateway, body: Value) -> String {
    let made = gateway.ask("/key/generate", &body).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    made.json()["key"].as_str().unwrap().to_owned()
}

/// What a call of the model answers: status and body.
async fn chat(gateway: &Gateway, key: &str, text: &str) -> (u16, Value) {
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": text}]});
    let reply = gateway.post("/v1/chat/completions", &body, key).await.unwrap();
    (reply.status, reply.json())
}
