//! What administrators set on pages holds on every gateway within seconds; what dashboards draw comes from calls of all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

use bytes::Bytes;
use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_store::testing::PostgresServer;
use llm_tests::{Config, Form, Gateway, MASTER_KEY, Options, Reply, calls, eventually};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn config(sim: &Running) -> String {
    let config = Config::empty(sim).model("gpt", "openai/gpt-4o", &[]).general("proxy_batch_write_at: 0.2");
    config.general("proxy_config_reload_interval_seconds: 0.2").litellm("store_audit_logs: true").yaml()
}

fn say(text: &str) -> Value {
    json!({"model": "gpt", "messages": [{"role": "user", "content": text}]})
}

/// A call of the session `talk`, named by this header, else in the body.
async fn talk(gateway: &Gateway, text: &str, key: &str, header: Option<&str>) -> u16 {
    let key = format!("Bearer {key}");
    let mut headers = vec![("authorization", key.as_str()), ("content-type", "application/json")];
    let mut body = say(text);
    match header {
        Some(name) => headers.push((name, "talk")),
        None => body["litellm_session_id"] = json!("talk"),
    }
    gateway.send(Method::POST, CHAT, &headers, Bytes::from(body.to_string())).await.unwrap().status
}

async fn patch(gateway: &Gateway, path: &str, body: Value) -> Reply {
    let key = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    gateway.send(Method::PATCH, path, &headers, Bytes::from(body.to_string())).await.unwrap()
}

async fn read(gateway: &Gateway, path: &str) -> Value {
    let reply = gateway.get(path, MASTER_KEY).await.unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

async fn bare(gateway: &Gateway, path: &str) -> Reply {
    gateway.send(Method::GET, path, &[], Bytes::new()).await.unwrap()
}

/// The same on one gateway with SQLite and on two with PostgreSQL: what `one` is told, `two` does.
async fn settings_hold(sim: &Running, one: &Gateway, two: &Gateway) {
    assert_eq!(bare(two, "/public/model_hub").await.status, 200);
    assert!(bare(two, "/health/readiness").await.json().get("litellm_version").is_none());
    let told = json!({"require_auth_for_public_ai_hub": true, "allow_public_health_readiness_details": true, "disable_custom_api_keys": true});
    let done = patch(one, "/update/ui_settings", told).await;
    assert_eq!(done.status, 200, "{}", done.text());
    eventually("the settings at the other gateway", async || {
        (bare(two, "/public/model_hub").await.status == 401).then_some(())
    })
    .await;
    assert!(bare(two, "/health/readiness").await.json().get("litellm_version").is_some());
    let own = two.ask("/key/generate", &json!({"key": "sk-my-own-0123456789"})).await.unwrap();
    assert!((400..500).contains(&own.status), "keys are generated now: {}", own.text());

    let set = json!({"cache_settings": {"type": "local"}});
    assert_eq!(one.ask("/cache/settings", &json!({"cache_settings": {"type": "redis"}})).await.unwrap().status, 400);
    let done = one.ask("/cache/settings", &set).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    eventually("the cache at the other gateway", async || {
        two.ask(CHAT, &say("remember")).await.unwrap();
        let again = two.ask(CHAT, &say("remember")).await.unwrap();
        (!again.header("x-litellm-cache-key").is_empty()).then_some(())
    })
    .await;
    let before = calls(sim).len();
    two.ask(CHAT, &say("remember")).await.unwrap();
    assert_eq!(calls(sim).len(), before, "answered from memory");
}

/// Tools and stores of the database are served like those of a file.
async fn registries_hold(one: &Gateway, two: &Gateway) {
    let tool = json!({"search_tool": {"search_tool_name": "web", "litellm_params": {"search_provider": "tavily", "api_key": "k"}}});
    let made = one.ask("/search_tools", &tool).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let bad = json!({"search_tool": {"search_tool_name": "moon", "litellm_params": {"search_provider": "no-such-provider", "api_key": "k"}}});
    assert_eq!(one.ask("/search_tools", &bad).await.unwrap().status, 400);
    let store = json!({"vector_store_id": "vs_1", "custom_llm_provider": "openai", "litellm_params": {"api_key": "k"}});
    let made = one.ask("/vector_store/new", &store).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    eventually("the tool at the other gateway", async || {
        read(two, "/v1/search/tools").await.to_string().contains("\"web\"").then_some(())
    })
    .await;
    assert_eq!(read(two, "/vector_store/list").await["total_count"], 1);
}

/// A logo that is uploaded at one gateway is shown by the other, until another takes its place.
async fn logos_hold(one: &Gateway, two: &Gateway) {
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let large = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; 5 << 20]].concat();
    for (name, data) in [("logo.gif", svg.as_slice()), ("logo.png", svg), ("logo.png", &large), ("svg", svg)] {
        let form = Form::default().file("file", name, data);
        let refused = one.post_form("/upload/logo", &form, MASTER_KEY).await.unwrap();
        assert_eq!(refused.status, 400, "{name}: {}", refused.text());
    }
    assert_eq!(one.ask("/upload/logo", &json!({"file": "x"})).await.unwrap().status, 422);
    assert_eq!(bare(two, "/get_image").await.status, 404);
    let form = Form::default().file("file", "../../etc/logo.svg", svg);
    let (key, _) = one.new_key(&json!({})).await.unwrap();
    assert_eq!(one.post_form("/upload/logo", &form, &key).await.unwrap().status, 401);
    let done = one.post_form("/upload/logo", &form, MASTER_KEY).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.json()["file_size"], json!(svg.len()));
    let shown = bare(two, "/get_image?theme=dark").await;
    assert_eq!(
        (shown.status, shown.header("content-type"), shown.text()),
        (200, "image/svg+xml", std::str::from_utf8(svg).unwrap().to_owned())
    );
    assert!(shown.header("content-security-policy").contains("sandbox"), "its programs do not run");
    let place = done.json()["file_path"].as_str().unwrap().to_owned();
    assert!(bare(two, "/get_logo_url").await.json()["logo_url"].as_str().unwrap().ends_with(&place));
    // What is saved along with it keeps it; what is saved without it does not.
    let icon = "https://cdn.example/f.ico";
    let theme = async |body: Value| patch(one, "/update/ui_theme_settings", body).await.status;
    assert_eq!(theme(json!({"logo_url": "/get_image?v=another"})).await, 400);
    assert_eq!(theme(json!({"logo_url": place, "favicon_url": icon})).await, 200);
    assert_eq!(bare(two, "/get_image").await.status, 200);
    let trail = read(one, "/audit?object_id=ui_logo").await;
    assert!(trail.to_string().contains("image/svg+xml"), "{trail}");
    assert!(!trail.to_string().contains("alert(1)") && !trail.to_string().contains("PHN2Zy"), "{trail}");
    assert_eq!(theme(json!({})).await, 200);
    assert_eq!(bare(two, "/get_image").await.status, 404);
}

