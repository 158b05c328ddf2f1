//! `/v1/chat/completions` and its neighbours through the gateway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use bytes::Bytes;
use http::Method;
use llm_simulator::{Ended, Fault, Gate, Match, Running, Script, Simulator, SimulatorConfig, ToolCall};
use llm_tests::{Config, Gateway, MASTER_KEY, UPSTREAM_KEY, calls, ended, joined_text, joined_tool_calls};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn sim() -> Running {
    let config = SimulatorConfig { require_key: Some(UPSTREAM_KEY.into()), ..SimulatorConfig::default() };
    Simulator::start(config).await.unwrap()
}

async fn standard() -> (Running, Gateway) {
    let sim = sim().await;
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    (sim, gateway)
}

fn say(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

fn stream(model: &str, text: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn a_whole_reply_with_its_headers() {
    let (sim, gateway) = standard().await;
    for path in [CHAT, "/chat/completions"] {
        let reply = gateway.ask(path, &say("gpt", "hello")).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), "application/json");
        let body = reply.json();
        assert_eq!((&body["model"], &body["object"]), (&json!("gpt"), &json!("chat.completion")));
        assert_eq!(body["choices"][0]["message"]["content"], "You said: hello");
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        assert_eq!(body["usage"]["total_tokens"], 7);
        for name in ["x-litellm-call-id", "x-litellm-model-id", "x-litellm-version"] {
            assert!(!reply.header(name).is_empty(), "{name} is missing: {:?}", reply.headers);
        }
        assert_eq!(reply.header("x-litellm-model-group"), "gpt");
        assert_eq!(reply.header("x-litellm-model-api-base"), format!("{}/v1", sim.base_url()));
        assert!(reply.header("llm_provider-x-request-id").starts_with("req_"));
        assert!(reply.header("x-litellm-response-cost").parse::<f64>().unwrap() > 0.0);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    let seen = calls(&sim).remove(0);
    assert_eq!(seen.path, CHAT);
    assert_eq!(seen.json(), say("gpt-4o", "hello"));
    assert_eq!(seen.header("authorization").unwrap(), format!("Bearer {UPSTREAM_KEY}"));
    assert!(!format!("{:?}", seen.headers).contains(MASTER_KEY), "the caller's key went upstream");
}

#[tokio::test]
async fn the_gateways_own_fields_stay_here() {
    let (sim, gateway) = standard().await;
    let mut body = say("gpt", "hello");
    let own = json!({"metadata": {"tags": ["a"]}, "tags": ["b"], "num_retries": 0, "timeout": 20, "cache": {"no-cache": true},
        "fallbacks": [], "litellm_session_id": "s1", "mock_response": "not this"});
    body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    // the simulator refuses fields that OpenAI does not know
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "You said: hello");
    let sent = calls(&sim).remove(0).json();
    for field in own.as_object().unwrap().keys() {
        assert!(sent.get(field).is_none(), "{field} went upstream: {sent}");
    }
}

#[tokio::test]
async fn a_stream_has_role_words_finish_and_done() {
    let (_sim, gateway) = standard().await;
    for model in ["gpt", "claude", "azure"] {
        let reply = gateway.ask(CHAT, &stream(model, "hello there")).await.unwrap();
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        assert!(reply.header("content-type").starts_with("text/event-stream"), "{model}");
        assert_eq!(reply.header("x-litellm-response-cost"), "", "{model}: the cost is not known yet");
        assert_eq!(reply.header("x-litellm-model-group"), model);
        let events = reply.events();
        assert!(events.last().unwrap().is_end(), "{model}");
        assert_eq!(joined_text(&events), "You said: hello there", "{model}");
        let chunks: Vec<Value> = events[..events.len() - 1].iter().map(llm_tests::Event::json).collect();
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant", "{model}");
        for chunk in &chunks {
            assert_eq!(
                (&chunk["model"], &chunk["object"]),
                (&json!(model), &json!("chat.completion.chunk")),
                "{model}"
            );
            assert_eq!(chunk["id"], chunks[0]["id"], "{model}");
        }
        let finishes: Vec<&Value> =
            chunks.iter().map(|c| &c["choices"][0]["finish_reason"]).filter(|f| !f.is_null()).collect();
        assert_eq!(finishes, [&json!("stop")], "{model}");
        assert!(chunks.iter().all(|c| c.get("usage").is_none_or(Value::is_null)), "{model}: usage was not asked for");
    }
}

