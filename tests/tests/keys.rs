//! Virtual keys: creation, limits, budgets, spend.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "keys/alerts.rs"]
mod alerts;
#[path = "keys/capacity.rs"]
mod capacity;
#[path = "keys/mail.rs"]
mod mail;
#[path = "keys/prices.rs"]
mod prices;
#[path = "keys/prompts.rs"]
mod prompts;
#[path = "keys/special.rs"]
mod special;

use std::time::Duration;

use llm_simulator::{Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, Reply, calls, eventually};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn started() -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim)).await.unwrap();
    (sim, gateway)
}

/// Spend rows are written each second, not each ten.
fn config(sim: &Running) -> String {
    Config::standard(sim).general("proxy_batch_write_at: 1").yaml()
}

fn say(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

async fn generate(gateway: &Gateway, fields: &Value) -> Value {
    let reply = gateway.ask("/key/generate", fields).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn new_key(gateway: &Gateway, fields: &Value) -> String {
    generate(gateway, fields).await["key"].as_str().unwrap().to_owned()
}

fn assert_error(reply: &Reply, status: u16, kind: &str) {
    let error = reply.json()["error"].clone();
    assert_eq!((reply.status, &error["type"]), (status, &json!(kind)), "{}", reply.text());
    assert_eq!(error["code"], json!(status.to_string()), "{error}");
}

#[tokio::test]
async fn a_new_key_works_and_describes_itself() {
    let (_sim, gateway) = started().await;
    let made =
        generate(&gateway, &json!({"key_alias": "mine", "models": [], "metadata": {"team": "a"}, "duration": "1h"}))
            .await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk-") && key.len() >= 20, "{made}");
    let token = made["token"].as_str().unwrap();
    assert!(token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()), "the stored name is a hash: {made}");
    assert_eq!(
        (&made["key_alias"], &made["key_name"]),
        (&json!("mine"), &json!(format!("sk-...{}", &key[key.len() - 4..])))
    );
    assert!(made["expires"].is_string());
    assert_eq!(gateway.post(CHAT, &say("gpt", "hi"), key).await.unwrap().status, 200);
    let info = gateway.get("/key/info", key).await.unwrap();
    assert_eq!((info.status, &info.json()["info"]["key_alias"]), (200, &json!("mine")), "{}", info.text());
    assert_eq!(info.json()["info"]["metadata"]["team"], "a");
    assert!(!info.text().contains(key) || info.json()["key"] == json!(key), "{}", info.text());
    let again = gateway.ask("/key/generate", &json!({"key_alias": "mine"})).await.unwrap();
    assert_eq!(again.status, 400, "an alias is unique: {}", again.text());
}

#[tokio::test]
async fn custom_keys_have_rules() {
    let (_sim, gateway) = started().await;
    for key in ["short", "sk-short", "no-prefix-0123456789abcdef"] {
        let reply = gateway.ask("/key/generate", &json!({"key": key})).await.unwrap();
        assert_eq!(reply.status, 400, "{key}: {}", reply.text());
    }
    let key = new_key(&gateway, &json!({"key": "sk-my-own-key-0123456789"})).await;
    assert_eq!(key, "sk-my-own-key-0123456789");
    assert_eq!(gateway.post(CHAT, &say("gpt", "hi"), &key).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_key_reaches_only_its_models() {
    let (sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({"models": ["gpt"]})).await;
    assert_eq!(gateway.post(CHAT, &say("gpt", "hi"), &key).await.unwrap().status, 200);
    let before = calls(&sim).len();
    let denied = gateway.post(CHAT, &say("claude", "hi"), &key).await.unwrap();
    assert_error(&denied, 403, "key_model_access_denied");
    assert_eq!(denied.json()["error"]["param"], "model");
    let mut body = say("gpt", "hi");
    body["fallbacks"] = json!(["claude"]);
    assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 403, "fallbacks are checked as well");
    for (list, value) in [
        ("fallbacks", json!([{"gpt": [{"model": "claude"}]}])),
        ("fallbacks", json!([{"*": "claude"}])),
        ("context_window_fallbacks", json!([{"gpt": ["claude"]}])),
        ("content_policy_fallbacks", json!([{"gpt": ["claude"]}])),
    ] {
        let mut body = say("gpt", "hi");
        body[list] = value;
        let reply = gateway.post(CHAT, &body, &key).await.unwrap();
        assert_eq!(reply.status, 403, "{body}: {}", reply.text());
    }
    assert_eq!(calls(&sim).len(), before);
    let models = gateway.get("/v1/models", &key).await.unwrap().json();
    let ids: Vec<&Value> = models["data"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
    assert_eq!(ids, [&json!("gpt")]);
}

#[tokio::test]
async fn only_admins_manage() {
    let (_sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({})).await;
    for (path, body) in [("/key/block", json!({"key": key})), ("/user/new", json!({"user_id": "u"}))] {
        let reply = gateway.post(path, &body, &key).await.unwrap();
        assert!([401, 403].contains(&reply.status), "{path}: {} {}", reply.status, reply.text());
    }
}

#[tokio::test]
async fn blocked_deleted_and_expired_keys() {
    let (_sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({})).await;
    let body = say("gpt", "hi");
    assert_eq!(gateway.ask("/key/block", &json!({"key": key})).await.unwrap().status, 200);
    assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 401);
    assert_eq!(gateway.ask("/key/unblock", &json!({"key": key})).await.unwrap().status, 200);
    assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 200);
    assert_eq!(gateway.ask("/key/delete", &json!({"keys": [key]})).await.unwrap().status, 200);
    assert_error(&gateway.post(CHAT, &body, &key).await.unwrap(), 401, "token_not_found_in_db");
    assert_eq!(gateway.ask("/key/delete", &json!({"keys": [key]})).await.unwrap().status, 404);

    let key = new_key(&gateway, &json!({"duration": "1s"})).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_error(&gateway.post(CHAT, &body, &key).await.unwrap(), 401, "expired_key");
}

#[tokio::test]
async fn a_budget_stops_a_key() {
    let (sim, gateway) = started().await;
    let none = new_key(&gateway, &json!({"max_budget": 0})).await;
    let reply = gateway.post(CHAT, &say("gpt", "hi"), &none).await.unwrap();
    assert_error(&reply, 422, "budget_exceeded");
    assert!(reply.json()["error"]["param"].is_null());
    assert!(calls(&sim).is_empty(), "nothing was spent");

    // one call costs a cent: 1000 completion tokens of gpt-4o at 10 dollars the million
    let key = new_key(&gateway, &json!({"max_budget": 0.025})).await;
    let mut body = say("gpt", "hi [[sim prompt_tokens=10 completion_tokens=1000]]");
    body["max_tokens"] = json!(1000);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(gateway.post(CHAT, &body, &key).await.unwrap().status);
    }
    let good = statuses.iter().filter(|s| **s == 200).count();
    assert!((1..=3).contains(&good), "{statuses:?}");
    assert!(statuses[good..].iter().all(|s| *s == 422), "once over, always over: {statuses:?}");
}

