//! Several gateways on one Redis: what they share, and what they do without it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

use std::time::Duration;

use llm_kv::testing::{RedisServer, cluster};
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, eventually};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const KEY: &str = "sk-shared-0123456789abcdef";

fn config(sim: &Running, redis: &str) -> Config {
    Config::standard(sim)
        .router(&format!("redis_url: {redis}"))
        .router("cache_kwargs: {namespace: tests, socket_timeout: 0.2}")
}

/// So many gateways with a database each, where a key has the same value, limits and budget.
async fn gateways(count: usize, config: &Config, key: &Value) -> Vec<Gateway> {
    let mut all = Vec::new();
    for _ in 0..count {
        let gateway = Gateway::start(&config.yaml()).await.unwrap();
        let mut fields = key.clone();
        fields["key"] = json!(KEY);
        let reply = gateway.ask("/key/generate", &fields).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        all.push(gateway);
    }
    all
}

async fn readiness(gateway: &Gateway) -> Value {
    let reply = gateway.get("/health/readiness", "").await.unwrap();
    assert_eq!(reply.status, 200, "without Redis a gateway is as ready as with it");
    reply.json()
}

async fn until(gateway: &Gateway, mode: &str) {
    eventually(&format!("{mode} limits"), async || {
        (readiness(gateway).await["shared_state"]["limits"] == mode).then_some(())
    })
    .await;
}

fn say() -> Value {
    json!({"model": "gpt", "messages": [{"role": "user", "content": "hello"}]})
}

/// The statuses of so many calls, spread over the gateways, all at the same time.
async fn calls(gateways: &[Gateway], count: usize) -> Vec<u16> {
    let body = say();
    let calls = (0..count).map(|n| gateways[n % gateways.len()].post(CHAT, &body, KEY));
    futures_util::future::join_all(calls).await.into_iter().map(|reply| reply.unwrap().status).collect()
}

