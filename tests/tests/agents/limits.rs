//! Limits of agents and of their sessions: of rows, in memory; of the file's, over two gateways on one Redis.

use super::*;
use llm_accounts::agent_id_of_name;
use llm_kv::testing::RedisServer;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::Config;

const KEY: &str = "sk-shared-0123456789abcdef";
const OWN: [(&str, &str); 2] = [("caller", "sk-caller-0123456789abcdef"), ("bounded", "sk-bounded-0123456789abcdef")];

/// The agents, which are all at one place.
fn agents(there: &Canned) -> Vec<Value> {
    let of = |(name, more): (&str, Value)| {
        let mut agent = json!({"agent_name": name, "agent_card_params": {"url": format!("{}/", there.base_url())}});
        more.as_object().unwrap().iter().for_each(|(field, value)| agent[field] = value.clone());
        agent
    };
    let bounded = json!({"max_budget_per_session": 0.0000001, "require_trace_id_on_calls_by_agent": true});
    [
        ("slow", json!({"rpm_limit": 2})),
        ("sessions", json!({"session_rpm_limit": 1})),
        ("followed", json!({"litellm_params": {"require_trace_id_on_calls_to_agent": true}})),
        ("caller", json!({"litellm_params": {"max_iterations": 2}})),
        ("bounded", json!({"litellm_params": bounded})),
    ]
    .map(of)
    .to_vec()
}

async fn keys(gateway: &Gateway, id_of: impl Fn(&str) -> String) {
    gateway.new_key(&json!({"key": KEY})).await.unwrap();
    for (agent, key) in OWN {
        gateway.new_key(&json!({"key": key, "agent_id": id_of(agent)})).await.unwrap();
    }
}

#[tokio::test]
async fn rows_limit_in_memory() {
    let (there, sim) =
        (Canned::start(agent).await.unwrap(), Simulator::start(SimulatorConfig::default()).await.unwrap());
    let env = [("LITELLM_SALT_KEY", "sk-salt-0123456789"), ("STORE_MODEL_IN_DB", "True")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { env, ..Options::default() };
    let gateway = Gateway::start_with(&Config::standard(&sim).yaml(), &options).await.unwrap();
    let mut ids = std::collections::HashMap::new();
    for agent in agents(&there) {
        let made = ok(&gateway, Method::POST, "/v1/agents", agent.clone()).await;
        ids.insert(agent["agent_name"].as_str().unwrap().to_owned(), made["agent_id"].as_str().unwrap().to_owned());
    }
    keys(&gateway, |name| ids[name].clone()).await;
    limits(&[gateway]).await;
}

#[tokio::test]
async fn the_files_agents_limit_over_redis() {
    let Some(redis) = RedisServer::start().unwrap() else { return };
    let (there, sim) =
        (Canned::start(agent).await.unwrap(), Simulator::start(SimulatorConfig::default()).await.unwrap());
    let config = Config::standard(&sim).router(&format!("redis_url: {}", redis.url()));
    let yaml = format!("{}\nagents: {}\n", config.yaml(), json!(agents(&there)));
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let gateway = Gateway::start(&yaml).await.unwrap();
        keys(&gateway, agent_id_of_name).await;
        gateways.push(gateway);
    }
    limits(&gateways).await;
}

async fn limits(gateways: &[Gateway]) {
    let at = |n: usize| &gateways[n % gateways.len()];
    let mut statuses = Vec::new();
    for n in 0..3 {
        let reply = post(at(n), "/a2a/slow", KEY, &[], &says("hi", false)).await;
        statuses.push(reply.status);
        assert!(reply.status == 200 || reply.text().contains("Rate limit exceeded for agent: "), "{}", reply.text());
    }
    assert_eq!(statuses, [200, 200, 429], "an agent's rate");

    let mut statuses = Vec::new();
    for (n, session) in ["a", "a", "b"].into_iter().enumerate() {
        let headers = [("x-litellm-trace-id", session)];
        statuses.push(post(at(n), "/a2a/sessions", KEY, &headers, &says("hi", false)).await.status);
    }
    assert_eq!(statuses, [200, 429, 200], "a session's rate");

    let traced = post(at(0), "/a2a/followed", KEY, &[], &says("hi", false)).await;
    assert!(traced.status == 400 && traced.text().contains("x-litellm-trace-id"), "{}", traced.text());

    let chat = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}]});
    let of_session = async |n: usize, key: &str, session: &str| {
        post(at(n), "/v1/chat/completions", key, &[("x-litellm-trace-id", session)], &chat).await
    };
    let mut statuses = Vec::new();
    for n in 0..3 {
        statuses.push(of_session(n, OWN[0].1, "s-1").await.status);
    }
    assert_eq!(statuses, [200, 200, 429], "a session's calls");
    assert_eq!(of_session(0, OWN[0].1, "s-2").await.status, 200, "another session");

    let bare = post(at(0), "/v1/chat/completions", OWN[1].1, &[], &chat).await;
    assert!(bare.status == 400 && bare.text().contains("x-litellm-trace-id"), "{}", bare.text());
    assert_eq!(of_session(0, OWN[1].1, "s-3").await.status, 200, "nothing is spent yet");
    let dear = of_session(gateways.len() - 1, OWN[1].1, "s-3").await;
    assert!(dear.status == 429 && dear.text().contains("s-3"), "a ten-millionth dollar: {}", dear.text());
}
