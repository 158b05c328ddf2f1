//! Streams that break off behind their first content, and another model that goes on.

use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, calls, joined_text};
use serde_json::{Value, json};

use super::{CHAT, GEMINI, MESSAGES, RESPONSES, put};

/// Groups whose streams break off, by the provider behind them, and models that go on.
async fn broken(sim: &Running, script: Script) -> Gateway {
    sim.script(Match::path("/breaks"), script);
    sim.script(
        Match::path("/spare"),
        Script { prompt_tokens: Some(40), completion_tokens: Some(2), ..Script::text("three four") },
    );
    let config = Config::empty(sim)
        .model_below("same.chat", "openai/gpt-4o", "/breaks", &[])
        .model_below("same.messages", "anthropic/claude-sonnet-4-5", "/breaks", &[])
        .model_below("same.responses", "openai/gpt-4o", "/breaks", &[])
        .model_below("same.gemini", "gemini/gemini-2.5-flash", "/breaks", &[])
        .model_below("other.chat", "anthropic/claude-sonnet-4-5", "/breaks", &[])
        .model_below("other.messages", "cerebras/llama-4", "/breaks", &[])
        .model_below("other.responses", "anthropic/claude-sonnet-4-5", "/breaks", &[])
        .model_below("other.gemini", "openai/gpt-4o", "/breaks", &[])
        .model_below("spare", "openai/gpt-4o", "/spare", &[])
        .model_below("prefilled", "mistral/mistral-large-latest", "/spare", &[])
        .router("fallbacks: [{'*': ['spare']}]");
    Gateway::start(&config.yaml()).await.unwrap()
}

fn cut() -> Script {
    Script {
        text: Some("one two three four".to_owned()),
        gap_ms: Some(15),
        after: Some(2),
        ..Script::fault(Fault::Cut)
    }
}