fn of(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|s| **s == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_holds_over_three_gateways_and_each_has_it_alone_without_redis() {
    let Some(mut redis) = RedisServer::start().unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateways = gateways(3, &config(&sim, &redis.url()), &json!({"rpm_limit": 20})).await;
    for gateway in &gateways {
        until(gateway, "shared").await;
    }
    let statuses = calls(&gateways, 60).await;
    assert_eq!((of(&statuses, 200), of(&statuses, 429)), (20, 40), "exactly the limit: {statuses:?}");
    assert!(redis.cli(&["keys", "tests:*"]).unwrap().contains("tests:{llm:limits}"), "the namespace is kept");

    redis.kill().unwrap();
    for gateway in &gateways {
        until(gateway, "local").await;
    }
    let statuses = calls(&gateways, 30).await;
    assert_eq!(of(&statuses, 429), 30, "they go on from what they heard last: {statuses:?}");
    let metrics = gateways[0].get("/metrics", MASTER_KEY).await.unwrap().text();
    assert!(metrics.contains("litellm_shared_state_mode{use=\"limits\",mode=\"local\"} 1"), "{metrics}");
    assert!(metrics.contains("litellm_redis_breaker_opened_total 1") && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(gateways[0].logs().contains("this gateway counts for itself"), "{}", gateways[0].logs());

    redis.restart().unwrap();
    for gateway in &gateways {
        until(gateway, "shared").await;
    }
    let statuses = calls(&gateways, 60).await;
    assert_eq!(of(&statuses, 200), 20, "a Redis without memory begins a new window: {statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_for_one_admits_one_of_64_over_three_gateways() {
    let Some(redis) = RedisServer::start().unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    // One call may cost 16 cents at the most: the first is alone, the others find it in flight.
    let gateways = gateways(3, &config(&sim, &redis.url()), &json!({"max_budget": 0.01})).await;
    for gateway in &gateways {
        until(gateway, "shared").await;
    }
    sim.script(Match::path("/chat/completions"), Script { delay_ms: Some(3000), ..Script::default() });
    let statuses = calls(&gateways, 64).await;
    assert_eq!((of(&statuses, 200), of(&statuses, 422)), (1, 63), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_redis_fails_no_call() {
    let Some(redis) = RedisServer::start().unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateways = gateways(2, &config(&sim, &redis.url()), &json!({"rpm_limit": 100_000, "max_budget": 1000})).await;
    for gateway in &gateways {
        until(gateway, "shared").await;
    }
    redis.signal("STOP").unwrap();
    for _ in 0..5 {
        let statuses = calls(&gateways, 20).await;
        assert_eq!(of(&statuses, 200), 20, "{statuses:?}");
    }
    until(&gateways[0], "local").await;
    redis.signal("CONT").unwrap();
    until(&gateways[0], "shared").await;
    assert_eq!(of(&calls(&gateways, 20).await, 200), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cooldown_is_seen_by_all() {
    let Some(redis) = RedisServer::start().unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    sim.script(Match::path("/east"), Script::fault(Fault::Status(429)));
    let config = config(&sim, &redis.url())
        .model_below("pair", "openai/gpt-4o", "/east", &["cooldown_time: 60"])
        .model_below("pair", "openai/gpt-4o", "/west", &["cooldown_time: 60"])
        .router("num_retries: 2");
    let gateways = gateways(2, &config, &json!({})).await;
    for gateway in &gateways {
        until(gateway, "shared").await;
    }
    let east = || sim.requests().iter().filter(|request| request.path.starts_with("/east")).count();
    let ask = async |gateway: &Gateway| {
        let body = json!({"model": "pair", "messages": [{"role": "user", "content": "hello"}]});
        assert_eq!(gateway.ask(CHAT, &body).await.unwrap().status, 200);
    };
    for _ in 0..100 {
        if east() > 0 {
            break;
        }
        ask(&gateways[0]).await;
    }
    assert_eq!(east(), 1, "the first one learns it");
    // Two rounds of the exchange.
    let known = async {
        while !redis.cli(&["zcard", "tests:{llm:router}:cool"]).unwrap().starts_with('1') {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(1000)).await;
    };
    tokio::time::timeout(Duration::from_secs(10), known).await.expect("it is told");
    for _ in 0..20 {
        ask(&gateways[1]).await;
    }
    assert_eq!(east(), 1, "the other one knows without trying");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_told_with_its_place() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = config(&sim, "redis://127.0.0.1:1");
    let gateway = &gateways(1, &config, &json!({"rpm_limit": 100})).await[0];
    assert_eq!(gateway.post(CHAT, &say(), KEY).await.unwrap().status, 200);
    assert_eq!(readiness(gateway).await["shared_state"]["limits"], "local");
    for _ in 0..100 {
        let logs = gateway.logs();
        if logs.contains("config.yaml:") && logs.contains("Redis at 127.0.0.1:1 cannot be reached") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", gateway.logs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_shared_like_one_server_and_a_dead_master_fails_no_call() {
    let Some(mut nodes) = cluster().unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let list: Vec<String> = nodes.iter().map(|n| format!("{{host: 127.0.0.1, port: {}}}", n.port())).collect();
    let list = list.join(", ");
    let config = Config::standard(&sim)
        .general(&format!("coordination_redis: {{startup_nodes: [{list}], namespace: tests, socket_timeout: 0.2}}"))
        .litellm("cache: true")
        .litellm(&format!("cache_params: {{type: redis, mode: default_off, redis_startup_nodes: [{list}]}}"));
    let gateways = gateways(2, &config, &json!({"rpm_limit": 20})).await;
    for gateway in &gateways {
        until(gateway, "shared").await;
    }
    let statuses = calls(&gateways, 40).await;
    assert_eq!((of(&statuses, 200), of(&statuses, 429)), (20, 20), "exactly the limit: {statuses:?}");

    // Entries lie on every master: what one gateway stores the other finds.
    for n in 0..8 {
        let text = format!("question {n}");
        let body =
            json!({"model": "gpt", "cache": {"use-cache": true}, "messages": [{"role": "user", "content": text}]});
        assert_eq!(gateways[0].ask(CHAT, &body).await.unwrap().status, 200);
        let mut hit = false;
        for _ in 0..50 {
            hit = !gateways[1].ask(CHAT, &body).await.unwrap().header("x-litellm-cache-key").is_empty();
            if hit {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(hit, "{text}");
    }
    let entries: usize =
        nodes.iter().map(|node| node.cli(&["dbsize"]).unwrap().trim().parse::<usize>().unwrap().min(1)).sum();
    assert_eq!(entries, 3, "each master has some");

    let slot: usize = nodes[0].cli(&["cluster", "keyslot", "{llm:limits}"]).unwrap().trim().parse().unwrap();
    nodes[slot / 5462].kill().unwrap();
    for _ in 0..5 {
        let statuses = calls(&gateways, 20).await;
        assert_eq!(of(&statuses, 200) + of(&statuses, 429), 20, "{statuses:?}");
        let body =
            json!({"model": "gpt", "cache": {"use-cache": true}, "messages": [{"role": "user", "content": "on"}]});
        assert_eq!(gateways[0].ask(CHAT, &body).await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_of_the_database_is_taken_at_the_next_start() {
    let Some(redis) = RedisServer::start_with(&["--requirepass", "secret-word"]).unwrap() else { return };
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        state_dir: Some(folder.path().to_owned()),
        env: [("PRIVATE_WORD", "private-word"), ("REDIS_PASSWORD", "secret-word")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into(),
        ..Options::default()
    };
    let config = Config::standard(&sim).yaml();
    let mut gateway = Gateway::start_with(&config, &options).await.unwrap();
    let at = "/coordination_redis/settings";
    let shown = gateway.get(at, MASTER_KEY).await.unwrap().json();
    assert_eq!((&shown["values"], &shown["source"]), (&json!({}), &Value::Null), "{shown}");
    let port = redis.url().rsplit_once(':').unwrap().1.trim_end_matches('/').parse::<u16>().unwrap();
    let settings = json!({"host": "127.0.0.1", "port": port, "password": "secret-word"});
    let with = |name: &str, value: Value| {
        let mut settings = settings.clone();
        settings[name] = value;
        json!({"settings": settings})
    };
    let tried = async |body: Value| gateway.ask(&format!("{at}/test"), &body).await.unwrap();
    assert_eq!(tried(json!({"settings": settings})).await.json(), json!({"status": "healthy", "error": null}));
    for wrong in [with("port", json!(1)), with("password", json!("other-word"))] {
        let reply = tried(wrong).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("unhealthy")), "{}", reply.text());
        assert!(!reply.text().contains("-word"), "{}", reply.text());
    }
    for (wrong, status) in
        [(json!({}), 422), (json!({"settings": {"port": port}}), 400), (with("aws_iam_auth", json!(true)), 400)]
    {
        let reply = gateway.ask(at, &wrong).await.unwrap();
        assert_eq!(reply.status, status, "{wrong}: {}", reply.text());
    }
    let reference = tried(with("password", json!("os.environ/PRIVATE_WORD"))).await;
    assert_eq!(reference.status, 400, "nobody is shown the environment: {}", reference.text());
    let bare = tried(with("password", Value::Null)).await;
    assert_eq!(
        bare.json()["status"],
        "unhealthy",
        "no server of a body is shown a variable's password: {}",
        bare.text()
    );
    let saved = gateway.ask(at, &json!({"settings": settings})).await.unwrap();
    assert!(saved.status == 200 && !saved.text().contains("secret-word"), "{}", saved.text());
    let shown = gateway.get(at, MASTER_KEY).await.unwrap().json();
    assert_eq!(
        (&shown["source"], &shown["values"]["password"]),
        (&json!("coordination_redis"), &json!("***REDACTED***"))
    );
    assert_eq!(tried(json!({"settings": shown["values"]})).await.json()["status"], "healthy", "what is hidden stays");
    let mut moved = shown["values"].clone();
    moved["host"] = json!("localhost");
    let body = json!({"settings": moved});
    for moved in [tried(body.clone()).await, gateway.ask(at, &body).await.unwrap()] {
        assert_eq!((moved.status, &moved.json()["error"]["param"]), (400, &json!("password")), "{}", moved.text());
    }
    assert!(readiness(&gateway).await.get("shared_state").is_none(), "not before the next start");
    gateway.kill().await.unwrap();
    let again = Gateway::start_with(&config, &options).await.unwrap();
    until(&again, "shared").await;
}
