//! Bedrock's Invoke, whole and streamed, for clients of OpenAI's chat and of Anthropic's messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, UPSTREAM_KEY, calls, joined_text, joined_tool_calls};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// Models by maker: a name, the model, whether it streams.
const MODELS: &[(&str, &str)] = &[
    ("claude", "bedrock/invoke/anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("nova", "bedrock/invoke/us.amazon.nova-lite-v1:0"),
    ("titan", "bedrock/amazon.titan-text-express-v1"),
    ("llama", "bedrock/invoke/meta.llama3-8b-instruct-v1:0"),
    ("mistral", "bedrock/invoke/mistral.mistral-7b-instruct-v0:2"),
    ("command", "bedrock/cohere.command-text-v14"),
    ("command-r", "bedrock/invoke/cohere.command-r-v1:0"),
    ("jurassic", "bedrock/ai21.j2-mid-v1"),
    ("deepseek", "bedrock/deepseek_r1/arn:aws:bedrock:us-east-1:086734376398:imported-model/r4c4kewx2s0n"),
];

async fn started() -> (Running, Gateway) {
    let sim = SimulatorConfig { require_key: Some(UPSTREAM_KEY.into()), ..SimulatorConfig::default() };
    let sim = Simulator::start(sim).await.unwrap();
    let config = MODELS.iter().fold(Config::empty(&sim).router("disable_cooldowns: true"), |config, (name, model)| {
        config.model(name, model, &[])
    });
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    (sim, gateway)
}

fn say(model: &str, text: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 100, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn every_maker_answers_both_kinds_of_clients() {
    let (sim, gateway) = started().await;
    for (model, _) in MODELS {
        let whole = gateway.ask(CHAT, &say(model, "hello", false)).await.unwrap();
        assert_eq!(whole.json()["choices"][0]["message"]["content"], "You said: hello", "{model}: {}", whole.text());
        assert_eq!(whole.json()["usage"]["completion_tokens"], 4, "{model}: {}", whole.text());
        let whole = gateway.ask(MESSAGES, &say(model, "hello", false)).await.unwrap();
        assert_eq!(whole.json()["content"][0]["text"], "You said: hello", "{model}: {}", whole.text());
        for path in [CHAT, MESSAGES] {
            let streamed = gateway.ask(path, &say(model, "hello", true)).await.unwrap();
            let events = streamed.events();
            let shown = if *model == "deepseek" {
                streamed.text().contains("hello")
            } else {
                joined_text(&events) == "You said: hello"
            };
            assert!(shown, "{model} {path}: {}", streamed.text());
            assert!(events.last().unwrap().is_end(), "{model} {path}: {}", streamed.text());
        }
    }
    let paths: Vec<String> = calls(&sim).into_iter().map(|call| call.path).collect();
    assert!(
        paths.iter().all(|path| path.ends_with("/invoke") || path.ends_with("/invoke-with-response-stream")),
        "{paths:?}"
    );
    assert!(
        paths.iter().filter(|path| path.contains("ai21")).all(|path| path.ends_with("/invoke")),
        "it never streams"
    );
}

#[tokio::test]
async fn tools_and_usage_of_claude_and_nova() {
    let (_sim, gateway) = started().await;
    for model in ["claude", "nova"] {
        let mut body = say(
            model,
            "weather [[sim tool=get_weather args={\"city\":\"Paris\"} prompt_tokens=20 completion_tokens=9]]",
            true,
        );
        body["tools"] = json!([{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
        body["stream_options"] = json!({"include_usage": true});
        let reply = gateway.ask(CHAT, &body).await.unwrap();
        let called = [("get_weather".to_owned(), "{\"city\":\"Paris\"}".to_owned())];
        assert_eq!(joined_tool_calls(&reply.events()), called, "{model}: {}", reply.text());
        let usage: Vec<Value> =
            reply.events().iter().map(|e| e.json()["usage"].clone()).filter(|u| !u.is_null()).collect();
        assert_eq!(
            (usage.len(), &usage[0]["prompt_tokens"], &usage[0]["completion_tokens"]),
            (1, &json!(20), &json!(9)),
            "{model}"
        );
        let mut body = say(model, "weather [[sim tool=get_weather args={\"city\":\"Paris\"}]]", true);
        body["tools"] = json!([{"name": "get_weather", "input_schema": {"type": "object"}}]);
        let reply = gateway.ask(MESSAGES, &body).await.unwrap();
        assert_eq!(joined_tool_calls(&reply.events()), called, "{model}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_event() {
    let (_sim, gateway) = started().await;
    for model in ["claude", "nova", "llama", "mistral", "command-r"] {
        for (path, fault) in [CHAT, MESSAGES]
            .iter()
            .flat_map(|path| ["cut", "half-close", "error-event", "end-early"].map(|fault| (*path, fault)))
        {
            let what = format!("{model} {path} {fault}");
            let text = format!("count [[sim chunks=8 fault={fault} after=3]]");
            let reply = gateway.ask(path, &say(model, &text, true)).await.unwrap();
            assert!(reply.status == 200 && reply.complete, "{what}: {} {}", reply.status, reply.text());
            let events = reply.events();
            let last = events.last().unwrap();
            // the texts of some makers have no end but that of the stream
            let ended = last.is_error() || (fault == "end-early" && last.is_end());
            assert!(ended, "{what}: {}", reply.text());
            assert!(joined_text(&events).split_whitespace().count() <= 3, "{what}: {}", reply.text());
            if path == MESSAGES && last.is_error() {
                assert_eq!((last.name.as_deref(), &last.json()["type"]), (Some("error"), &json!("error")), "{what}");
            }
        }
        for fault in ["429", "garbage", "wrong-type"] {
            for path in [CHAT, MESSAGES] {
                let reply = gateway.ask(path, &say(model, &format!("x [[sim fault={fault}]]"), true)).await.unwrap();
                let message = reply.json()["error"]["message"].clone();
                assert!(
                    reply.status >= 400 && message.is_string(),
                    "{model} {path} {fault}: {} {}",
                    reply.status,
                    reply.text()
                );
                assert!(
                    fault != "429" || (reply.status == 429 && reply.header("retry-after") == "1"),
                    "{model} {path}: {}",
                    reply.status
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_streamed_is_billed() {
    let (_sim, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    for model in ["claude", "llama"] {
        let body = say(model, "hi [[sim prompt_tokens=1000 completion_tokens=100]]", true);
        assert!(gateway.post(CHAT, &body, &key).await.unwrap().events().last().unwrap().is_end());
    }
    let rows = gateway.spend_rows(&token, 2).await.unwrap();
    for (model, dollars) in [("claude", 0.0045), ("llama", 0.00036)] {
        let row = rows.iter().find(|row| row["model_group"] == model).unwrap();
        assert!((row["spend"].as_f64().unwrap() - dollars).abs() < 1e-9, "{row}");
        assert_eq!((&row["prompt_tokens"], &row["completion_tokens"]), (&json!(1000), &json!(100)), "{row}");
    }
}
