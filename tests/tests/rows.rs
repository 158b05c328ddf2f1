//! Providers that a configuration declares: rows in OpenAI's and in other languages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Canned, Gateway, MASTER_KEY, calls, joined_text};
use serde_json::json;

fn yaml(sim: &str, canned: &str) -> String {
    format!(
        "providers:
- id: house
  base: {sim}/v1
  auth: {{header: X-House-Key, value: 'Token {{key}}'}}
  headers: {{x-team: research}}
  params_less: [seed]
  renames: {{max_completion_tokens: max_tokens}}
  clean_reply: true
- id: claude-house
  base: {sim}
  format: anthropic-messages
  auth: none
- id: shelf
  base: {canned}
  auth: bearer_optional
  format: cohere-chat-v2
  chat: /v2/chat
  tasks:
    rerank: /v2/rerank
    speech: {{path: /say, format: openai-audio}}
model_list:
- model_name: mine
  litellm_params: {{model: house/parlour, api_key: sk-house}}
- model_name: claude
  litellm_params: {{model: claude-house/claude-sonnet-4-5, api_key: sk-house}}
- model_name: books
  litellm_params: {{model: shelf/rerank-v3.5}}
general_settings: {{master_key: {MASTER_KEY}}}
"
    )
}

#[tokio::test]
async fn rows_of_the_configuration_serve() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let canned = Canned::start(|asked| match asked.path.as_str() {
        "/v2/chat" => {
            let body = r#"{"id":"c","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"Read."}]},"usage":{"tokens":{"input_tokens":3,"output_tokens":1}}}"#;
            (200, "application/json", body.to_owned())
        }
        "/v2/rerank" => {
            (200, "application/json", r#"{"id":"r","results":[{"index":0,"relevance_score":0.5}]}"#.to_owned())
        }
        "/say" => (200, "audio/mpeg", "SOUND".to_owned()),
        _ => (404, "application/json", "{}".to_owned()),
    });
    let canned = canned.await.unwrap();
    let gateway = Gateway::start(&yaml(&sim.base_url(), &canned.base_url())).await.unwrap();
    let say = |model: &str, stream: bool| json!({"model": model, "stream": stream, "max_completion_tokens": 9, "messages": [{"role": "user", "content": "hello"}]});
    let chat = "/v1/chat/completions";
    let reply = gateway.ask(chat, &say("mine", false)).await.unwrap();
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "You said: hello", "{}", reply.text());
    let sent = calls(&sim).pop().unwrap();
    assert_eq!((sent.header("x-house-key"), sent.header("x-team")), (Some("Token sk-house"), Some("research")));
    assert_eq!((sent.header("authorization"), &sent.json()["max_tokens"]), (None, &json!(9)));
    let streamed = gateway.ask(chat, &say("mine", true)).await.unwrap();
    assert_eq!(joined_text(&streamed.events()), "You said: hello");
    let mut seeded = say("mine", false);
    seeded["seed"] = json!(1);
    let refused = gateway.ask(chat, &seeded).await.unwrap();
    assert_eq!(refused.status, 400, "the row does not take it: {}", refused.text());

    let reply = gateway.ask(chat, &say("books", false)).await.unwrap();
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "Read.", "{}", reply.text());
    let order = json!({"model": "books", "query": "q", "documents": ["a"]});
    let order = gateway.ask("/v1/rerank", &order).await.unwrap();
    assert_eq!(order.json()["results"][0]["relevance_score"], 0.5, "{}", order.text());
    let sound = json!({"model": "books", "input": "hi", "voice": "x"});
    let sound = gateway.ask("/v1/audio/speech", &sound).await.unwrap();
    assert_eq!((sound.text().as_str(), sound.header("content-type")), ("SOUND", "audio/mpeg"));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_stops_the_start() {
    let wrong = format!("providers: [{{id: x, format: klingon}}]\ngeneral_settings: {{master_key: {MASTER_KEY}}}\n");
    let error = Gateway::start(&wrong).await.unwrap_err().to_string();
    assert!(error.contains("providers[0]") && error.contains("klingon"), "{error}");
}
