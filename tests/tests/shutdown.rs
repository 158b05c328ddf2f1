//! Ending: asked to, killed, and never two on one state directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use std::time::Duration;

use llm_simulator::{Gate, Match, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, calls, joined_text};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(30);

fn stream() -> Value {
    json!({"model": "gpt", "stream": true, "messages": [{"role": "user", "content": "go"}]})
}

#[tokio::test]
async fn idle_it_ends_at_once_with_success() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let mut gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    gateway.terminate().unwrap();
    assert!(gateway.exited(PATIENCE).await.unwrap().success(), "{}", gateway.logs());
    assert!(tokio::net::TcpStream::connect(gateway.addr()).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_running_stream_is_finished_first() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let mut gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let gate = Gate::new();
    sim.script(Match::any(), Script::text("one two three").gate(&gate));
    gate.release(1);
    let mut live = gateway.open(CHAT, &stream(), MASTER_KEY).await.unwrap();
    live.next_event().await.unwrap().expect("a first event");
    gateway.terminate().unwrap();
    // long enough for a gateway that does not wait to be gone
    tokio::time::sleep(Duration::from_millis(500)).await;
    gate.open();
    let reply = live.rest().await.unwrap();
    assert!(reply.complete && reply.events().last().unwrap().is_end(), "{}", reply.text());
    assert!(joined_text(&reply.events()).ends_with("three"));
    assert!(gateway.exited(PATIENCE).await.unwrap().success(), "{}", gateway.logs());
}

#[tokio::test]
async fn a_running_request_is_answered_first() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let mut gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi [[sim delay_ms=1500]]"}]});
    let answer = gateway.ask(CHAT, &body);
    let ending = async {
        while calls(&sim).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        gateway.terminate().unwrap();
    };
    let (reply, ()) = tokio::join!(answer, ending);
    assert_eq!(reply.unwrap().status, 200);
    assert!(gateway.exited(PATIENCE).await.unwrap().success());
}

#[tokio::test]
async fn while_ending_it_is_not_ready() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    assert_eq!(gateway.get("/health/readiness", "").await.unwrap().status, 200);
    let gate = Gate::new();
    sim.script(Match::any(), Script::text("one two").gate(&gate));
    gate.release(1);
    let mut live = gateway.open(CHAT, &stream(), MASTER_KEY).await.unwrap();
    live.next_event().await.unwrap().expect("a first event");
    gateway.terminate().unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // either it says that it is not ready, or it no longer listens
    if let Ok(reply) = gateway.get("/health/readiness", "").await {
        assert_eq!(reply.status, 503, "{}", reply.text());
    }
    gate.open();
    assert!(live.rest().await.unwrap().complete);
}

#[tokio::test]
async fn after_a_crash_it_starts_again_with_its_keys() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).yaml();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut keys: Vec<String> = Vec::new();
    for round in 0..3 {
        let mut gateway = Gateway::start_with(&config, &options).await.unwrap();
        for key in &keys {
            assert_eq!(gateway.get("/key/info", key).await.unwrap().status, 200, "a key of an earlier round is gone");
        }
        let made = gateway.ask("/key/generate", &json!({"key_alias": format!("round-{round}")})).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
        keys.push(made.json()["key"].as_str().unwrap().to_owned());
        // in the middle of work
        let mut live = gateway.open(CHAT, &stream(), keys.last().unwrap()).await.unwrap();
        live.next_event().await.unwrap();
        gateway.kill().await.unwrap();
    }
}

#[tokio::test]
async fn spend_of_answered_calls_survives_a_crash() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).yaml();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut gateway = Gateway::start_with(&config, &options).await.unwrap();
    let made = gateway.ask("/key/generate", &json!({})).await.unwrap().json();
    let key = made["key"].as_str().unwrap();
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi [[sim prompt_tokens=1000 completion_tokens=100]]"}]});
    for _ in 0..10 {
        assert_eq!(gateway.post(CHAT, &body, key).await.unwrap().status, 200);
    }
    gateway.kill().await.unwrap();
    let gateway = Gateway::start_with(&config, &options).await.unwrap();
    let mut spend = 0.0;
    for _ in 0..100 {
        let info = gateway.get(&format!("/key/info?key={key}"), MASTER_KEY).await.unwrap().json();
        spend = info["info"]["spend"].as_f64().unwrap();
        if spend > 0.0349 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!((spend - 0.035).abs() < 1e-9, "ten calls of 0.0035 dollars, exactly once each: {spend}");
}

#[tokio::test]
async fn a_state_directory_has_one_owner() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).yaml();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let gateway = Gateway::start_with(&config, &options).await.unwrap();
    let second = Gateway::start_with(&config, &options).await;
    let why = format!("{:#}", second.expect_err("a second gateway took the same directory"));
    assert!(why.contains("exited with"), "{why}");
    assert_eq!(gateway.get("/health/liveliness", "").await.unwrap().status, 200, "the first one runs on");
}

#[tokio::test]
async fn windows_of_budgets_go_on_after_a_crash() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).yaml();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut gateway = Gateway::start_with(&config, &options).await.unwrap();
    // a call costs 0.0035 dollars
    let windows = json!({"budget_limits": [{"budget_duration": "30d", "max_budget": 0.003}]});
    let models = json!({"model_max_budget": {"gpt": {"budget_limit": 0.003, "time_period": "30d"}}});
    let mut keys = Vec::new();
    for body in [&windows, &models] {
        let made = gateway.ask("/key/generate", body).await.unwrap();
        keys.push(made.json()["key"].as_str().unwrap_or_else(|| panic!("{}", made.text())).to_owned());
    }
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi [[sim prompt_tokens=1000 completion_tokens=100]]"}]});
    for key in &keys {
        assert_eq!(gateway.post(CHAT, &body, key).await.unwrap().status, 200);
    }
    // from the journal, then from the store
    for end in ["killed", "terminated"] {
        if end == "killed" {
            gateway.kill().await.unwrap();
        } else {
            gateway.terminate().unwrap();
            assert!(gateway.exited(PATIENCE).await.unwrap().success());
        }
        gateway = Gateway::start_with(&config, &options).await.unwrap();
        for key in &keys {
            let refused = gateway.post(CHAT, &body, key).await.unwrap();
            assert_eq!(refused.status, 422, "{end}: {}", refused.text());
        }
    }
}

#[tokio::test]
async fn behind_sigterm_it_still_answers_for_a_while_and_says_that_it_is_not_ready() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let env = vec![("LLM_PROXY_PRE_STOP_SECONDS".to_owned(), "3".to_owned())];
    let options = Options { env, ..Options::default() };
    let mut gateway = Gateway::start_with(&Config::standard(&sim).yaml(), &options).await.unwrap();
    gateway.terminate().unwrap();
    llm_tests::eventually("the probe", async || {
        (gateway.get("/health/readiness", "").await.unwrap().status == 503).then_some(())
    })
    .await;
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(gateway.ask(CHAT, &body).await.unwrap().status, 200, "balancers have not heard yet");
    assert!(gateway.exited(PATIENCE).await.unwrap().success(), "{}", gateway.logs());
}

#[tokio::test]
async fn a_port_that_another_gateway_has_is_refused() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, Config::standard(&sim).yaml()).unwrap();
    let port = gateway.addr().port().to_string();
    let args = ["--config", file.to_str().unwrap(), "--host", "127.0.0.1", "--port", &port, "--ephemeral"];
    let (code, told) = Gateway::command(&args, &[]).await.unwrap();
    assert_ne!(code, Some(0), "{told}");
    assert!(told.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{told}");
}
