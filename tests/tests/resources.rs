//! Files, batches and other things that providers keep, through the gateway.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "resources/batches.rs"]
mod batches;
#[path = "resources/google.rs"]
mod google;
#[path = "resources/interactions.rs"]
mod interactions;
#[path = "resources/judged.rs"]
mod judged;
#[path = "resources/rag.rs"]
mod rag;
#[path = "resources/shapes.rs"]
mod shapes;
#[path = "resources/stores.rs"]
mod stores;
#[path = "resources/tuning.rs"]
mod tuning;
#[path = "resources/uploads.rs"]
mod uploads;

use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Config, Gateway, MASTER_KEY, Options, Reply, Said};
use serde_json::{Value, json};

const LINE: &str = r#"{"custom_id":"1","response":{"status_code":200,"body":{"id":"c","object":"chat.completion","model":"gpt-4o","usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}}}"#;

/// A line of a batch's file.
const REQUEST: &str = r#"{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{}}"#;

/// What a house like OpenAI answers.
fn house(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let path = asked.path.split('?').next().unwrap();
    match (asked.method.as_str(), path) {
        ("POST", "/v1/files") => {
            json(json!({"id": "file-in", "object": "file", "filename": "in.jsonl", "purpose": "batch"}))
        }
        ("GET", "/v1/files/file-in") => json(json!({"id": "file-in", "object": "file", "filename": "in.jsonl"})),
        ("DELETE", "/v1/files/file-in") => json(json!({"id": "file-in", "object": "file", "deleted": true})),
        ("GET", "/v1/files/file-out/content") => (200, "application/jsonl", format!("{LINE}\n{LINE}\n")),
        ("POST" | "GET", "/v1/batches" | "/v1/batches/batch_1") => json(json!({
            "id": "batch_1", "object": "batch", "status": "completed", "input_file_id": "file-in",
            "output_file_id": "file-out", "error_file_id": null
        })),
        ("POST", "/v1/threads/thread_1/runs") => json(json!({"id": "run_1", "object": "thread.run"})),
        ("POST", "/v1/realtime/client_secrets") => {
            json(json!({"value": "ek_upstream", "expires_at": 4_000_000_000_u64}))
        }
        ("POST", "/v1/realtime/calls") => (201, "application/sdp", "v=0 answer".to_owned()),
        ("GET", "/openai/vector_stores") => json(json!({"object": "list", "data": []})),
        _ => (
            404,
            "application/json",
            json!({"error": {"message": "no such thing", "type": "invalid_request_error"}}).to_string(),
        ),
    }
}

struct Setup {
    upstream: Canned,
    gateway: Gateway,
    _sim: Running,
}

async fn setup() -> Setup {
    let upstream = Canned::start(house).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = upstream.base_url();
    let config = format!(
        "{}files_settings:\n  - {{custom_llm_provider: openai, api_base: '{url}/v1', api_key: sk-files}}\n  - {{custom_llm_provider: azure, api_base: '{url}', api_key: sk-azure, api_version: '2024-10-21'}}\n",
        Config::empty(&sim)
            .model("gpt", "openai/gpt-4o", &[])
            .general("proxy_batch_write_at: 1")
            .yaml()
            .replace(&format!("{}/v1", sim.base_url()), &format!("{url}/v1"))
    );
    let gateway = Gateway::start_with(&config, &Options::default()).await.unwrap();
    Setup { upstream, gateway, _sim: sim }
}