async fn simulator() -> Running {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

/// The bodies that the spare model got.
fn spare(sim: &Running) -> Vec<Value> {
    let asked = calls(sim).into_iter().filter(|call| call.path.starts_with("/spare"));
    asked.map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
}

#[tokio::test]
async fn another_model_goes_on_in_every_language() {
    let sim = simulator().await;
    let gateway = broken(&sim, cut()).await;
    for lane in ["same", "other"] {
        for (name, path) in [("chat", CHAT), ("messages", MESSAGES), ("responses", RESPONSES), ("gemini", GEMINI)] {
            let model = format!("{lane}.{name}");
            let (place, body) = put(path, &model, true);
            let before = spare(&sim).len();
            let reply = gateway.ask(&place, &body).await.unwrap();
            let events = reply.events();
            assert_eq!(joined_text(&events), "one two three four", "{model}: {}", reply.text());
            assert!(!events.iter().any(llm_tests::Event::is_error), "{model}: {}", reply.text());
            assert!(reply.complete, "{model}");
            let asked = spare(&sim);
            assert_eq!(asked.len(), before + 1, "{model}");
            let list = asked[before].get("messages").or(asked[before].get("input"));
            let turns = list.and_then(Value::as_array).unwrap_or_else(|| panic!("{model}: {}", asked[before]));
            let said = |role: &str| {
                let last = turns.iter().rev().find(|t| t["role"] == role);
                last.unwrap_or_else(|| panic!("{model}: no turn of {role} in {turns:?}"))["content"].to_string()
            };
            assert!(said("assistant").contains("\"one two \""), "{model}: {turns:?}");
            assert!(said("user").contains("interrupted"), "{model}: {turns:?}");
            assert!(turns[0].to_string().contains("count to eight"), "{model}: {turns:?}");
        }
    }
}

#[tokio::test]
async fn the_events_are_those_of_one_answer() {
    let sim = simulator().await;
    let gateway = broken(&sim, cut()).await;
    for model in ["same.messages", "other.messages"] {
        let (place, body) = put(MESSAGES, model, true);
        let events = gateway.ask(&place, &body).await.unwrap().events();
        let mut names: Vec<String> = events.iter().filter_map(|e| e.name.clone()).collect();
        names.dedup();
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|n| *n != "ping").collect();
        let whole = [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(names, whole, "{model}");
        let deltas = events.iter().filter(|e| e.name.as_deref() == Some("content_block_delta"));
        assert!(deltas.into_iter().all(|e| e.json()["index"] == 0), "{model}");
    }
    let (place, mut body) = put(CHAT, "same.chat", true);
    body["stream_options"] = json!({"include_usage": true});
    let reply = gateway.ask(&place, &body).await.unwrap();
    let chunks: Vec<Value> = reply.events().iter().map(llm_tests::Event::json).filter(Value::is_object).collect();
    assert!(chunks.iter().all(|c| c["id"] == chunks[0]["id"] && c["model"] == "same.chat"), "{}", reply.text());
    let usage = chunks.iter().find_map(|c| c.get("usage").filter(|u| u.is_object())).unwrap();
    // what the spare model reports, and what was counted of the other
    assert!(usage["prompt_tokens"].as_u64().unwrap() > 40, "{usage}");
    assert!(usage["completion_tokens"].as_u64().unwrap() > 2, "{usage}");
}

#[tokio::test]
async fn both_are_billed_to_the_call() {
    let sim = simulator().await;
    let gateway = broken(&sim, cut()).await;
    let (place, body) = put(CHAT, "same.chat", true);
    let reply = gateway.ask(&place, &body).await.unwrap();
    let id = reply.header("x-litellm-call-id").to_owned();
    let mut row = Value::Null;
    for _ in 0..100 {
        let rows = gateway.get("/spend/logs", MASTER_KEY).await.unwrap().json();
        if let Some(found) = rows.as_array().and_then(|r| r.first()) {
            row = found.clone();
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(!id.is_empty());
    assert!(row["prompt_tokens"].as_u64().unwrap() > 40 && row["completion_tokens"].as_u64().unwrap() > 2, "{row}");
    // 40 and 2 tokens of gpt-4o alone
    assert!(row["spend"].as_f64().unwrap() > 40.0 * 2.5e-6 + 2.0 * 1e-5, "{row}");
}

#[tokio::test]
async fn models_that_take_it_get_a_prefix() {
    let sim = simulator().await;
    let gateway = broken(&sim, cut()).await;
    let (place, mut body) = put(CHAT, "same.chat", true);
    body["fallbacks"] = json!(["prefilled"]);
    let reply = gateway.ask(&place, &body).await.unwrap();
    assert_eq!(joined_text(&reply.events()), "one two three four", "{}", reply.text());
    let asked = spare(&sim);
    let last = asked[0]["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["role"], &last["content"], &last["prefix"]),
        (&json!("assistant"), &json!("one two "), &json!(true))
    );
}

#[tokio::test]
async fn nobody_goes_on_inside_a_tool_call_or_where_it_is_forbidden() {
    let sim = simulator().await;
    let call = llm_simulator::ToolCall {
        name: "f".to_owned(),
        args: Some("{\"a\": \"a long argument of a tool\"}".to_owned()),
    };
    let gateway = broken(&sim, Script { tools: vec![call], text: None, after: Some(1), ..cut() }).await;
    for (model, forbidden) in [("same.chat", false), ("other.chat", false), ("same.chat", true)] {
        let (place, mut body) = put(CHAT, model, true);
        body["tools"] = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
        if forbidden {
            body["disable_fallbacks"] = json!(true);
        }
        let reply = gateway.ask(&place, &body).await.unwrap();
        assert!(reply.events().iter().any(llm_tests::Event::is_error), "{model}: {}", reply.text());
        assert_eq!(spare(&sim).len(), 0, "{model}");
    }
}

#[tokio::test]
async fn when_the_other_breaks_off_too_the_client_is_told() {
    let sim = simulator().await;
    let gateway = broken(&sim, cut()).await;
    let (place, mut body) = put(CHAT, "same.chat", true);
    body["fallbacks"] = json!(["same.messages"]);
    let reply = gateway.ask(&place, &body).await.unwrap();
    assert_eq!(joined_text(&reply.events()), "one two one two ", "{}", reply.text());
    assert!(reply.events().iter().any(llm_tests::Event::is_error), "{}", reply.text());
    body["fallbacks"] = json!(["same.messages", "spare"]);
    let reply = gateway.ask(&place, &body).await.unwrap();
    assert_eq!(joined_text(&reply.events()), "one two one two three four", "{}", reply.text());
    assert!(!reply.events().iter().any(llm_tests::Event::is_error), "{}", reply.text());
}

/// A gateway with a filter of words whose `breaks` ends with an error event, which lets out what was held back.
async fn guarded(sim: &Running, words: &str) -> Gateway {
    let fault = Script {
        text: Some("one two three four".to_owned()),
        gap_ms: Some(15),
        after: Some(2),
        ..Script::fault(Fault::ErrorEvent)
    };
    sim.script(Match::path("/breaks"), fault);
    sim.script(Match::path("/spare"), Script::text("three four"));
    let yaml = Config::empty(sim)
        .model_below("same.chat", "openai/gpt-4o", "/breaks", &[])
        .model_below("other.messages", "openai/gpt-4o", "/breaks", &[])
        .model_below("spare", "openai/gpt-4o", "/spare", &[])
        .router("fallbacks: [{'*': ['spare']}]")
        .yaml();
    let guardrails = format!(
        "guardrails:\n  - guardrail_name: words\n    litellm_params: {{guardrail: litellm_content_filter, mode: post_call, default_on: true, \
         blocked_words: [{words}]}}\n"
    );
    Gateway::start(&format!("{yaml}{guardrails}")).await.unwrap()
}

#[tokio::test]
async fn guardrails_judge_the_answer_of_both_models_as_one() {
    let cases = [
        ("{keyword: nothing, action: BLOCK}", Some("one two three four")),
        ("{keyword: three, action: MASK}", Some("one two [KEYWORD_REDACTED] four")),
        // it begins in what the first model wrote and ends in what the second one writes
        ("{keyword: two three, action: BLOCK}", None),
        ("{keyword: two three, action: MASK}", None),
    ];
    for (words, whole) in cases {
        let sim = simulator().await;
        let gateway = guarded(&sim, words).await;
        for (model, path) in [("same.chat", CHAT), ("other.messages", MESSAGES)] {
            let (place, body) = put(path, model, true);
            let reply = gateway.ask(&place, &body).await.unwrap();
            let (events, said) = (reply.events(), joined_text(&reply.events()));
            assert!(reply.complete, "{words} {model}");
            match whole {
                Some(whole) => {
                    assert_eq!(said, whole, "{words} {model}: {}", reply.text());
                    assert!(!events.iter().any(llm_tests::Event::is_error), "{words} {model}: {}", reply.text());
                }
                None => {
                    assert!(events.iter().any(llm_tests::Event::is_error), "{words} {model}: {}", reply.text());
                    assert!(said.starts_with("one") && !said.contains("three"), "{words} {model}: {said}");
                }
            }
        }
    }
}
