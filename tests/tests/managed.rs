//! What the management API sets takes effect on calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "managed/aliases.rs"]
mod aliases;
#[path = "managed/callbacks.rs"]
mod callbacks;
#[path = "managed/debug.rs"]
mod debug;
#[path = "managed/demands.rs"]
mod demands;
#[path = "managed/guardrails.rs"]
mod guardrails;
#[path = "managed/kept.rs"]
mod kept;
#[path = "managed/own.rs"]
mod own;
#[path = "managed/pipelines.rs"]
mod pipelines;
#[path = "managed/plugins.rs"]
mod plugins;
#[path = "managed/policies.rs"]
mod policies;
#[path = "managed/routes.rs"]
mod routes;
#[path = "managed/submissions.rs"]
mod submissions;
#[path = "managed/told.rs"]
mod told;
#[path = "managed/trials.rs"]
mod trials;

use http::Method;
use llm_simulator::Running;
use llm_store::testing::PostgresServer;
use llm_tests::{Gateway, MASTER_KEY, Options, UPSTREAM_KEY};
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
    gateway.new_key(&body).await.unwrap().0
}

/// What a call of the model answers: status and body.
async fn chat(gateway: &Gateway, key: &str, text: &str) -> (u16, Value) {
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": text}]});
    let reply = gateway.post("/v1/chat/completions", &body, key).await.unwrap();
    (reply.status, reply.json())
}

/// A call with a key: status and body.
async fn send(gateway: &Gateway, key: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let reply = gateway.call(method, path, body, key).await.unwrap();
    (reply.status, reply.json())
}

/// A gateway on SQLite, and one on PostgreSQL where that is installed; its server lives as long as what comes with it.
async fn on_both_engines(config: &str) -> (Vec<Gateway>, Option<PostgresServer>) {
    let mut gateways = vec![Gateway::start(config).await.unwrap()];
    let server = PostgresServer::start().unwrap();
    if let Some(server) = &server {
        let env = vec![("DATABASE_URL".to_owned(), server.create().await.unwrap())];
        gateways.push(Gateway::start_with(config, &Options { env, ..Options::default() }).await.unwrap());
    }
    (gateways, server)
}