fn form(fields: &[(&str, &str)], file: &str) -> String {
    let mut out = String::new();
    for (name, text) in fields {
        out.push_str(&format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"));
    }
    out.push_str("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in.jsonl\"\r\n\r\n");
    format!("{out}{file}\r\n--b--\r\n")
}

async fn upload(gateway: &Gateway, key: &str, path: &str, more: &[(&str, &str)], body: String) -> Reply {
    let bearer = format!("Bearer {key}");
    let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    headers.extend_from_slice(more);
    gateway.send(Method::POST, path, &headers, body.into()).await.unwrap()
}

#[tokio::test]
async fn files_go_to_the_provider_that_is_named() {
    let Setup { upstream, gateway, .. } = setup().await;
    let body = form(&[("purpose", "batch"), ("custom_llm_provider", "openai")], REQUEST);
    let reply = upload(&gateway, MASTER_KEY, "/v1/files", &[], body).await;
    assert_eq!((reply.status, &reply.json()["id"]), (200, &json!("file-in")), "{}", reply.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/v1/files", "Bearer sk-files"));
    assert_eq!(asked.text(), form(&[("purpose", "batch")], REQUEST), "only what is for the gateway is taken out");
    assert_eq!(asked.header("content-length"), asked.body.len().to_string());

    assert_eq!(gateway.get("/v1/files/file-in", MASTER_KEY).await.unwrap().json()["filename"], "in.jsonl");
    let content = gateway.get("/files/file-out/content", MASTER_KEY).await.unwrap();
    assert_eq!((content.status, content.text()), (200, format!("{LINE}\n{LINE}\n")));
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str())];
    let gone = gateway.send(Method::DELETE, "/openai/v1/files/file-in", &headers, bytes::Bytes::new()).await.unwrap();
    assert_eq!(gone.json()["deleted"], true, "{}", gone.text());
    assert_eq!(upstream.seen().pop().unwrap().header("content-type"), "application/json");

    let azure = gateway.get("/v1/vector_stores?custom_llm_provider=azure&limit=3", MASTER_KEY).await.unwrap();
    assert_eq!(azure.status, 200, "{}", azure.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.path, "/openai/vector_stores?limit=3&order=desc&api-version=2024-10-21");
    assert_eq!(asked.header("api-key"), "sk-azure");

    let missing = gateway.get("/v1/files/nothing", MASTER_KEY).await.unwrap();
    assert_eq!((missing.status, &missing.json()["error"]["code"]), (404, &json!("404")));
    assert!(missing.json()["error"]["message"].as_str().unwrap().ends_with("no such thing"), "{}", missing.text());
    let unknown = gateway.get("/v1/files?custom_llm_provider=nobody", MASTER_KEY).await.unwrap();
    assert_eq!(unknown.status, 400, "{}", unknown.text());
    assert_eq!(gateway.get("/v1/files", "sk-wrong-key-0123456789").await.unwrap().status, 401);
}

