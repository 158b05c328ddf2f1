//! Questions about usage: a model with tools, called as the caller.

use llm_tests::{Asked, Canned, Event, Gateway, MASTER_KEY, Said};
use serde_json::{Value, json};

/// A model that looks up this year's usage, and then says how many tools it heard of.
fn model(asked: &Asked) -> Said {
    let messages = asked.json["messages"].as_array().unwrap();
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    let whole = |message: Value| {
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
            "usage": usage});
        (200, "application/json", body.to_string())
    };
    if asked.json["stream"] == true {
        let told = messages.last().unwrap()["content"].as_str().unwrap().replace('\n', " ");
        let chunk = |delta: Value, end: Value| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": end});
            format!(
                "data: {}\n\n",
                json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})
            )
        };
        let body = chunk(json!({"role": "assistant", "content": "It says: "}), Value::Null)
            + &chunk(json!({"content": told}), Value::Null)
            + &chunk(json!({}), json!("stop"))
            + "data: [DONE]\n\n";
        return (200, "text/event-stream", body);
    }
    if asked.json["tools"].is_null() {
        return whole(json!({"role": "assistant", "content": "hello"}));
    }
    let call = |id: &str, name: &str| {
        let arguments = json!({"start_date": "2020-01-01", "end_date": "2099-12-31"}).to_string();
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    };
    let calls = [call("1", "get_team_usage_data"), call("2", "get_usage_data")];
    whole(json!({"role": "assistant", "content": null, "tool_calls": calls}))
}

async fn asked(gateway: &Gateway, key: &str, body: &Value) -> (u16, Vec<Value>, String) {
    let reply = gateway.post("/usage/ai/chat", body, key).await.unwrap();
    let told = reply.events().iter().map(Event::json).collect();
    (reply.status, told, reply.text())
}

#[tokio::test]
async fn a_model_answers_with_what_the_caller_may_see() {
    let upstream = Canned::start(model).await.unwrap();
    let config = format!(
        "model_list:\n  - model_name: asker\n    litellm_params: {{model: openai/gpt-4o, api_base: '{}/v1', api_key: sk-x}}\n\
         general_settings: {{master_key: '{MASTER_KEY}', proxy_batch_write_at: 0.1}}\n",
        upstream.base_url()
    );
    let gateway = Gateway::start(&config).await.unwrap();
    let chat = json!({"model": "asker", "messages": [{"role": "user", "content": "hi"}]});
    for _ in 0..3 {
        assert_eq!(gateway.ask("/v1/chat/completions", &chat).await.unwrap().status, 200);
    }
    let user = json!({"user_id": "someone", "user_role": "internal_user", "models": ["asker"]});
    let made = gateway.ask("/user/new", &user).await.unwrap().json();
    let key = made["key"].as_str().unwrap();

    let question = json!({"model": "asker", "messages": [{"role": "user", "content": "what did we spend?"}]});
    let (status, told, text) = asked(&gateway, MASTER_KEY, &question).await;
    assert_eq!(status, 200, "{text}");
    let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let wanted = ["status", "tool_call", "tool_call", "tool_call", "tool_call", "status", "chunk", "chunk", "done"];
    assert_eq!(kinds, wanted, "{text}");
    assert_eq!((&told[1]["status"], &told[2]["status"]), (&json!("running"), &json!("complete")), "{text}");
    let said: String = told.iter().filter_map(|event| event["content"].as_str()).collect();
    // Three calls, and the one that asks.
    assert!(said.contains("4 requests (0 failed), 60 tokens"), "{said}");
    assert!(said.contains("gpt-4o"), "{said}");

    let (_, told, text) = asked(&gateway, key, &question).await;
    let said: String = told.iter().filter_map(|event| event["content"].as_str()).collect();
    assert!(said.contains("1 requests (0 failed), 15 tokens"), "only his own: {text}");
    let second = upstream.seen().into_iter().rev().find(|asked| asked.json["stream"] == true).unwrap();
    let messages = second.json["messages"].as_array().unwrap().clone();
    let refused = messages.iter().find(|m| m["tool_call_id"] == "1").unwrap();
    assert_eq!(refused["content"], "Tool not available: get_team_usage_data");
    assert_eq!(second.json["temperature"], 0.2);

    let other = json!({"model": "nobody", "messages": [{"role": "user", "content": "x"}]});
    let (status, told, _) = asked(&gateway, key, &other).await;
    assert_eq!((status, told.last().unwrap()["type"].as_str()), (200, Some("error")), "{told:?}");
    assert_eq!(asked(&gateway, key, &json!({"messages": "x"})).await.0, 400);
    assert_eq!(asked(&gateway, "sk-wrong", &question).await.0, 401);
}
