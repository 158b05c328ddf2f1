//! What may be spent is known before: whatever a model is priced by, whoever's it is.

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, Options, Reply, calls};
use serde_json::json;

use super::{CHAT, assert_error, new_key, say};

#[tokio::test]
async fn what_is_not_priced_by_token_is_not_free() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let free = ["input_cost_per_token: 0", "output_cost_per_token: 0"];
    let config = Config::standard(&sim)
        .model("voice", "openai/tts-1", &[])
        .model("tiers", "dashscope/qwen-plus-latest", &[])
        .model("free", "openai/gpt-4o", &free)
        .model("broken", "openai/sim-error-500", &free)
        .router("fallbacks: [{broken: [gpt]}]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let key = new_key(&gateway, &json!({"max_budget": 0})).await;
    let speech = json!({"model": "voice", "input": "a cat", "voice": "alloy"});
    assert_error(&gateway.post("/v1/audio/speech", &speech, &key).await.unwrap(), 422, "budget_exceeded");
    assert_error(&gateway.post(CHAT, &say("tiers", "hi"), &key).await.unwrap(), 422, "budget_exceeded");
    assert!(calls(&sim).is_empty(), "nothing was spent");
    let reply = gateway.post(CHAT, &say("free", "hi"), &key).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    // Who goes on because a model is free is answered by nobody who costs.
    let reply = gateway.post(CHAT, &say("broken", "hi"), &key).await.unwrap();
    assert_eq!(reply.status, 500, "{}", reply.text());
    let mut body = say("broken", "hi");
    body["fallbacks"] = json!(["gpt"]);
    assert_error(&gateway.post(CHAT, &body, &key).await.unwrap(), 422, "budget_exceeded");
    let rich = new_key(&gateway, &json!({"max_budget": 1})).await;
    assert_eq!(gateway.post(CHAT, &say("broken", "hi"), &rich).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_burst_cannot_pass_a_budget_with_a_team_s_own_model() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let base = format!("{}/v1", sim.base_url());
    let folder = tempfile::tempdir().unwrap();
    let config = Config::standard(&sim).general("store_model_in_db: true").yaml();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let gateway = Gateway::start_with(&config, &options).await.unwrap();
    assert_eq!(gateway.ask("/team/new", &json!({"team_id": "red"})).await.unwrap().status, 200);
    let own = json!({"model_name": "ours", "litellm_params": {"model": "openai/gpt-4o", "api_base": base, "api_key": "k"},
        "model_info": {"team_id": "red"}});
    let made = gateway.ask("/model/new", &own).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let key = new_key(&gateway, &json!({"max_budget": 0.025, "team_id": "red"})).await;
    let mut body = say("ours", "hi [[sim prompt_tokens=10 completion_tokens=1000 delay_ms=300]]");
    body["max_tokens"] = json!(1000);
    let burst = (0..12).map(|_| gateway.post(CHAT, &body, &key));
    let replies: Vec<Reply> = futures_util::future::join_all(burst).await.into_iter().map(Result::unwrap).collect();
    let good = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((1..=2).contains(&good), "{good} of 12: {}", replies[0].text());
    // The model is found by what has to know its language before it is called, too.
    let reply = gateway.post("/cursor/chat/completions", &say("ours-fast", "hi"), &key).await.unwrap();
    assert_ne!(reply.status, 400, "{}", reply.text());
}

/// Both calls of each pair would fit if they were priced as plain ones.
#[tokio::test]
async fn what_a_call_asks_for_is_set_aside_for() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let dear = ["input_cost_per_token: 0", "output_cost_per_token: 0.001", "output_cost_per_token_priority: 0.002"];
    let always: Vec<&str> = dear.iter().copied().chain(["service_tier: priority"]).collect();
    let env = [("OPENAI_API_BASE", format!("{}/v1", sim.base_url())), ("OPENAI_API_KEY", "k".to_owned())];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let config =
        Config::standard(&sim).model("dear", "openai/gpt-4o", &dear).model("always", "openai/gpt-4o", &always).yaml();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();
    let calls = |model: &str, more: serde_json::Value| {
        let mut body = say(model, "hi [[sim delay_ms=300]]");
        body["max_tokens"] = json!(100);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    // A hundred tokens: a tenth of a dollar, two tenths as a priority.
    for (path, budget, body, served) in [
        (CHAT, 0.3, calls("dear", json!({})), 2),
        (CHAT, 0.3, calls("dear", json!({"service_tier": "priority"})), 1),
        (CHAT, 0.3, calls("always", json!({})), 1),
        ("/openai/chat/completions", 0.0024, calls("gpt-4o", json!({})), 2),
        ("/openai/chat/completions", 0.0024, calls("gpt-4o", json!({"n": 2})), 1),
    ] {
        let key = new_key(&gateway, &json!({"max_budget": budget})).await;
        let pair = (0..2).map(|_| gateway.post(path, &body, &key));
        let pair: Vec<Reply> = futures_util::future::join_all(pair).await.into_iter().map(Result::unwrap).collect();
        let good = pair.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(good, served, "{path} {body}: {} {}", pair[0].text(), pair[1].text());
    }
}

/// A dear model that may answer instead ends no stream of a cheap one.
#[tokio::test]
async fn a_stream_is_priced_as_who_answers() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim)
        .model("cheap", "openai/gpt-4o", &["input_cost_per_token: 0.0000001", "output_cost_per_token: 0.0000001"])
        .model("dear", "openai/gpt-4o", &["input_cost_per_token: 0.01", "output_cost_per_token: 0.01"]);
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let key = new_key(&gateway, &json!({"max_budget": 1})).await;
    let mut body = say("cheap", "hi [[sim completion_tokens=400 chunks=40]]");
    body["stream"] = json!(true);
    body["fallbacks"] = json!(["dear"]);
    let reply = gateway.post(CHAT, &body, &key).await.unwrap();
    assert!(reply.text().contains("[DONE]") && !reply.text().contains("budget_exceeded"), "{}", reply.text());
}