#[tokio::test]
async fn usage_comes_in_the_stream_when_asked_for() {
    let (_sim, gateway) = standard().await;
    for model in ["gpt", "claude", "azure"] {
        let mut body = stream(model, "hello [[sim prompt_tokens=20 completion_tokens=9]]");
        body["stream_options"] = json!({"include_usage": true});
        let reply = gateway.ask(CHAT, &body).await.unwrap();
        let with_usage: Vec<Value> =
            reply.events().iter().map(|e| e.json()["usage"].clone()).filter(|u| !u.is_null()).collect();
        assert_eq!(with_usage.len(), 1, "{model}: {}", reply.text());
        let counts = ["prompt_tokens", "completion_tokens", "total_tokens"].map(|k| with_usage[0][k].as_u64());
        assert_eq!(counts, [Some(20), Some(9), Some(29)], "{model}");
    }
}

#[tokio::test]
async fn each_chunk_passes_as_it_comes() {
    let (sim, gateway) = standard().await;
    for model in ["gpt", "claude"] {
        sim.reset();
        let gate = Gate::new();
        sim.script(Match::any(), Script::text("one two three").gate(&gate));
        // a gateway may hold its head until the first content is there
        gate.release(1);
        let mut live = gateway.open(CHAT, &stream(model, "go"), MASTER_KEY).await.unwrap();
        for (count, word) in ["one ", "two ", "three"].into_iter().enumerate() {
            if count > 0 {
                gate.release(1);
            }
            // the next word is still locked up: this one cannot have waited for it
            loop {
                let event = live.next_event().await.unwrap().expect("the stream ended");
                match joined_text(std::slice::from_ref(&event)).as_str() {
                    "" => continue,
                    text => assert_eq!(text, word, "{model}"),
                }
                break;
            }
        }
        gate.open();
        assert!(live.rest().await.unwrap().events().last().unwrap().is_end());
    }
}

#[tokio::test]
async fn tool_calls_whole_and_streamed() {
    let (sim, gateway) = standard().await;
    let args = r#"{"city": "Zürich", "days": 3}"#;
    let calls = vec![
        ToolCall { name: "get_weather".into(), args: Some(args.into()) },
        ToolCall { name: "get_time".into(), args: Some("{}".into()) },
    ];
    sim.script(Match::any(), Script { tools: calls, ..Script::default() });
    let tools = json!([
        {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}},
        {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}]);
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for model in ["gpt", "claude", "azure"] {
        let mut body = say(model, "weather?");
        body["tools"] = tools.clone();
        let reply = gateway.ask(CHAT, &body).await.unwrap();
        let choice = reply.json()["choices"][0].clone();
        assert_eq!(choice["finish_reason"], "tool_calls", "{model}: {}", reply.text());
        let calls = choice["message"]["tool_calls"].as_array().unwrap().clone();
        assert_eq!(calls.len(), 2, "{model}");
        assert_eq!(calls[0]["function"]["name"], "get_weather", "{model}");
        assert_eq!(parsed(calls[0]["function"]["arguments"].as_str().unwrap()), parsed(args), "{model}");
        assert!(calls[0]["id"].as_str().unwrap() != calls[1]["id"].as_str().unwrap(), "{model}");

        body["stream"] = json!(true);
        let events = gateway.ask(CHAT, &body).await.unwrap().events();
        let joined = joined_tool_calls(&events);
        assert_eq!(joined.len(), 2, "{model}: {events:?}");
        assert_eq!((joined[0].0.as_str(), parsed(&joined[0].1)), ("get_weather", parsed(args)), "{model}");
        assert_eq!((joined[1].0.as_str(), joined[1].1.as_str()), ("get_time", "{}"), "{model}");
        assert!(events.iter().any(|e| e.json()["choices"][0]["finish_reason"] == "tool_calls"), "{model}");
    }
    // the result of a call goes back in the upstream's own shape; the simulator refuses an answer without a call
    sim.reset();
    let history = json!({"model": "claude", "tools": tools, "messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": args}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]});
    let reply = gateway.ask(CHAT, &history).await.unwrap();
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "The tool said: sunny", "{}", reply.text());
}

