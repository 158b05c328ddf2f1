//! The response cache: hits, controls, call types, streams, its endpoints, and what happens when it is not there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "cache/guarded.rs"]
mod guarded;

use std::time::Duration;

use http::Method;
use llm_kv::testing::RedisServer;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Canned, Config, Gateway, MASTER_KEY, Options, Reply, calls, eventually, joined_text};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn started(params: &str) -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim, params).yaml()).await.unwrap();
    (sim, gateway)
}

fn config(sim: &Running, params: &str) -> Config {
    let params = format!("cache_params: {{{params}}}");
    Config::standard(sim).model("cohere", "cohere/rerank-v3.5", &[]).litellm("cache: true").litellm(&params)
}

fn say(text: &str) -> Value {
    json!({"model": "gpt", "messages": [{"role": "user", "content": text}]})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn is_hit(reply: &Reply) -> bool {
    assert_eq!(reply.status, 200, "{}", reply.text());
    !reply.header("x-litellm-cache-key").is_empty()
}

/// Asks twice; the second answer must come from the cache and say the same.
async fn twice(sim: &Running, gateway: &Gateway, path: &str, body: &Value) -> (Reply, Reply) {
    let before = calls(sim).len();
    let first = gateway.ask(path, body).await.unwrap();
    assert!(!is_hit(&first), "{path}: the first one is no hit");
    let second = gateway.ask(path, body).await.unwrap();
    assert!(is_hit(&second), "{path}: the second one is a hit: {body}");
    assert_eq!(calls(sim).len(), before + 1, "{path}");
    (first, second)
}

async fn new_key(gateway: &Gateway, fields: &Value) -> String {
    gateway.new_key(fields).await.unwrap().0
}

#[tokio::test]
async fn every_kind_of_call_is_answered_again() {
    let (sim, gateway) = started("type: local").await;
    let chat = say("hello");
    let (first, second) = twice(&sim, &gateway, CHAT, &chat).await;
    assert_eq!(first.body, second.body, "the id stays the same");
    assert_eq!(first.header("x-litellm-response-cost"), second.header("x-litellm-response-cost"));
    assert_eq!(second.header("x-litellm-cache-key").len(), 64);
    for (path, body) in [
        ("/v1/messages", json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]})),
        ("/v1/completions", json!({"model": "gpt", "prompt": "a"})),
        ("/v1/responses", json!({"model": "gpt", "input": "a"})),
        ("/v1/rerank", json!({"model": "cohere", "query": "a", "documents": ["a", "b"]})),
        ("/v1/embeddings", json!({"model": "embed", "input": "alone"})),
    ] {
        let (first, second) = twice(&sim, &gateway, path, &body).await;
        if path != "/v1/embeddings" {
            assert_eq!(first.json(), second.json(), "{path}");
        }
    }
    // The model as it is asked for, user and stream are part of the key.
    for other in [with(chat.clone(), "model", json!("openai/gpt-4o")), with(chat.clone(), "user", json!("u"))] {
        assert!(!is_hit(&gateway.ask(CHAT, &other).await.unwrap()), "{other}");
    }
    let reordered = format!(r#"{{"messages":{},"model":"gpt"}}"#, chat["messages"]);
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let reply = gateway.send(Method::POST, CHAT, &headers, reordered.into()).await.unwrap();
    assert!(is_hit(&reply), "the order of the fields does not matter");
}