/// Sessions, speed and numbers of requests of both gateways.
async fn dashboards_draw(one: &Gateway, two: &Gateway) {
    let (told, client) = (Some("x-litellm-session-id"), Some("x-claude-code-session-id"));
    for (gateway, text, header) in [(one, "first", told), (two, "second", client), (two, "third", None)] {
        assert_eq!(talk(gateway, text, MASTER_KEY, header).await, 200);
    }
    assert_eq!(talk(one, "no", "sk-nobodys-0123456789", told).await, 401);
    let range = "start_date=2020-01-01&end_date=2099-01-01";
    let all = eventually("the session", async || {
        let page = read(one, &format!("/spend/logs/ui?{range}&group_by_session=true")).await;
        let talk = page["data"].as_array()?.iter().find(|row| row["session_id"] == "talk")?.clone();
        (talk["session_total_count"] == 3).then_some(talk)
    })
    .await;
    assert_eq!(all["session_models"], json!(["gpt-4o"]));
    assert!(all["session_total_tokens"].as_i64().unwrap() > 0);
    let answered = eventually("the number of requests", async || {
        let body = read(two, "/gateway/daily/activity").await;
        let route = body["by_route"].as_array()?.iter().find(|row| row["route"] == "/chat/completions")?.clone();
        (route["successful_requests"].as_i64()? >= 5 && route["failed_requests"].as_i64()? >= 1).then_some(body)
    })
    .await;
    assert_eq!(answered["by_date"].as_array().unwrap().len(), 1);
    let speed = read(two, "/model/metrics?_selected_model_group=gpt").await;
    let line = speed["all_api_bases"][0].as_str().unwrap().to_owned();
    assert!(speed["data"][0][&line].as_f64().unwrap() > 0.0, "{speed}");
    let slow = read(two, "/model/metrics/slow_responses?_selected_model_group=gpt").await;
    assert!(slow[0]["total_count"].as_i64().unwrap() >= 4 && slow[0]["slow_count"] == 0, "{slow}");
}

#[tokio::test]
async fn on_sqlite() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim)).await.unwrap();
    settings_hold(&sim, &gateway, &gateway).await;
    registries_hold(&gateway, &gateway).await;
    logos_hold(&gateway, &gateway).await;
    dashboards_draw(&gateway, &gateway).await;
}

#[tokio::test]
async fn on_postgresql_with_two_gateways() {
    let Some(server) = PostgresServer::start().unwrap() else { return };
    let url = server.create().await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let options = Options { env: vec![("DATABASE_URL".to_owned(), url)], ..Options::default() };
    let one = Gateway::start_with(&config(&sim), &options).await.unwrap();
    let two = Gateway::start_with(&config(&sim), &options).await.unwrap();
    settings_hold(&sim, &one, &two).await;
    registries_hold(&one, &two).await;
    logos_hold(&one, &two).await;
    dashboards_draw(&one, &two).await;
}