#[tokio::test]
async fn chat_on_anthropic_is_translated() {
    let (sim, gateway) = standard().await;
    let script = Script {
        reasoning: Some("six times seven".into()),
        cached_tokens: Some(10),
        prompt_tokens: Some(30),
        ..Script::text("It is 42.")
    };
    sim.script(Match::any(), script);
    let body = json!({"model": "claude", "max_tokens": 50, "stop": "END", "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "6*7"}]});
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    let answer = reply.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!((&answer["model"], &message["content"]), (&json!("claude"), &json!("It is 42.")), "{}", reply.text());
    assert_eq!(message["reasoning_content"], "six times seven");
    assert_eq!(message["thinking_blocks"][0]["type"], "thinking");
    assert!(!message["thinking_blocks"][0]["signature"].as_str().unwrap().is_empty());
    assert_eq!(answer["usage"]["prompt_tokens"], 30);
    assert_eq!(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 10);
    let seen = calls(&sim).remove(0);
    assert_eq!((seen.path.as_str(), seen.header("x-api-key")), ("/v1/messages", Some(UPSTREAM_KEY)));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    let sent = seen.json();
    assert_eq!((&sent["model"], &sent["max_tokens"]), (&json!("claude-sonnet-4-5"), &json!(50)));
    assert_eq!(sent["stop_sequences"], json!(["END"]));
    assert_eq!(sent["system"][0]["text"], "Be brief.");
}

#[tokio::test]
async fn azure_paths_both_ways() {
    let (sim, gateway) = standard().await;
    assert_eq!(gateway.ask(CHAT, &say("azure", "hi")).await.unwrap().status, 200);
    let seen = calls(&sim).remove(0);
    assert_eq!(seen.path, "/openai/deployments/my-gpt/chat/completions");
    assert_eq!((seen.query.as_str(), seen.header("api-key")), ("api-version=2024-10-21", Some(UPSTREAM_KEY)));
    // a client of Azure names the model in the path
    let body = json!({"messages": [{"role": "user", "content": "hi"}]});
    let path = "/openai/deployments/gpt/chat/completions?api-version=2024-10-21";
    let headers = [("api-key", MASTER_KEY), ("content-type", "application/json")];
    let reply = gateway.send(Method::POST, path, &headers, body.to_string().into()).await.unwrap();
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "You said: hi", "{}", reply.text());
}

#[tokio::test]
async fn embeddings_completions_and_models() {
    let (sim, gateway) = standard().await;
    let reply =
        gateway.ask("/v1/embeddings", &json!({"model": "embed", "input": ["a", "b"], "dimensions": 8})).await.unwrap();
    let body = reply.json();
    assert_eq!((&body["model"], body["data"].as_array().unwrap().len()), (&json!("embed"), 2), "{}", reply.text());
    assert_eq!(body["data"][1]["embedding"].as_array().unwrap().len(), 8);
    assert!(body["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    assert!(reply.header("x-litellm-response-cost").parse::<f64>().unwrap() > 0.0);

    let reply =
        gateway.ask("/v1/completions", &json!({"model": "gpt", "prompt": "once", "max_tokens": 20})).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["object"], "text_completion");
    assert!(reply.json()["choices"][0]["text"].as_str().unwrap().contains("once"));

    let models = gateway.get("/v1/models", MASTER_KEY).await.unwrap().json();
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert!(["gpt", "claude", "azure", "embed"].iter().all(|id| ids.contains(id)), "{ids:?}");
    assert_eq!((&models["object"], &models["data"][0]["created"]), (&json!("list"), &json!(1_677_610_602)));
    drop(sim);
}

#[tokio::test]
async fn http2_and_the_other_key_headers() {
    let (_sim, gateway) = standard().await;
    let body = Bytes::from(say("gpt", "hi").to_string());
    let bearer = format!("Bearer {MASTER_KEY}");
    let kind = ("content-type", "application/json");
    let reply =
        gateway.send_http2(Method::POST, CHAT, &[kind, ("authorization", &bearer)], body.clone()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    for name in ["x-litellm-api-key", "api-key", "x-api-key", "x-goog-api-key"] {
        let reply = gateway.send(Method::POST, CHAT, &[kind, (name, MASTER_KEY)], body.clone()).await.unwrap();
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    }
    // the first header in LiteLLM's order counts
    let headers = [kind, ("x-litellm-api-key", "sk-wrong-wrong-wrong"), ("authorization", &bearer)];
    assert_eq!(gateway.send(Method::POST, CHAT, &headers, body).await.unwrap().status, 401);
}

#[tokio::test]
async fn retries_and_fallbacks() {
    let sim = sim().await;
    let config = Config::standard(&sim)
        .model_below("frail", "openai/gpt-4o", "/frail", &[])
        .model_below("backup", "openai/gpt-4o-mini", "/backup", &[])
        .router("num_retries: 2")
        .router("fallbacks: [{frail: [backup]}]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();

    sim.queue(&Match::path("/v1/"), [Script::fault(Fault::Status(503))]);
    let reply = gateway.ask(CHAT, &say("gpt", "hi")).await.unwrap();
    assert_eq!((reply.status, reply.header("x-litellm-attempted-retries")), (200, "1"), "{}", reply.text());
    assert_eq!(calls(&sim).len(), 2);

    sim.reset();
    sim.script(Match::path("/frail/"), Script::fault(Fault::Status(500)));
    for body in [say("frail", "hi"), stream("frail", "hi")] {
        let reply = gateway.ask(CHAT, &body).await.unwrap();
        assert_eq!((reply.status, reply.header("x-litellm-attempted-fallbacks")), (200, "1"), "{}", reply.text());
        // whole bodies name the provider's model after a fallback, streams the group that answered
        let named = if body["stream"] == true {
            reply.events()[0].json()["model"].clone()
        } else {
            reply.json()["model"].clone()
        };
        assert!(["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "backup"].contains(&named.as_str().unwrap()), "{named}");
    }
    assert!(calls(&sim).iter().any(|r| r.path.starts_with("/backup/")));
}

#[tokio::test]
async fn a_leaving_client_ends_the_upstream_stream() {
    let (sim, gateway) = standard().await;
    sim.script(Match::any(), Script::fault(Fault::Stall).after(2));
    for model in ["gpt", "claude"] {
        let mut live = gateway.open(CHAT, &stream(model, "go on for ever"), MASTER_KEY).await.unwrap();
        live.next_event().await.unwrap().unwrap();
        drop(live);
        assert_eq!(ended(&sim).await, Ended::ClientGone, "{model}");
    }
}

#[tokio::test]
async fn cursors_bodies_are_answered_as_chat() {
    let sim = sim().await;
    // no wildcard: it would serve every variant of a name
    let config = Config::empty(&sim).model("gpt", "openai/gpt-5", &[]).yaml();
    let gateway = Gateway::start(&config).await.unwrap();
    let path = "/cursor/chat/completions";
    let patch = json!({"type": "custom", "name": "ApplyPatch", "description": "edits"});
    let responses = json!({"model": "gpt-thinking-high-fast", "stream": true, "instructions": "Be short.", "tools": [patch],
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}]});
    let reply = gateway.ask(path, &responses).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(joined_text(&reply.events()), "You said: hello");
    assert!(reply.text().ends_with("data: [DONE]\n\n"), "{}", reply.text());
    let sent = calls(&sim).pop().unwrap();
    assert_eq!(sent.path, CHAT);
    let sent = sent.json();
    assert_eq!((&sent["model"], &sent["reasoning_effort"]), (&json!("gpt-5"), &json!("high")));
    assert_eq!(sent["tools"][0]["custom"]["name"], "ApplyPatch", "{sent}");
    assert!(sent["input"].is_null() && sent["instructions"].is_null(), "{sent}");

    let mut chat = say("gpt", "again");
    chat["tools"] = json!([{"type": "function", "name": "look", "parameters": {"type": "object"}}]);
    let reply = gateway.ask(path, &chat).await.unwrap();
    assert_eq!(reply.json()["object"], "chat.completion", "{}", reply.text());
    assert_eq!(calls(&sim).pop().unwrap().json()["tools"][0]["function"]["name"], "look");

    let refused =
        gateway.ask(path, &json!({"model": "gpt", "input": "a", "previous_response_id": "resp_1"})).await.unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("previous_response_id")));
}