#[tokio::test]
async fn a_burst_cannot_pass_a_budget() {
    let (sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({"max_budget": 0.025})).await;
    let mut body = say("gpt", "hi [[sim prompt_tokens=10 completion_tokens=1000 delay_ms=300]]");
    body["max_tokens"] = json!(1000);
    let burst = (0..12).map(|_| gateway.post(CHAT, &body, &key));
    let statuses: Vec<u16> =
        futures_util::future::join_all(burst).await.into_iter().map(|r| r.unwrap().status).collect();
    let good = statuses.iter().filter(|s| **s == 200).count();
    assert!((1..=2).contains(&good), "reservations hold the line at 2.5 calls: {statuses:?}");
    assert_eq!(calls(&sim).len(), good);
}

#[tokio::test]
async fn a_request_limit_stops_a_key() {
    let (_sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({"rpm_limit": 2})).await;
    let body = say("gpt", "hi");
    for _ in 0..2 {
        assert_eq!(gateway.post(CHAT, &body, &key).await.unwrap().status, 200);
    }
    let limited = gateway.post(CHAT, &body, &key).await.unwrap();
    assert_eq!((limited.status, &limited.json()["error"]["code"]), (429, &json!("429")), "{}", limited.text());
    assert!(!limited.header("retry-after").is_empty());
    let other = new_key(&gateway, &json!({"rpm_limit": 2})).await;
    assert_eq!(gateway.post(CHAT, &body, &other).await.unwrap().status, 200, "keys have their own windows");
}