#[tokio::test]
async fn a_batch_of_a_group_keeps_its_deployment_and_is_charged_once() {
    let Setup { upstream, gateway, .. } = setup().await;
    let (key, token) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let file =
        upload(&gateway, &key, "/v1/files", &[("x-litellm-model", "gpt")], form(&[("purpose", "batch")], REQUEST))
            .await;
    let file = file.json()["id"].as_str().unwrap().to_owned();
    assert!(file.starts_with("file-bGl0ZWxsbT"), "the id names the group: {file}");
    let create = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h", "litellm_metadata": {}});
    let batch = gateway.post("/v1/batches", &create, &key).await.unwrap();
    assert_eq!(batch.status, 200, "{}", batch.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((&asked.json["input_file_id"], &asked.json["litellm_metadata"]), (&json!("file-in"), &Value::Null));
    assert!(asked.json.as_object().unwrap().contains_key("metadata"), "as LiteLLM writes it: {}", asked.json);
    assert_eq!(batch.json()["input_file_id"], json!(file));
    let id = batch.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/batches/{id}");
    let done = gateway.get(&path, &key).await.unwrap().json();
    assert_eq!((&done["id"], &done["status"]), (&json!(id), &json!("completed")));
    assert_eq!(gateway.get(&path, &key).await.unwrap().status, 200);
    let output = format!("/v1/files/{}/content", done["output_file_id"].as_str().unwrap());
    assert_eq!(gateway.get(&output, &key).await.unwrap().text(), format!("{LINE}\n{LINE}\n"));

    let rows = gateway.spend_rows(&token, 5).await.unwrap();
    let charged: Vec<&Value> = rows.iter().filter(|row| row["spend"].as_f64().unwrap() > 0.0).collect();
    assert_eq!(charged.len(), 1, "once, however often it is looked at: {rows:?}");
    let row = charged[0];
    assert_eq!((&row["call_type"], &row["prompt_tokens"]), (&json!("aretrieve_batch"), &json!(2000)), "{row}");
    // gpt-4o: $2.5 and $10 per million tokens, half of it in batches
    assert!((row["spend"].as_f64().unwrap() - (2000.0 * 1.25e-6 + 200.0 * 5e-6)).abs() < 1e-9, "{row}");

    let (other, _) = gateway.new_key(&json!({"models": ["claude"]})).await.unwrap();
    let before = upstream.seen().len();
    assert_eq!(gateway.get(&path, &other).await.unwrap().status, 403, "its models are not the batch's");
    assert_eq!(upstream.seen().len(), before);
}

#[tokio::test]
async fn the_requests_of_a_batch_count_against_limits() {
    let Setup { upstream, gateway, .. } = setup().await;
    // The house's input file has two lines.
    let create = json!({"input_file_id": "file-out", "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let (small, _) = gateway.new_key(&json!({"rpm_limit": 1})).await.unwrap();
    let refused = gateway.post("/v1/batches", &create, &small).await.unwrap();
    assert_eq!((refused.status, refused.header("rate_limit_type")), (429, "requests"), "{}", refused.text());
    assert!(!upstream.seen().iter().any(|asked| asked.path == "/v1/batches"), "nothing was made");
    let (large, _) = gateway.new_key(&json!({"rpm_limit": 3})).await.unwrap();
    assert_eq!(gateway.post("/v1/batches", &create, &large).await.unwrap().status, 200);
    assert_eq!(gateway.get("/v1/files/file-in", &large).await.unwrap().status, 200, "two of three are used");
    assert_eq!(gateway.get("/v1/files/file-in", &large).await.unwrap().status, 429);
    let (other, _) = gateway.new_key(&json!({"rpm_limit": 9})).await.unwrap();
    let wrong = gateway.post("/v1/batches", &json!({"input_file_id": "../models"}), &other).await.unwrap();
    assert_eq!(wrong.status, 400, "an id is no path: {}", wrong.text());
}

#[tokio::test]
async fn large_uploads_keep_their_length() {
    let Setup { upstream, gateway, .. } = setup().await;
    let line = format!("{}\n", "x".repeat(1023));
    let file = line.repeat(18 << 10);
    let body = form(&[("custom_llm_provider", "openai"), ("purpose", "batch")], &file);
    let reply = upload(&gateway, MASTER_KEY, "/v1/files", &[], body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.header("content-length"), asked.body.len().to_string());
    assert!(asked.text() == form(&[("purpose", "batch")], &file), "the file came as it was");
}

#[tokio::test]
async fn threads_say_their_version() {
    let Setup { upstream, gateway, .. } = setup().await;
    let run = gateway.ask("/v1/threads/thread_1/runs", &json!({"assistant_id": "asst_1"})).await.unwrap();
    assert_eq!(run.json()["id"], "run_1", "{}", run.text());
    assert_eq!(upstream.seen().pop().unwrap().header("openai-beta"), "assistants=v2");
}

#[tokio::test]
async fn secrets_of_sessions_stand_for_the_upstreams() {
    let Setup { upstream, gateway, .. } = setup().await;
    let (key, _) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let ask = json!({"session": {"type": "realtime", "model": "gpt"}});
    let made = gateway.post("/v1/realtime/client_secrets", &ask, &key).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.json["session"], json!({"type": "realtime", "model": "gpt-4o"}));
    let secret = made.json()["value"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("ek_") && secret != "ek_upstream", "{secret}");

    let bearer = format!("Bearer {secret}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/sdp")];
    let call = gateway.send(Method::POST, "/v1/realtime/calls?model=gpt", &headers, "v=0 offer".into()).await.unwrap();
    assert_eq!((call.status, call.text().as_str()), (201, "v=0 answer"));
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((asked.header("authorization"), asked.text().as_str()), ("Bearer ek_upstream", "v=0 offer"));
    assert_eq!(asked.path, "/v1/realtime/calls?model=gpt-4o");
    let headers = [("authorization", "Bearer ek_nobody"), ("content-type", "application/sdp")];
    assert_eq!(gateway.send(Method::POST, "/v1/realtime/calls", &headers, "v=0".into()).await.unwrap().status, 401);
}
