//! Answers that a content filter cut, where `content_policy_fallbacks` name somebody else to ask.

use super::bills::{key, rows};
use super::*;

/// `m` at `/east`, whose answers a filter cuts, and `spare` at `/west`; a cent per token.
async fn gateway(sim: &Running, lists: &str) -> Gateway {
    let price = ["input_cost_per_token: 0.01", "output_cost_per_token: 0.01"];
    let config = Config::empty(sim)
        .model_below("m", "openai/gpt-4o", "/east", &price)
        .model_below("spare", "anthropic/claude-sonnet-4-5", "/west", &price)
        .router(lists)
        .general("proxy_batch_write_at: 1");
    sim.script(Match::path("/east"), Script { finish: Some("content_filter".into()), ..Script::default() });
    Gateway::start(&config.yaml()).await.unwrap()
}

#[tokio::test]
async fn another_model_is_asked_and_both_are_billed() {
    let sim = sim().await;
    let gateway = gateway(&sim, "content_policy_fallbacks: [{m: [spare]}]").await;
    let (key, token) = key(&gateway, &json!({})).await;
    let reply = gateway.post(CHAT, &say("hello there"), &key).await.unwrap();
    assert_eq!((reply.status, reply.json()["choices"][0]["finish_reason"].as_str()), (200, Some("stop")));
    assert_eq!(places(&sim), ["east", "west"]);
    let (rows, spent) = rows(&gateway, &token, 2).await;
    let costs: Vec<f64> = rows.iter().map(|row| row["spend"].as_f64().unwrap()).collect();
    assert!(costs.iter().all(|cost| *cost > 0.0) && (costs.iter().sum::<f64>() - spent).abs() < 1e-9, "{rows:#?}");
    // A stream is on its way to the client when its end is known.
    let mut stream = say("hello there");
    stream["stream"] = json!(true);
    let reply = gateway.post(CHAT, &stream, &key).await.unwrap();
    assert!(reply.text().contains("content_filter"), "{}", reply.text());
}

#[tokio::test]
async fn without_somebody_else_the_answer_goes_on_as_it_is() {
    for lists in ["content_policy_fallbacks: [{other: [spare]}]", "fallbacks: [{m: [spare]}]"] {
        let sim = sim().await;
        let gateway = gateway(&sim, lists).await;
        let reply = gateway.ask(CHAT, &say("hello there")).await.unwrap();
        assert_eq!(reply.json()["choices"][0]["finish_reason"], "content_filter", "{}", reply.text());
        assert_eq!(places(&sim), ["east"], "{lists}");
        let mut named = say("hello there");
        named["content_policy_fallbacks"] = json!([{"m": ["spare"]}]);
        let reply = gateway.ask(CHAT, &named).await.unwrap();
        assert_eq!(reply.json()["choices"][0]["finish_reason"], "stop", "{}", reply.text());
    }
}
