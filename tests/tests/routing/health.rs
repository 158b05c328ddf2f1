//! Checks of the deployments in the background: who fails them gets no calls, until it passes them again.

use llm_kv::testing::RedisServer;
use llm_simulator::{Fault, Match, Running, Script};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, calls, eventually};
use serde_json::Value;

use super::{CHAT, say, sim, two};

/// What a check says to a model.
const CHECK: &str = "test from litellm";

fn watched(sim: &Running) -> Config {
    two(sim, &[], &[])
        .router("disable_cooldowns: true")
        .router("enable_health_check_routing: true")
        .general("background_health_checks: true")
        .general("health_check_interval: 0.5")
}

async fn counts(gateway: &Gateway) -> (u64, u64) {
    let body: Value = gateway.get("/health", MASTER_KEY).await.unwrap().json();
    (body["healthy_count"].as_u64().unwrap(), body["unhealthy_count"].as_u64().unwrap())
}

/// Calls of clients at a place, checks left out.
fn real(sim: &Running, place: &str) -> usize {
    let own = |body: &[u8]| String::from_utf8_lossy(body).contains(CHECK);
    calls(sim).iter().filter(|c| c.path.starts_with(place) && !own(&c.body)).count()
}

#[tokio::test]
async fn who_fails_its_checks_gets_no_calls_until_it_is_well() {
    let sim = sim().await;
    sim.script(Match::path("/east"), Script::fault(Fault::Status(500)));
    let gateway = Gateway::start(&watched(&sim).yaml()).await.unwrap();
    eventually("a round that finds one of two ill", async || (counts(&gateway).await == (1, 1)).then_some(())).await;
    let before = calls(&sim).len();
    for _ in 0..8 {
        assert_eq!(gateway.ask(CHAT, &say("hello")).await.unwrap().status, 200);
    }
    assert_eq!((real(&sim, "/east"), real(&sim, "/west")), (0, 8));
    assert!(calls(&sim).len() >= before + 8, "{}", calls(&sim).len());
    let ill = gateway.get("/health", MASTER_KEY).await.unwrap().json();
    let entry = &ill["unhealthy_endpoints"][0];
    assert!(entry["error"].as_str().unwrap().contains("litellm.InternalServerError"), "{ill}");
    assert!(entry["api_base"].as_str().unwrap().contains("/east"), "{ill}");
    eventually("what was found is stored", async || {
        let latest: Value = gateway.get("/health/latest", MASTER_KEY).await.unwrap().json();
        (latest["total_models"] == 2).then_some(())
    })
    .await;
    let past = gateway.get("/health/history?status_filter=unhealthy&limit=5", MASTER_KEY).await.unwrap().json();
    assert_eq!(
        (&past["total_records"], &past["health_checks"][0]["unhealthy_count"]),
        (&Value::from(1), &Value::from(1))
    );

    sim.reset();
    eventually("a round that finds both well", async || (counts(&gateway).await == (2, 0)).then_some(())).await;
    for _ in 0..40 {
        assert_eq!(gateway.ask(CHAT, &say("hello")).await.unwrap().status, 200);
    }
    assert!(real(&sim, "/east") > 0, "it is used again");
}

#[tokio::test]
async fn what_checks_ask_is_configured() {
    let sim = sim().await;
    let info = |lines: &str| format!("api_version: '1'\n    model_info: {{{lines}}}");
    let (other, off) = (
        info("health_check_model: openai/tiny, health_check_max_tokens: 1, health_check_prompt: hey"),
        info("disable_background_health_check: true"),
    );
    let config = Config::empty(&sim)
        .model_below("a", "openai/gpt-4o", "/other", &[&other])
        .model_below("b", "openai/gpt-4o", "/off", &[&off])
        .model_below("c", "openai/text-embedding-3-small", "/vectors", &[])
        .general("background_health_checks: true");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    eventually("the first round", async || (calls(&sim).len() == 2).then_some(())).await;
    let asked = calls(&sim);
    assert_eq!(counts(&gateway).await, (2, 0));
    let mut paths: Vec<&str> = asked.iter().map(|c| c.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/other/v1/chat/completions", "/vectors/v1/embeddings"]);
    let body: Value =
        serde_json::from_slice(&asked.iter().find(|c| c.path.starts_with("/other")).unwrap().body).unwrap();
    assert_eq!(
        (&body["model"], &body["max_tokens"], &body["messages"][0]["content"]),
        (&"tiny".into(), &1.into(), &"hey".into())
    );
}

#[tokio::test]
async fn one_gateway_checks_for_all_that_share_a_redis() {
    let Some(redis) = RedisServer::start().unwrap() else { return };
    let sim = sim().await;
    let config =
        watched(&sim).general("use_shared_health_check: true").router(&format!("redis_url: '{}'", redis.url()));
    let yaml = config.yaml().replace("health_check_interval: 0.5", "health_check_interval: 3600");
    let told = Options { env: vec![("RUST_LOG".to_owned(), "info".to_owned())], ..Options::default() };
    let first = Gateway::start_with(&yaml, &told).await.unwrap();
    eventually("a round", async || (calls(&sim).len() == 2).then_some(())).await;
    eventually("the round is told", async || (counts(&first).await == (2, 0)).then_some(())).await;
    let made = calls(&sim).len();
    let second = Gateway::start_with(&yaml, &told).await.unwrap();
    // its own answer to `/health` would be two calls more
    eventually("the round is read", async || second.logs().contains("health checks of another gateway").then_some(()))
        .await;
    assert_eq!(counts(&second).await, (2, 0));
    assert_eq!(calls(&sim).len(), made, "nobody checked again");
}
