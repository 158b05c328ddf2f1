//! Redis, for real: one server and a cluster; search where `LLM_TESTS_SEARCH` names a server with a search module
//! (`redis://127.0.0.1:6379`).

use std::time::{Duration, Instant};

use bytes::Bytes;
use llm_cache::semantic::RedisIndex;
use llm_cache::{CacheBackend, CacheError, Deadlines, Entry, Guard, RedisCache, Shield, conformance};
use llm_kv::redis::{Command, RedisClient, RedisSettings, Servers};
use llm_kv::testing::{self, RedisServer};
use tokio::runtime::Handle;

async fn client(settings: RedisSettings) -> RedisClient {
    let client = RedisClient::start(RedisSettings { deadline: Duration::from_secs(2), ..settings }, &Handle::current());
    assert!(client.ready(Duration::from_secs(10)).await);
    client
}

#[tokio::test]
async fn one_server_conforms_and_shares_with_litellm() {
    let Some(server) = RedisServer::start().unwrap() else { return };
    let client = client(RedisSettings::from_url(&server.url()).unwrap()).await;
    let cache = RedisCache::new(client.clone());
    conformance::run(&cache).await;
    // As LiteLLM writes: Python's spaces, the answer as a text; a vector as an object.
    let text = r#"{"timestamp": 1700000000.5, "response": "{\"id\":\"a\"}"}"#;
    client.call(&Command::new("SET").arg("theirs").arg(text)).await.unwrap();
    assert_eq!(cache.get("theirs").await.unwrap().unwrap().response, r#"{"id":"a"}"#);
    let vector = r#"{"timestamp": 1700000000.5, "response": {"embedding": [0.5], "index": 0}}"#;
    client.call(&Command::new("SET").arg("theirs").arg(vector)).await.unwrap();
    assert_eq!(cache.get("theirs").await.unwrap().unwrap().response, r#"{"embedding": [0.5], "index": 0}"#);
    client.call(&Command::new("SET").arg("theirs").arg("something else")).await.unwrap();
    assert!(matches!(cache.get("theirs").await, Err(CacheError::Value(_))));
    client.call(&Command::new("RPUSH").arg("list").arg("x")).await.unwrap();
    assert!(cache.get("list").await.is_err());
    let entry = Entry { stored: Duration::from_millis(1500), response: Bytes::from_static(br#"{"id":"b"}"#) };
    cache.set("ours", entry, Some(Duration::from_secs(9))).await.unwrap();
    assert_eq!(server.cli(&["get", "ours"]).unwrap().trim(), r#"{"timestamp":1.5,"response":"{\"id\":\"b\"}"}"#);
    assert!(server.cli(&["ttl", "ours"]).unwrap().trim().parse::<i64>().unwrap() > 0);
    let info = cache.info().await.unwrap().unwrap();
    let clients = info.get("num_clients").and_then(llm_types::Json::as_i64);
    assert!(clients.is_some_and(|n| n > 0), "{info}");
    assert!(info.get("info").and_then(|i| i.get("redis_version")).is_some(), "{info}");
}

#[tokio::test]
async fn a_cluster_conforms() {
    let Some(nodes) = testing::cluster().unwrap() else { return };
    let places = nodes.iter().map(|node| ("127.0.0.1".to_owned(), node.port())).collect();
    let client = client(RedisSettings::new(Servers::Cluster(places))).await;
    conformance::run(&RedisCache::new(client)).await;
}

#[tokio::test]
async fn a_server_that_stops_costs_little_and_is_used_again() {
    let Some(server) = RedisServer::start().unwrap() else { return };
    let settings =
        RedisSettings { deadline: Duration::from_millis(200), ..RedisSettings::from_url(&server.url()).unwrap() };
    let client = RedisClient::start(settings, &Handle::current());
    assert!(client.ready(Duration::from_secs(10)).await);
    let guard = Guard { runtime: None, ..Guard::new(Handle::current(), Deadlines::NEAR) };
    let cache = Shield::new(std::sync::Arc::new(RedisCache::new(client)), guard);
    assert!(cache.get("a").await.unwrap().is_none());
    server.signal("STOP").unwrap();
    let started = Instant::now();
    for _ in 0..200 {
        assert!(cache.get("a").await.is_err());
    }
    // Five deadlines of 100 ms and some room for a busy machine; without a breaker it would be twenty seconds.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    server.signal("CONT").unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while cache.get("a").await.is_err() {
        assert!(Instant::now() < deadline, "it is never used again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
#[tokio::test]
async fn search_conforms() {
    let Ok(address) = std::env::var("LLM_TESTS_SEARCH") else {
        eprintln!("SKIPPED: LLM_TESTS_SEARCH names no server; its test did not run");
        return;
    };
    let client = client(RedisSettings::from_url(&address).unwrap()).await;
    let index = RedisIndex::new("redis-semantic", client, &format!("test-{}", std::process::id()));
    conformance::run_semantic(&index).await;
}