#[tokio::test]
async fn streams_are_played_again_and_incomplete_ones_never() {
    let (sim, gateway) = started("type: local").await;
    for (path, body) in [
        (CHAT, with(say("hello"), "stream_options", json!({"include_usage": true}))),
        ("/v1/messages", json!({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]})),
        ("/v1/responses", json!({"model": "gpt", "input": "a"})),
        ("/v1/completions", json!({"model": "gpt", "prompt": "a"})),
    ] {
        let body = with(body, "stream", json!(true));
        let (first, second) = twice(&sim, &gateway, path, &body).await;
        assert_eq!(joined_text(&first.events()), joined_text(&second.events()), "{path}");
        assert!(second.events().iter().any(|e| e.is_end()), "{path}: {}", second.text());
        assert_eq!(second.header("content-type"), "text/event-stream; charset=utf-8");
    }
    let whole = gateway.ask(CHAT, &say("hello")).await.unwrap();
    assert!(!is_hit(&whole), "streams and whole answers are apart");
    sim.script(Match::any().nth(1), Script { after: Some(2), ..Script::fault(Fault::Cut) });
    let cut = with(say("cut me"), "stream", json!(true));
    let broken = gateway.ask(CHAT, &cut).await.unwrap();
    assert!(broken.events().iter().any(|e| e.is_error()), "{}", broken.text());
    let again = gateway.ask(CHAT, &cut).await.unwrap();
    assert!(!is_hit(&again), "what was cut is not remembered");
    assert!(again.events().iter().any(|e| e.is_end()));
}

#[tokio::test]
async fn requests_and_keys_control_it() {
    let (_sim, gateway) = started("type: local, namespace: house").await;
    let ask = async |text: &str, cache: Value| gateway.ask(CHAT, &with(say(text), "cache", cache)).await.unwrap();
    assert!(!is_hit(&ask("a", json!({"no-store": true})).await));
    assert!(!is_hit(&ask("a", json!({"ttl": 1})).await), "it was not stored");
    let hit = ask("a", json!({})).await;
    assert!(hit.header("x-litellm-cache-key").starts_with("house:"), "{}", hit.header("x-litellm-cache-key"));
    assert!(!is_hit(&ask("a", json!({"no-cache": true, "no-store": true})).await));
    assert!(!is_hit(&ask("a", json!({"namespace": "other"})).await));
    let own = ask("a", json!({"namespace": "other"})).await;
    assert!(own.header("x-litellm-cache-key").starts_with("other:"));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(!is_hit(&ask("a", json!({})).await), "its second is over");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(!is_hit(&ask("a", json!({"s-maxage": 1, "no-store": true})).await), "too old for this one");
    assert!(is_hit(&ask("a", json!({"s-maxage": 60})).await));
    assert!(!is_hit(&gateway.ask(CHAT, &with(say("a"), "caching", json!(false))).await.unwrap()));
    let shy = new_key(&gateway, &json!({"metadata": {"cache": {"no-cache": true}}})).await;
    assert!(!is_hit(&gateway.post(CHAT, &say("a"), &shy).await.unwrap()), "the key says no");
    let plain = new_key(&gateway, &json!({})).await;
    assert!(is_hit(&gateway.post(CHAT, &say("a"), &plain).await.unwrap()), "keys share, as in LiteLLM");
    let spent = gateway.ask("/key/info", &json!({})).await;
    drop(spent);
    let info = gateway.get(&format!("/key/info?key={plain}"), MASTER_KEY).await.unwrap().json();
    assert_eq!(info["info"]["spend"], json!(0.0), "a hit costs nothing: {info}");
}