#[tokio::test]
async fn spend_is_logged_whole_and_streamed() {
    let (_sim, gateway) = started().await;
    let made = generate(&gateway, &json!({})).await;
    let (key, token) = (made["key"].as_str().unwrap(), made["token"].as_str().unwrap());
    let mut body = say("gpt", "hi [[sim prompt_tokens=1000 completion_tokens=100]]");
    let whole = gateway.post(CHAT, &body, key).await.unwrap();
    let cost: f64 = whole.header("x-litellm-response-cost").parse().unwrap();
    // gpt-4o: 2.5 and 10 dollars the million
    assert!((cost - 0.0035).abs() < 1e-9, "{cost}");
    body["stream"] = json!(true);
    let streamed = gateway.post(CHAT, &body, key).await.unwrap();
    assert!(streamed.events().last().unwrap().is_end());

    let rows = eventually("two spend rows", async || {
        let rows = gateway.get(&format!("/spend/logs?api_key={token}"), MASTER_KEY).await.unwrap().json();
        rows.as_array().filter(|rows| rows.len() >= 2).map(|_| rows.clone())
    })
    .await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2, "each call exactly once: {rows:?}");
    for row in rows {
        assert_eq!((&row["api_key"], &row["model_group"]), (&json!(token), &json!("gpt")), "{row}");
        assert_eq!((&row["prompt_tokens"], &row["completion_tokens"]), (&json!(1000), &json!(100)), "{row}");
        assert!((row["spend"].as_f64().unwrap() - 0.0035).abs() < 1e-9, "{row}");
        assert!(!row.to_string().contains(key), "the plain key is stored: {row}");
    }
    let id = whole.json()["id"].clone();
    assert!(rows.iter().any(|row| row["request_id"] == id), "the row carries the reply's id");
    let spent = eventually("the key's spend", async || {
        let info = gateway.get(&format!("/key/info?key={key}"), MASTER_KEY).await.unwrap().json();
        let spend = info["info"]["spend"].as_f64().unwrap_or(0.0);
        ((spend - 0.007).abs() < 1e-9).then(|| json!(spend))
    })
    .await;
    assert!(spent.is_number());
}

#[tokio::test]
async fn a_broken_stream_is_billed_and_a_failure_is_not() {
    let (_sim, gateway) = started().await;
    let made = generate(&gateway, &json!({})).await;
    let (key, token) = (made["key"].as_str().unwrap(), made["token"].as_str().unwrap());
    let mut body = say("gpt", "hi [[sim chunks=20 fault=cut after=10]]");
    body["stream"] = json!(true);
    gateway.post(CHAT, &body, key).await.unwrap();
    gateway.post(CHAT, &say("openai/sim-error-500", "hi"), key).await.unwrap();
    let rows = eventually("two rows", async || {
        let rows = gateway.get(&format!("/spend/logs?api_key={token}"), MASTER_KEY).await.unwrap().json();
        rows.as_array().filter(|rows| rows.len() >= 2).map(|_| rows.clone())
    })
    .await;
    let spends: Vec<f64> = rows.as_array().unwrap().iter().map(|row| row["spend"].as_f64().unwrap()).collect();
    assert_eq!(spends.iter().filter(|s| **s == 0.0).count(), 1, "{rows}");
    assert_eq!(spends.iter().filter(|s| **s > 0.0).count(), 1, "what was delivered is billed: {rows}");
}

