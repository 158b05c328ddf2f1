//! Models that use the tools of the gateway's MCP servers, over chat, Messages and Responses.

use llm_tests::{Asked, Canned, MASTER_KEY, Said};
use serde_json::{Value, json};

use crate::House;

/// A model that calls `log` of the first server until it has a result, then says what it got. `loop` never stops, `trick`
/// names another tool behind its arguments.
pub(crate) fn model(asked: &Asked) -> Said {
    if asked.path.ends_with("/messages") {
        return model_of_messages(asked);
    }
    let messages = asked.json["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().cloned().unwrap_or_default();
    let tools = asked.json["tools"].as_array().cloned().unwrap_or_default();
    let name = |tool: &Value| tool["function"]["name"].as_str().unwrap_or_default().to_owned();
    let log = tools.iter().map(name).find(|name| name.ends_with("log"));
    let message = match log {
        Some(log) if last["role"] != "tool" || messages[0]["content"] == "loop" => {
            let trick = messages[0]["content"] == "trick";
            let arguments = if trick { r#"{"a":1},"name":"bad""# } else { r#"{"a":1}"# };
            let function = json!({"name": log, "arguments": arguments});
            let call = json!({"id": format!("call_{}", messages.len()), "type": "function", "function": function});
            json!({"role": "assistant", "content": null, "tool_calls": [call]})
        }
        _ => json!({"role": "assistant", "content": format!("got {}", last["content"].as_str().unwrap_or_default())}),
    };
    let finish = if message["tool_calls"].is_array() { "tool_calls" } else { "stop" };
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    let choice = json!({"index": 0, "message": message, "finish_reason": finish});
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage});
    (200, "application/json", answer.to_string())
}