#[tokio::test]
async fn only_unknown_texts_are_embedded() {
    let (sim, gateway) = started("type: local").await;
    let embed = async |input: Value| gateway.ask("/v1/embeddings", &json!({"model": "embed", "input": input})).await;
    let two = embed(json!(["one", "two"])).await.unwrap();
    assert!(!is_hit(&two));
    let three = embed(json!(["three", "one", "two and more"])).await.unwrap();
    assert!(!is_hit(&three), "a part is no hit");
    let asked = calls(&sim);
    assert_eq!(asked[1].json()["input"], json!(["three", "two and more"]), "only what is missing goes out");
    let (two, three) = (two.json(), three.json());
    let data = three["data"].as_array().unwrap();
    assert_eq!(data.iter().map(|d| d["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(data[1]["embedding"], two["data"][0]["embedding"]);
    assert_ne!(data[0]["embedding"], data[2]["embedding"]);
    let all = embed(json!(["two", "three"])).await.unwrap();
    assert!(is_hit(&all));
    assert_eq!(calls(&sim).len(), 2);
    let all = all.json();
    assert_eq!(all["data"][0]["embedding"], two["data"][1]["embedding"]);
    assert_eq!(all["data"][1]["embedding"], three["data"][0]["embedding"]);
    assert!(all["usage"]["prompt_tokens"].as_u64().unwrap() > 0, "{all}");
}

#[tokio::test]
async fn identical_requests_at_the_same_time_become_one() {
    let (sim, gateway) = started("type: local, collapse_identical_requests: true").await;
    let first = Match { contains: Some("once more".to_owned()), ..Match::any() }.nth(1);
    sim.script(first, Script { delay_ms: Some(500), ..Script::fault(Fault::Status(500)) });
    sim.script(Match::any(), Script { delay_ms: Some(700), ..Script::default() });
    let ask = async |stream: bool| gateway.ask(CHAT, &with(say("all at once"), "stream", json!(stream))).await;
    let replies = futures_util::future::join_all((0..8).map(|_| async { ask(false).await.unwrap() })).await;
    assert_eq!(calls(&sim).len(), 1);
    assert_eq!(replies.iter().filter(|r| is_hit(r)).count(), 7);
    assert!(replies.iter().all(|r| r.json()["choices"][0]["message"]["content"] == "You said: all at once"));
    let replies = futures_util::future::join_all((0..4).map(|_| async { ask(true).await.unwrap() })).await;
    assert_eq!(calls(&sim).len(), 2, "streams as well");
    assert!(replies.iter().all(|r| joined_text(&r.events()) == "You said: all at once"));
    // One that fails lets the next one try: nobody gets the error of another.
    let replies = futures_util::future::join_all(
        (0..3).map(|_| async { gateway.ask(CHAT, &say("once more")).await.unwrap().status }),
    )
    .await;
    assert_eq!(replies.iter().filter(|s| **s == 500).count(), 1, "{replies:?}");
    assert_eq!(replies.iter().filter(|s| **s == 200).count(), 2, "{replies:?}");
}

#[tokio::test]
async fn a_file_outlives_the_process_and_tenants_can_be_kept_apart() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cache");
    let params = format!("type: disk, disk_cache_dir: '{}', tenant_isolation: true", place.display());
    let params = format!("{params}, mode: default_off");
    let config = config(&sim, &params).yaml();
    let options = Options { state_dir: Some(folder.path().join("state")), ..Options::default() };
    let gateway = Gateway::start_with(&config, &options).await.unwrap();
    let wish = with(say("hello"), "cache", json!({"use-cache": true}));
    let [one, other] = [new_key(&gateway, &json!({})).await, new_key(&gateway, &json!({})).await];
    for _ in 0..2 {
        assert!(!is_hit(&gateway.post(CHAT, &say("hello"), &one).await.unwrap()), "nobody asked for it");
    }
    assert!(!is_hit(&gateway.post(CHAT, &wish, &one).await.unwrap()));
    eventually_hit(&gateway, &wish, &one).await;
    assert!(!is_hit(&gateway.post(CHAT, &wish, &other).await.unwrap()), "the other one has its own");
    gateway.terminate().unwrap();
    let mut gateway = gateway;
    gateway.exited(Duration::from_secs(40)).await.unwrap();
    let gateway = Gateway::start_with(&config, &options).await.unwrap();
    assert!(is_hit(&gateway.post(CHAT, &wish, &one).await.unwrap()));
}

/// Stores elsewhere take a moment until they give back what was stored.
async fn eventually_hit(gateway: &Gateway, body: &Value, key: &str) {
    eventually("a hit", async || is_hit(&gateway.post(CHAT, body, key).await.unwrap()).then_some(())).await;
}

#[tokio::test]
async fn administrators_look_after_it() {
    let (_sim, gateway) = started("type: local").await;
    let ping = gateway.get("/cache/ping", MASTER_KEY).await.unwrap();
    let body = ping.json();
    assert_eq!((ping.status, &body["status"], &body["cache_type"]), (200, &json!("healthy"), &json!("local")));
    gateway.ask(CHAT, &say("a")).await.unwrap();
    let key = gateway.ask(CHAT, &say("a")).await.unwrap().header("x-litellm-cache-key").to_owned();
    let gone = gateway.ask("/cache/delete", &json!({"keys": [key, "unknown"]})).await.unwrap();
    assert_eq!((gone.status, gone.json()), (200, json!({"status": "success"})));
    assert!(!is_hit(&gateway.ask(CHAT, &say("a")).await.unwrap()));
    assert_eq!(gateway.ask("/cache/flushall", &json!({})).await.unwrap().json(), json!({"status": "success"}));
    assert!(!is_hit(&gateway.ask(CHAT, &say("a")).await.unwrap()));
    assert_eq!(gateway.get("/cache/redis/info", MASTER_KEY).await.unwrap().status, 503);
    let shown = gateway.get("/cache/settings", MASTER_KEY).await.unwrap().json();
    assert_eq!(shown["current_values"], json!({"type": "local"}), "{shown}");
    assert!(shown["fields"].as_array().unwrap().iter().any(|f| f["field_name"] == "host"));
    let test = async |settings: Value| {
        gateway.ask("/cache/settings/test", &json!({"cache_settings": settings})).await.unwrap().json()
    };
    assert_eq!(test(json!({"type": "local", "ttl": 5})).await["status"], "success");
    let dead = test(json!({"type": "redis", "redis_type": "node", "host": "127.0.0.1", "port": "1"})).await;
    assert_eq!(dead["status"], "failed", "{dead}");
    for password in ["***REDACTED***", "os.environ/HOME"] {
        let body = json!({"cache_settings": {"type": "redis", "host": "127.0.0.1", "port": "1", "password": password}});
        let reply = gateway.ask("/cache/settings/test", &body).await.unwrap();
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("password")), "{}", reply.text());
    }
    let key = new_key(&gateway, &json!({})).await;
    assert_eq!(gateway.post("/cache/flushall", &json!({}), &key).await.unwrap().status, 401);
    assert_eq!(gateway.get("/cache/ping", &key).await.unwrap().status, 401);
}

