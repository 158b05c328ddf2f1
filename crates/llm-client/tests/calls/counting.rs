//! Tokens of a conversation before it is sent.

use llm_simulator::{Fault, Match, Script};
use serde_json::{Value, json};

use crate::support::{deployment, engine, http, messages, sim};

fn body() -> Value {
    json!({ "model": "smart", "system": "Be brief.", "messages": [{ "role": "user", "content": "How many tokens are these?" }] })
}

#[tokio::test]
async fn a_provider_that_can_count_is_asked() {
    let sim = sim().await;
    sim.script(Match::any(), Script { prompt_tokens: Some(4321), ..Script::default() });
    let params = json!({ "model": "anthropic/claude-sonnet-4-5", "api_base": sim.base_url() });
    let engine = engine(vec![deployment("a", "smart", &params)]);
    assert_eq!(engine.count_tokens(&http(), &messages(&body())).await.unwrap().tokens, 4321);
    let asked = sim.requests().remove(0);
    assert_eq!((asked.path.as_str(), asked.header("x-api-key")), ("/v1/messages/count_tokens", Some("sk-upstream")));
    assert_eq!(asked.json()["model"], "claude-sonnet-4-5");
    assert!(asked.json()["max_tokens"].is_null(), "{}", asked.json());
}

#[tokio::test]
async fn tokens_are_counted_here_otherwise() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Status(500)));
    let broken = json!({ "model": "anthropic/claude-sonnet-4-5", "api_base": sim.base_url() });
    let chat = json!({ "model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) });
    let canned = json!({ "model": "anthropic/claude-sonnet-4-5", "api_base": sim.base_url(), "mock_response": "hi" });
    for (params, asked) in [(broken, 1), (chat, 2), (canned, 3)] {
        let engine = engine(vec![deployment("a", "smart", &params)]);
        let count = engine.count_tokens(&http(), &messages(&body())).await.unwrap().tokens;
        assert!((8..=20).contains(&count), "{count}");
        assert_eq!(sim.requests().len(), asked, "who answers without a provider asks none");
        let longer = json!({ "model": "smart", "system": "Be brief. ".repeat(20), "messages": body()["messages"] });
        if params["mock_response"].is_null() && params["model"] == "openai/gpt-4o" {
            assert!(engine.count_tokens(&http(), &messages(&longer)).await.unwrap().tokens > count + 30);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_counted_is_refused() {
    let engine = engine(vec![deployment("a", "smart", &json!({ "model": "openai/gpt-4o" }))]);
    let no_messages = messages(&json!({ "model": "smart" }));
    assert_eq!(engine.count_tokens(&http(), &no_messages).await.unwrap_err().status(), 400);
    let mut unknown = body();
    unknown["model"] = json!("nobody-has-this");
    assert_eq!(engine.count_tokens(&http(), &messages(&unknown)).await.unwrap_err().status(), 400);
}

#[tokio::test]
async fn a_wildcard_asks_for_the_model_that_was_named() {
    let sim = sim().await;
    let params = json!({ "model": "anthropic/*", "api_base": sim.base_url() });
    let engine = engine(vec![deployment("a", "anthropic/*", &params)]);
    let mut body = body();
    body["model"] = json!("anthropic/claude-haiku-4-5");
    assert!(engine.count_tokens(&http(), &messages(&body)).await.unwrap().tokens > 0);
    assert_eq!(sim.requests()[0].json()["model"], "claude-haiku-4-5");
    let chat = json!({ "model": "anthropic/claude-haiku-4-5", "messages": [{ "role": "user", "content": "hi" }] });
    let shown = engine.show(&crate::support::chat(&chat)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&shown.body).unwrap()["model"], "claude-haiku-4-5");
}