/// The same in Anthropic's words.
fn model_of_messages(asked: &Asked) -> Said {
    let last = asked.json["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let result = last["content"].as_array().and_then(|parts| parts.iter().find(|part| part["type"] == "tool_result"));
    let names =
        asked.json["tools"].as_array().into_iter().flatten().map(|tool| tool["name"].as_str().unwrap_or_default());
    let (block, reason) = match (result, names.into_iter().find(|name| name.ends_with("log"))) {
        (None, Some(name)) => {
            (json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": {"a": 1}}), "tool_use")
        }
        (result, _) => {
            let said =
                result.map(|r| r["content"].as_str().unwrap_or_else(|| r["content"][0]["text"].as_str().unwrap()));
            (json!({"type": "text", "text": format!("got {}", said.unwrap_or_default())}), "end_turn")
        }
    };
    let usage = json!({"input_tokens": 10, "output_tokens": 5});
    let answer = json!({"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [block],
        "stop_reason": reason, "stop_sequence": null, "usage": usage});
    (200, "application/json", answer.to_string())
}

const GOT: &str = r#"got {"arguments":{"a":1},"name":"log"}"#;

fn git(approval: &str) -> Value {
    json!({"type": "mcp", "server_label": "git", "server_url": "litellm_proxy/mcp/git", "require_approval": approval})
}

fn chat(text: &str, tool: &Value) -> Value {
    let own = json!({"type": "function", "function": {"name": "own", "parameters": {"type": "object"}}});
    json!({"model": "tools", "messages": [{"role": "user", "content": text}], "tools": [own, tool]})
}

pub(crate) async fn models_use_tools(house: &House, model: &Canned) {
    let (gateway, calls) = (&house.gateway, house.git.seen().len());
    let reply = gateway.ask("/v1/chat/completions", &chat("hi", &git("never"))).await.unwrap();
    let answer = reply.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!((reply.status, message["content"].as_str()), (200, Some(GOT)), "{}", reply.text());
    let own = &message["provider_specific_fields"];
    assert_eq!(own["mcp_tool_calls"][0]["function"]["name"], "git-log", "{answer}");
    assert_eq!(own["mcp_call_results"][0]["tool_call_id"], "call_1", "{answer}");
    assert_eq!(own["mcp_list_tools"].as_array().unwrap().len(), 2, "{answer}");
    assert!(house.git.seen().len() > calls, "nothing was called");
    let seen = model.seen();
    let names: Vec<&str> =
        seen[0].json["tools"].as_array().unwrap().iter().map(|t| t["function"]["name"].as_str().unwrap()).collect();
    assert_eq!((names, seen.len()), (vec!["own", "git-log", "git-bad"], 2));

    let mut streamed = chat("hi", &git("never"));
    streamed["stream"] = json!(true);
    let reply = gateway.ask("/v1/chat/completions", &streamed).await.unwrap();
    assert!(reply.header("content-type").starts_with("text/event-stream"), "{}", reply.text());
    assert!(reply.text().contains("got {") && reply.text().trim_end().ends_with("data: [DONE]"), "{}", reply.text());

    let mut pathed = chat("hi", &git("never"));
    pathed.as_object_mut().unwrap().remove("model");
    let reply = gateway.ask("/engines/tools/chat/completions", &pathed).await.unwrap();
    assert_eq!(reply.json()["choices"][0]["message"]["content"], GOT, "the model of the path: {}", reply.text());

    let asked = chat("hi", &git("always"));
    let reply = gateway.ask("/v1/chat/completions", &asked).await.unwrap().json();
    assert_eq!(reply["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "git-log", "{reply}");
    let before = model.seen().len();
    let reply = gateway.ask("/v1/chat/completions", &chat("loop", &git("never"))).await.unwrap().json();
    assert_eq!((model.seen().len() - before, &reply["choices"][0]["finish_reason"]), (10, &json!("tool_calls")));

    let reply = gateway.ask("/v1/chat/completions", &chat("trick", &git("never"))).await.unwrap().json();
    assert_eq!(reply["choices"][0]["message"]["content"], "got Error: the arguments are no JSON", "{reply}");

    let own = json!({"name": "own", "input_schema": {"type": "object"}});
    let mut body = json!({"model": "tools", "max_tokens": 9, "tools": [own, git("never")],
        "messages": [{"role": "user", "content": "hi"}]});
    let before = model.seen().len();
    let answer = gateway.ask("/v1/messages", &body).await.unwrap().json();
    assert_eq!((&answer["content"][0]["text"], &answer["stop_reason"]), (&json!(GOT), &json!("end_turn")), "{answer}");
    assert_eq!((model.seen().len() - before, answer["content"].as_array().unwrap().len()), (2, 1), "{answer}");
    body["stream"] = json!(true);
    let reply = gateway.ask("/v1/messages", &body).await.unwrap();
    assert!(reply.text().contains("got {") && reply.text().contains("event: message_stop"), "{}", reply.text());
    body["stream"] = json!(false);
    body["tools"][1] = git("always");
    let answer = gateway.ask("/v1/messages", &body).await.unwrap().json();
    assert_eq!((&answer["content"][0]["type"], &answer["content"][0]["name"]), (&json!("tool_use"), &json!("git-log")));

    let body = json!({"model": "tools", "input": "hi", "tools": [git("never")]});
    let reply = gateway.ask("/v1/responses", &body).await.unwrap();
    let answer = reply.json();
    let kinds: Vec<&str> = answer["output"].as_array().unwrap().iter().map(|i| i["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["mcp_list_tools", "mcp_call", "message"], "{answer}");
    assert_eq!(answer["output"][1]["output"], r#"{"arguments":{"a":1},"name":"log"}"#, "{answer}");
    assert_eq!(answer["output"][2]["content"][0]["text"], GOT, "{answer}");
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    input.extend(answer["output"].as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "again"}));
    let body = json!({"model": "tools", "input": input, "stream": true, "tools": [git("never")]});
    let reply = gateway.ask("/v1/responses", &body).await.unwrap();
    assert!(reply.text().contains("response.completed") && reply.text().contains("mcp_call"), "{}", reply.text());
}

pub(crate) async fn tools_are_for_those_who_may_use_them(house: &House, model: &Canned) {
    let (key, _) = house.key(json!({})).await;
    let before = (house.git.seen().len(), model.seen().len());
    let reply = house.gateway.post("/v1/chat/completions", &chat("hi", &git("never")), &key).await.unwrap();
    assert_eq!(reply.status, 403, "{}", reply.text());
    let (models, _) = house.key(json!({"allowed_routes": ["/v1/chat/completions"]})).await;
    let reply = house.gateway.post("/v1/chat/completions", &chat("hi", &git("never")), &models).await.unwrap();
    assert_eq!(reply.status, 403, "{}", reply.text());
    let messages = json!({"model": "tools", "max_tokens": 9, "tools": [git("never")],
        "messages": [{"role": "user", "content": "hi"}]});
    let reply = house.gateway.post("/v1/messages", &messages, &key).await.unwrap();
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!((house.git.seen().len(), model.seen().len()), before, "something was asked");
    // The price of the tool does not fit into the budget: neither is its second call made, nor the model asked again.
    let grants = json!({"mcp_servers": ["git"]});
    let (poor, token) = house.key(json!({"max_budget": 0.2, "object_permission": grants})).await;
    assert_eq!(
        house.gateway.post("/v1/chat/completions", &chat("hi", &git("never")), &poor).await.unwrap().status,
        422
    );
    let rows = house.gateway.spend_rows(&token, 2).await.unwrap();
    let calls: Vec<&Value> = rows.iter().map(|row| &row["call_type"]).collect();
    assert!(calls.contains(&&json!("call_mcp_tool")) && calls.contains(&&json!("acompletion")), "{rows:?}");
    let wrong = json!({"type": "mcp", "server_url": "litellm_proxy/nowhere/git"});
    let reply = house.gateway.ask("/v1/chat/completions", &chat("hi", &wrong)).await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.text().contains("server_url") && !reply.text().contains(MASTER_KEY), "{}", reply.text());
}