/// A bucket on a port where nobody listens.
#[tokio::test]
async fn without_its_backend_calls_go_on_and_it_is_told() {
    let dead = "type: s3, s3_bucket_name: b, s3_endpoint_url: 'http://127.0.0.1:1', s3_aws_access_key_id: a, \
                s3_aws_secret_access_key: b";
    let (sim, gateway) = started(dead).await;
    assert!(gateway.logs().contains("litellm_settings.cache_params.type"), "told at the start: {}", gateway.logs());
    for n in 0..8 {
        assert!(!is_hit(&gateway.ask(CHAT, &say(&n.to_string())).await.unwrap()));
    }
    assert_eq!(calls(&sim).len(), 8);
    let metrics = gateway.get("/metrics", MASTER_KEY).await.unwrap().text();
    let line =
        |name: &str| metrics.lines().find(|l| l.starts_with(name) && l.contains("cache=\"s3\"")).map(str::to_owned);
    assert!(line("llm_cache_failures_total").is_some(), "{metrics}");
    assert_eq!(line("llm_cache_usable").as_deref().map(|l| l.ends_with(" 0")), Some(true), "{metrics}");
    let told = async || gateway.logs().contains("requests go on without it").then_some(());
    eventually("the log tells of a cache that does not answer", told).await;
    assert_eq!(gateway.get("/cache/ping", MASTER_KEY).await.unwrap().status, 503);
}