#[tokio::test]
async fn keys_and_spend_survive_a_restart() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut gateway = Gateway::start_with(&config(&sim), &options).await.unwrap();
    let key = new_key(&gateway, &json!({"key_alias": "lasting"})).await;
    let reply = gateway.post(CHAT, &say("gpt", "hi"), &key).await.unwrap();
    let cost: f64 = reply.header("x-litellm-response-cost").parse().unwrap();
    gateway.terminate().unwrap();
    assert!(gateway.exited(Duration::from_secs(20)).await.unwrap().success());

    let gateway = Gateway::start_with(&config(&sim), &options).await.unwrap();
    let info = gateway.get("/key/info", &key).await.unwrap().json();
    assert_eq!(info["info"]["key_alias"], "lasting", "{info}");
    let spend = info["info"]["spend"].as_f64().unwrap();
    assert!((spend - cost).abs() < 1e-12, "spend {spend} of a call of {cost} was flushed at the end");
    assert_eq!(gateway.post(CHAT, &say("gpt", "hi"), &key).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_model_of_the_database_is_used_and_forgotten() {
    let (sim, gateway) = started().await;
    let base = format!("http://{}/v1", sim.addr());
    let new = json!({"model_name": "added", "litellm_params": {"model": "openai/gpt-4o", "api_base": base,
        "litellm_credential_name": "shared"}, "model_info": {"mode": "chat", "note": "mine"}});
    let refused = gateway.ask("/model/new", &new).await.unwrap();
    assert_eq!(refused.status, 400, "there are no such credentials: {}", refused.text());
    let credential = json!({"credential_name": "shared", "credential_values": {"api_key": "sk-up-0123456789abcdef"},
        "credential_info": {}});
    assert_eq!(gateway.ask("/credentials", &credential).await.unwrap().status, 200);
    let made = gateway.ask("/model/new", &new).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let id = made.json()["model_id"].as_str().unwrap().to_owned();
    let answer = gateway.ask(CHAT, &say("added", "hello")).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let info = gateway.get(&format!("/model/info?litellm_model_id={id}"), MASTER_KEY).await.unwrap();
    let shown = info.json()["data"][0].clone();
    assert_eq!((&shown["model_info"]["db_model"], &shown["model_info"]["note"]), (&json!(true), &json!("mine")));
    assert!(!info.text().contains("sk-up-0123456789abcdef"), "{}", info.text());
    let page = gateway.get("/v2/model/info?search=ADDED&size=1", MASTER_KEY).await.unwrap().json();
    assert_eq!((&page["total_count"], &page["data"][0]["model_name"]), (&json!(1), &json!("added")), "{page}");

    let wrong = json!({"model_info": {"id": id}, "litellm_params": {"model": "nobody-knows/x"}});
    assert_eq!(gateway.ask("/model/update", &wrong).await.unwrap().status, 400);
    assert_eq!(gateway.ask(CHAT, &say("added", "still")).await.unwrap().status, 200, "the old one goes on");
    assert_eq!(gateway.ask("/model/delete", &json!({"id": id})).await.unwrap().status, 200);
    assert_eq!(gateway.ask(CHAT, &say("added", "gone")).await.unwrap().status, 400);
}

#[tokio::test]
async fn settings_are_taken_over_while_it_runs() {
    let (_sim, gateway) = started().await;
    let update = json!({"router_settings": {"model_group_alias": {"another": "gpt"}},
        "general_settings": {"max_request_size_mb": 0.001}});
    let done = gateway.ask("/config/update", &update).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    let models = gateway.get("/v1/models", MASTER_KEY).await.unwrap().text();
    assert!(models.contains("\"another\""), "{models}");
    assert_eq!(gateway.ask(CHAT, &say("another", &"x".repeat(2000))).await.unwrap().status, 413);
    let wrong = json!({"general_settings": {"max_request_size_mb": -5}});
    assert_eq!(gateway.ask("/config/update", &wrong).await.unwrap().status, 400);
    let field = json!({"field_name": "max_request_size_mb"});
    assert_eq!(gateway.ask("/config/field/delete", &field).await.unwrap().status, 200);
    assert_eq!(gateway.ask(CHAT, &say("another", &"x".repeat(2000))).await.unwrap().status, 200);
    let reloaded = gateway.ask("/config/reload", &json!({})).await.unwrap();
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
}

#[tokio::test]
async fn a_stream_ends_where_the_budget_does() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    // 2,000 words, about 3,000 tokens: 0.03 dollars of gpt-4o, 0.045 of Claude
    let long = Script { chunks: Some(400), ..Script::text("seventeen words ".repeat(1000)) };
    for (path, model) in [
        ("/v1/chat/completions", "gpt"),
        ("/v1/chat/completions", "claude"),
        ("/v1/messages", "claude"),
        ("/v1/messages", "gpt"),
        ("/v1/responses", "gpt"),
    ] {
        let case = format!("{path} {model}");
        let made = gateway.ask("/key/generate", &json!({"max_budget": 0.005})).await.unwrap().json();
        let key = made["key"].as_str().unwrap();
        sim.queue(&Match::any(), [long.clone()]);
        let messages = json!([{"role": "user", "content": "go on"}]);
        let mut body = json!({"model": model, "stream": true, "messages": messages, "max_tokens": 8000});
        if path == "/v1/responses" {
            body = json!({"model": model, "stream": true, "input": "go on"});
        }
        let reply = gateway.post(path, &body, key).await.unwrap();
        assert!(reply.status == 200 && reply.complete, "{case}: {}", reply.text());
        let events = reply.events();
        let told = events.iter().rev().take(2).any(|event| event.data.contains("Budget has been exceeded"));
        assert!(told, "{case}: {}", reply.text().chars().rev().take(600).collect::<String>());
        let info = gateway.get(&format!("/key/info?key={key}"), MASTER_KEY).await.unwrap().json();
        let spend = info["info"]["spend"].as_f64().unwrap();
        assert!(spend > 0.003 && spend < 0.009, "{case}: {spend}");
        assert_eq!(gateway.post(path, &body, key).await.unwrap().status, 422, "{case}");
    }
}
