//! `file_search` for models whose hosts do not know it.

use super::*;

/// A host of chat that searches before it answers, and a house with a vector store.
fn house(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let chat = |message: Value, why: &str| {
        json(json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": why}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}))
    };
    match asked.path.as_str() {
        "/v1/vector_stores/vs_1/search" => json(json!({"object": "vector_store.search_results.page", "data": [{
            "file_id": "file-1", "filename": "sky.txt", "score": 0.9, "attributes": {},
            "content": [{"type": "text", "text": "The sky is green."}]}]})),
        "/v1/vector_stores/vs_shut/search" => {
            (403, "application/json", json!({"error": {"message": "not this account's"}}).to_string())
        }
        _ if asked.json["tool_choice"] == "none" => {
            chat(json!({"role": "assistant", "content": "Nobody knows."}), "stop")
        }
        _ if asked.text().contains("The sky is green.") => {
            chat(json!({"role": "assistant", "content": "Green."}), "stop")
        }
        _ => {
            let function = json!({"name": "litellm_file_search", "arguments": "{\"queries\":[\"sky\"]}"});
            let call = json!({"id": "call_1", "type": "function", "function": function});
            chat(json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
        }
    }
}

async fn started() -> (Canned, Gateway) {
    let upstream = Canned::start(house).await.unwrap();
    let url = upstream.base_url();
    let config = format!(
        "model_list:
  - {{model_name: chat, litellm_params: {{model: deepseek/deepseek-chat, api_key: sk-chat, api_base: '{url}/chat'}}}}
  - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-gpt, api_base: '{url}/gpt'}}}}
  - {{model_name: hidden, litellm_params: {{model: deepseek/deepseek-chat, api_key: sk-own, api_base: '{url}/own'}}, model_info: {{team_id: t1, team_public_model_name: own}}}}
vector_store_registry:
  - vector_store_name: sky
    litellm_params: {{vector_store_id: vs_1, custom_llm_provider: openai, api_key: sk-store, api_base: '{url}/v1'}}
  - vector_store_name: shut
    litellm_params: {{vector_store_id: vs_shut, custom_llm_provider: openai, api_key: sk-store, api_base: '{url}/v1'}}
general_settings: {{master_key: {MASTER_KEY}}}
"
    );
    (upstream, Gateway::start(&config).await.unwrap())
}

#[tokio::test]
async fn a_model_is_told_what_the_stores_know() {
    let (upstream, gateway) = started().await;
    let tool = json!({"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3});
    let ask =
        json!({"model": "chat", "input": "Which colour?", "tools": [tool], "include": ["file_search_call.results"]});
    let reply = gateway.ask(RESPONSES, &ask).await.unwrap();
    let output = &reply.json()["output"];
    assert_eq!(
        (&output[0]["type"], &output[0]["queries"]),
        (&json!("file_search_call"), &json!(["sky"])),
        "{}",
        reply.text()
    );
    assert_eq!(output[0]["results"][0]["text"], "The sky is green.");
    let said = &output[1]["content"][0];
    assert_eq!((&said["text"], &said["annotations"][0]["file_id"]), (&json!("Green."), &json!("file-1")), "{output}");
    let seen = upstream.seen();
    assert_eq!(seen[0].json["tools"][0]["function"]["name"], "litellm_file_search");
    assert_eq!(
        (seen[1].header("authorization"), &seen[1].json),
        ("Bearer sk-store", &json!({"max_num_results": 3, "query": "sky"}))
    );
    assert_eq!(seen.len(), 3);

    let mut stream = ask;
    stream["stream"] = json!(true);
    let text = gateway.ask(RESPONSES, &stream).await.unwrap().text();
    assert!(text.contains("response.completed") && text.contains("file_search_call"), "{text}");

    // Who may not search a store is refused before anybody is asked.
    let made = gateway.ask("/key/generate", &json!({"object_permission": {"vector_stores": ["vs_2"]}})).await.unwrap();
    let key = made.json()["key"].as_str().unwrap_or_else(|| panic!("{}", made.text())).to_owned();
    let before = upstream.seen().len();
    let refused = gateway.post(RESPONSES, &stream, &key).await.unwrap();
    assert_eq!((refused.status, upstream.seen().len()), (403, before), "{}", refused.text());
}

#[tokio::test]
async fn hosts_that_search_themselves_are_told_the_tool() {
    let (upstream, gateway) = started().await;
    let tools = json!([{"type": "file_search", "vector_store_ids": ["vs_1"]}]);
    gateway.ask(RESPONSES, &json!({"model": "gpt", "input": "Which colour?", "tools": tools})).await.unwrap();
    assert_eq!(upstream.seen()[0].json["tools"], tools);
}

#[tokio::test]
async fn a_store_that_stays_shut_is_no_refusal() {
    let (upstream, gateway) = started().await;
    let tool = json!({"type": "file_search", "vector_store_ids": ["vs_shut"]});
    let reply =
        gateway.ask(RESPONSES, &json!({"model": "chat", "input": "Which colour?", "tools": [tool]})).await.unwrap();
    let output = &reply.json()["output"];
    assert_eq!((reply.status, &output[0]["status"]), (200, &json!("failed")), "{}", reply.text());
    assert_eq!(output[4]["content"][0]["text"], "Nobody knows.", "the last answer is one: {output}");
    assert_eq!(upstream.seen().iter().filter(|asked| asked.path.ends_with("/search")).count(), 4);

    let ids: Vec<String> = (0..11).map(|at| format!("vs_{at}")).collect();
    let many = json!({"type": "file_search", "vector_store_ids": ids});
    let many = gateway.ask(RESPONSES, &json!({"model": "chat", "input": "?", "tools": [many]})).await.unwrap();
    assert_eq!((many.status, &many.json()["error"]["param"]), (400, &json!("tools")), "{}", many.text());
}

#[tokio::test]
async fn a_teams_own_models_are_told_too() {
    let (upstream, gateway) = started().await;
    let team = gateway.ask("/team/new", &json!({"team_id": "t1"})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let (key, _) = gateway.new_key(&json!({"team_id": "t1"})).await.unwrap();
    let tools = json!([{"type": "file_search", "vector_store_ids": ["vs_1"]}]);
    let reply = gateway.post(RESPONSES, &json!({"model": "own", "input": "Which colour?", "tools": tools}), &key).await;
    let reply = reply.unwrap();
    assert_eq!(reply.json()["output"][0]["type"], "file_search_call", "{}", reply.text());
    let made = gateway.post("/v1beta/interactions", &json!({"model": "own", "input": "The sky is green."}), &key).await;
    let made = made.unwrap();
    assert_eq!(made.json()["object"], "interaction", "{}", made.text());
    assert_eq!(upstream.seen().pop().unwrap().header("authorization"), "Bearer sk-own");
}
