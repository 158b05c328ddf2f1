//! Requests that are several calls: a list of models, the fastest of them, a list of prompts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, calls, joined_text};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn standard() -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    (sim, gateway)
}

fn say(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

#[tokio::test]
async fn every_model_answers_in_order() {
    let (sim, gateway) = standard().await;
    let reply = gateway.ask(CHAT, &say("claude, gpt")).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answers = reply.json();
    let models: Vec<&str> = answers.as_array().unwrap().iter().map(|a| a["model"].as_str().unwrap()).collect();
    assert!(
        models[0].starts_with("claude-sonnet-4-5") && models[1].starts_with("gpt-4o"),
        "providers' names: {models:?}"
    );
    assert!(answers.as_array().unwrap().iter().all(|a| a["choices"][0]["message"]["content"] == "You said: hello"));
    assert_eq!(calls(&sim).len(), 2);
    let refused = gateway.ask(CHAT, &json!({"model": "gpt,claude", "messages": [], "stream": true})).await.unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
}

#[tokio::test]
async fn one_that_fails_is_told_in_its_place() {
    let (sim, gateway) = standard().await;
    sim.script(Match::path("/messages"), Script::fault(Fault::Status(429)));
    let answers = gateway.ask(CHAT, &say("gpt,claude,nobody")).await.unwrap().json();
    assert_eq!(answers[0]["choices"][0]["message"]["content"], "You said: hello", "{answers}");
    assert_eq!((&answers[1]["error"]["code"], &answers[2]["error"]["code"]), (&json!("429"), &json!("400")));
}

#[tokio::test]
async fn the_fastest_wins() {
    let (sim, gateway) = standard().await;
    sim.script(Match::path("/messages"), Script { delay_ms: Some(5000), ..Script::default() });
    let mut body = say("claude,gpt");
    body["fastest_response"] = json!(true);
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    assert_eq!((reply.status, &reply.json()["model"]), (200, &json!("gpt")), "{}", reply.text());
    body["stream"] = json!(true);
    let streamed = gateway.ask(CHAT, &body).await.unwrap();
    assert_eq!(joined_text(&streamed.events()), "You said: hello");
    let none =
        json!({"model": "nobody,nothing", "fastest_response": true, "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(gateway.ask(CHAT, &none).await.unwrap().status, 400);
}

#[tokio::test]
async fn every_prompt_is_a_choice() {
    let (sim, gateway) = standard().await;
    let ask = json!({"model": "claude", "prompt": ["one", "two"], "max_tokens": 20});
    let reply = gateway.ask("/v1/completions", &ask).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body = reply.json();
    let choices: Vec<(u64, &str)> = body["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["index"].as_u64().unwrap(), c["text"].as_str().unwrap()))
        .collect();
    assert_eq!(choices, [(0, "You said: one"), (1, "You said: two")]);
    assert_eq!(calls(&sim).len(), 2);
    let single = gateway.ask("/v1/completions", &json!({"model": "claude", "prompt": ["one"]})).await.unwrap().json();
    assert_eq!(
        body["usage"]["completion_tokens"].as_u64(),
        single["usage"]["completion_tokens"].as_u64().map(|n| n * 2)
    );
    let mut streamed = ask.clone();
    streamed["stream"] = json!(true);
    let events = gateway.ask("/v1/completions", &streamed).await.unwrap().events();
    assert_eq!(events.last().unwrap().data, "[DONE]");
    let of = |index: u64| -> String {
        let choices = events.iter().filter(|e| e.data != "[DONE]").map(|e| e.json()["choices"][0].clone());
        choices.filter(|c| c["index"] == index).filter_map(|c| Some(c["text"].as_str()?.to_owned())).collect()
    };
    assert_eq!((of(0), of(1)), ("You said: one".to_owned(), "You said: two".to_owned()));
    // tokens of "hello world" in cl100k_base
    let tokens = gateway.ask("/v1/completions", &json!({"model": "claude", "prompt": [15339, 1917]})).await.unwrap();
    assert_eq!(tokens.json()["choices"][0]["text"], "You said: hello world", "{}", tokens.text());
}