#[tokio::test]
async fn gateways_share_redis_and_go_on_without_it() {
    let Some(mut server) = RedisServer::start().unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let redis = format!("type: redis, host: 127.0.0.1, port: {}, namespace: shared, ttl: 60", server.port());
    let near = redis.replace("redis", "dual");
    let [one, other] = [config(&sim, &redis).yaml(), config(&sim, &near).yaml()];
    let (one, other) = (Gateway::start(&one).await.unwrap(), Gateway::start(&other).await.unwrap());
    assert!(!is_hit(&one.ask(CHAT, &say("hello")).await.unwrap()));
    eventually_hit(&other, &say("hello"), MASTER_KEY).await;
    let asked = calls(&sim).len();
    let hit = other.ask(CHAT, &say("hello")).await.unwrap();
    let key = hit.header("x-litellm-cache-key").to_owned();
    assert!(key.starts_with("shared:") && is_hit(&hit));
    let stored = server.cli(&["get", &key]).unwrap();
    assert!(stored.starts_with(r#"{"timestamp":"#) && stored.contains(r#""response":"{"#), "{stored}");
    let embed = json!({"model": "embed", "input": ["a", "b"]});
    assert!(!is_hit(&one.ask("/v1/embeddings", &embed).await.unwrap()));
    for _ in 0..100 {
        if is_hit(&other.ask("/v1/embeddings", &embed).await.unwrap()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_hit(&other.ask("/v1/embeddings", &embed).await.unwrap()));
    let ping = one.get("/cache/ping", MASTER_KEY).await.unwrap().json();
    assert_eq!((&ping["cache_type"], &ping["set_cache_response"]), (&json!("redis"), &json!("success")), "{ping}");
    let info = one.get("/cache/redis/info", MASTER_KEY).await.unwrap().json();
    assert!(info["num_clients"].as_u64().unwrap() >= 1 && info["info"]["redis_version"].is_string(), "{info}");

    server.kill().unwrap();
    assert!(is_hit(&other.ask(CHAT, &say("hello")).await.unwrap()), "its own memory still knows");
    assert!(!is_hit(&one.ask(CHAT, &say("hello")).await.unwrap()), "the call goes on");
    assert!(calls(&sim).len() > asked);
    assert_eq!(one.get("/cache/ping", MASTER_KEY).await.unwrap().status, 503);
    server.restart().unwrap();
    eventually_hit(&one, &say("back again"), MASTER_KEY).await;
    let gone = one.ask("/cache/flushall", &json!({})).await.unwrap();
    assert_eq!(gone.json(), json!({"status": "success"}));
    assert!(!is_hit(&one.ask(CHAT, &say("back again")).await.unwrap()), "it was emptied");
}

/// Vectors of how often each letter stands in a text.
fn letters(text: &str) -> Vec<f64> {
    ('a'..='z').map(|letter| text.to_lowercase().chars().filter(|c| *c == letter).count() as f64).collect()
}

#[tokio::test]
async fn questions_of_the_same_meaning_are_answered_again_but_not_those_of_others() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let canned = Canned::start(|asked| {
        let vector = letters(asked.json["input"].as_str().unwrap());
        let data = json!([{"object": "embedding", "index": 0, "embedding": vector}]);
        let body =
            json!({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}});
        (200, "application/json", body.to_string())
    })
    .await
    .unwrap();
    let params = "type: local-semantic, similarity_threshold: 0.95, semantic_cache_embedding_model: letters";
    let config = config(&sim, params).model_at(&canned.base_url(), "letters", "openai/letters", &[]).yaml();
    let gateway = Gateway::start(&config).await.unwrap();
    let [one, other] = [new_key(&gateway, &json!({})).await, new_key(&gateway, &json!({})).await];
    assert!(!is_hit(&gateway.post(CHAT, &say("What is the capital of France?"), &one).await.unwrap()));
    let alike = say("what's the capital of France");
    eventually_hit(&gateway, &alike, &one).await;
    let hit = gateway.post(CHAT, &alike, &one).await.unwrap();
    assert_eq!(hit.json()["choices"][0]["message"]["content"], "You said: What is the capital of France?");
    let similarity: f64 = hit.header("x-litellm-semantic-similarity").parse().unwrap();
    assert!((0.95..1.0).contains(&similarity), "{similarity}");
    let stream = gateway.post(CHAT, &with(alike.clone(), "stream", json!(true)), &one).await.unwrap();
    assert!(is_hit(&stream) && stream.events().iter().any(|e| e.is_end()), "{}", stream.text());
    assert!(!is_hit(&gateway.post(CHAT, &alike, &other).await.unwrap()), "another key");
    assert!(!is_hit(&gateway.post(CHAT, &say("zzz qqq"), &one).await.unwrap()), "another question");
    assert!(!is_hit(&gateway.post(CHAT, &with(alike.clone(), "temperature", json!(1)), &one).await.unwrap()));
    drop(canned);
    let fresh = gateway.post(CHAT, &say("is anybody there"), &one).await.unwrap();
    assert!(!is_hit(&fresh), "without the embedding model the call goes on");
}
