//! OpenAI's chat, completions, embeddings and models, and Azure's variant of them, as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use base64::Engine;
use client::{chat, chunks, post, send, sim};
use http::Method;
use llm_simulator::{Match, Script, Simulator, SimulatorConfig};
use serde_json::{Value, json};

fn ask(text: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]})
}

fn streaming(text: &str) -> Value {
    json!({"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn a_whole_reply_has_every_field() {
    let sim = sim().await;
    let answer = chat(&sim, &ask("hello")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("x-request-id").starts_with("req_"));
    assert_eq!(answer.header("x-ratelimit-limit-requests"), "10000");
    let body = answer.json();
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "gpt-4o-2024-08-06");
    assert!(body["created"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(
        body["choices"][0],
        json!({"index": 0, "message": {"role": "assistant", "content": "You said: hello", "refusal": null,
               "annotations": []}, "logprobs": null, "finish_reason": "stop"})
    );
    // "user" and "hello" are 9 characters, the answer 15
    let usage = &body["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(3), &json!(4)));
    assert_eq!(usage["total_tokens"], 7);
    assert_eq!(usage["prompt_tokens_details"], json!({"cached_tokens": 0, "audio_tokens": 0}));
    let other = chat(&sim, &ask("hello")).await.json();
    assert_ne!(body["id"], other["id"]);
}

#[tokio::test]
async fn a_stream_has_role_words_finish_usage_and_done() {
    let sim = sim().await;
    let mut request = streaming("hello there");
    request["stream_options"] = json!({"include_usage": true});
    let answer = chat(&sim, &request).await;
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(answer.events().last().unwrap().data, "[DONE]");
    let chunks = chunks(&answer);
    assert_eq!(chunks.len(), 7);
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], chunks[0]["id"]);
        assert_eq!(chunk["created"], chunks[0]["created"]);
        assert_eq!(chunk["model"], "gpt-4o-2024-08-06");
        assert!(chunk["obfuscation"].is_string());
    }
    assert_eq!(
        chunks[0]["choices"][0],
        json!({"index": 0, "delta": {"role": "assistant", "content": "", "refusal": null}, "logprobs": null,
               "finish_reason": null})
    );
    let text: Vec<&str> = chunks[1..5].iter().map(|c| c["choices"][0]["delta"]["content"].as_str().unwrap()).collect();
    assert_eq!(text, ["You ", "said: ", "hello ", "there"]);
    assert!(chunks[1].as_object().unwrap().contains_key("usage") && chunks[1]["usage"].is_null());
    assert_eq!(chunks[5]["choices"][0]["delta"], json!({}));
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[6]["choices"], json!([]));
    assert_eq!(chunks[6]["usage"]["completion_tokens"], 6);
}

#[tokio::test]
async fn without_include_usage_there_is_no_usage() {
    let sim = sim().await;
    let answer = chat(&sim, &streaming("hello")).await;
    assert!(chunks(&answer).iter().all(|c| c.get("usage").is_none()));
}

#[tokio::test]
async fn parallel_tool_calls_whole_and_streamed() {
    let sim = sim().await;
    let marker = r#"Weather? [[sim tool=get_weather args={"city": "Zürich"} tool=get_time]]"#;
    let tools = json!([{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object",
         "properties": {"tz": {"enum": ["CET"]}}}}}]);
    let mut request = ask(marker);
    request["tools"] = tools.clone();
    let choice = chat(&sim, &request).await.json()["choices"][0].clone();
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert!(choice["message"]["content"].is_null());
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(calls[0]["function"], json!({"name": "get_weather", "arguments": "{\"city\": \"Zürich\"}"}));
    assert_eq!(calls[1]["function"], json!({"name": "get_time", "arguments": "{\"tz\":\"CET\"}"}));
    assert_eq!(calls[0]["type"], "function");

    let mut request = streaming(marker);
    request["tools"] = tools;
    let chunks = chunks(&chat(&sim, &request).await);
    assert!(chunks[0]["choices"][0]["delta"]["content"].is_null());
    let mut joined = [String::new(), String::new()];
    let mut ids = Vec::new();
    for call in chunks.iter().filter_map(|c| c["choices"][0]["delta"]["tool_calls"].get(0)) {
        let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
        joined[index].push_str(call["function"]["arguments"].as_str().unwrap());
        ids.extend(call.get("id").cloned());
    }
    assert_eq!(joined, ["{\"city\": \"Zürich\"}", "{\"tz\":\"CET\"}"]);
    assert_eq!(ids.len(), 2);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");

    // after the tool answered, the marker in the older user message calls it no more
    let id = calls[0]["id"].as_str().unwrap();
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": marker},
        {"role": "assistant", "content": null, "tool_calls": [calls[0]]},
        {"role": "tool", "tool_call_id": id, "content": "sunny"}]});
    let body = chat(&sim, &request).await.json();
    assert_eq!(body["choices"][0]["message"]["content"], "The tool said: sunny");
}

#[tokio::test]
async fn reasoning_logprobs_choices_and_limits() {
    let sim = sim().await;
    let mut request =
        ask(r#"6*7 [[sim reasoning="six times seven" text="It is 42." reasoning_tokens=30 cached_tokens=5]]"#);
    request["logprobs"] = json!(true);
    request["top_logprobs"] = json!(2);
    let body = chat(&sim, &request).await.json();
    assert_eq!(body["choices"][0]["message"]["reasoning_content"], "six times seven");
    assert_eq!(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 30);
    assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 5);
    let token = &body["choices"][0]["logprobs"]["content"][0];
    assert_eq!((&token["token"], &token["bytes"]), (&json!("It "), &json!([73, 116, 32])));
    assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);

    request["stream"] = json!(true);
    let chunks_seen = chunks(&chat(&sim, &request).await);
    let reasoning: String =
        chunks_seen.iter().filter_map(|c| c["choices"][0]["delta"]["reasoning_content"].as_str()).collect();
    assert_eq!(reasoning, "six times seven");
    assert!(chunks_seen.iter().any(|c| c["choices"][0]["logprobs"]["content"][0]["token"] == "42."));

    let mut request = streaming("hi");
    request["n"] = json!(2);
    let seen = chunks(&chat(&sim, &request).await);
    let of = |i: u64| -> String {
        let choices = seen.iter().filter_map(|c| c["choices"].get(0)).filter(|c| c["index"] == i);
        choices.filter_map(|c| c["delta"]["content"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!((of(0).as_str(), of(1).as_str()), ("You said: hi", "Choice 2. You said: hi"));
    assert_eq!(seen.iter().filter(|c| c["choices"][0]["finish_reason"] == "stop").count(), 2);

    let mut request = ask("a long enough text");
    request["max_tokens"] = json!(2);
    let body = chat(&sim, &request).await.json();
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    assert_eq!(body["usage"]["completion_tokens"], 2);
}

#[tokio::test]
async fn json_schema_output_fits_the_schema() {
    let sim = sim().await;
    let mut request = ask("give me json");
    request["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema":
        {"type": "object", "properties": {"city": {"const": "Paris"}, "days": {"type": "integer"}}}}});
    let body = chat(&sim, &request).await.json();
    let content: Value = serde_json::from_str(body["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, json!({"city": "Paris", "days": 1}));
}

#[tokio::test]
async fn bad_requests_get_the_services_complaints() {
    let sim = sim().await;
    let cases = [
        (json!({"messages": [{"role": "user", "content": "x"}]}), "you must provide a model parameter", Value::Null),
        (json!({"model": "m"}), "Missing required parameter: 'messages'.", json!("messages")),
        (json!({"model": "m", "messages": []}), "empty array", json!("messages")),
        (json!({"model": "m", "messages": "hi"}), "expected an array of objects", json!("messages")),
        (json!({"model": "m", "messages": [{"role": "robot", "content": "x"}]}), "'robot'", json!("messages[0].role")),
        (json!({"model": "m", "messages": [{"role": "user"}]}), "messages[0].content", json!("messages[0].content")),
        (
            json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}),
            "must be a response to a preceeding message",
            json!("messages.[0].role"),
        ),
        (
            json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]},
                   {"role": "user", "content": "x"}]}),
            "did not have response messages: c",
            json!("messages.[1].role"),
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "frog": 1}),
            "Unrecognized request argument supplied: frog",
            Value::Null,
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 3}),
            "above maximum value",
            json!("temperature"),
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream_options": {}}),
            "only allowed when 'stream'",
            json!("stream_options"),
        ),
    ];
    for (request, message, param) in cases {
        let answer = chat(&sim, &request).await;
        let body = answer.json();
        assert_eq!(answer.status, 400, "{request}");
        let error = &body["error"];
        assert!(error["message"].as_str().unwrap().contains(message), "{request}: {error}");
        assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &param), "{request}");
    }
    let answer = send(&sim, Method::POST, "/v1/chat/completions", &[], "{\"model\": ").await;
    assert!(answer.status == 400 && answer.text().contains("could not parse the JSON body"));
    let answer = send(&sim, Method::POST, "/v1/frogs", &[], "{}").await;
    assert!(answer.status == 404 && answer.text().contains("Invalid URL (POST /v1/frogs)"));
    let answer = chat(&sim, &ask("x [[sim fault=frog]]")).await;
    assert!(answer.status == 400 && answer.text().contains("unknown fault"));
}

#[tokio::test]
async fn a_required_key_is_asked_for() {
    let config = SimulatorConfig { require_key: Some("sk-right".into()), ..SimulatorConfig::default() };
    let sim = Simulator::start(config).await.unwrap();
    let body = ask("hi").to_string();
    let path = "/v1/chat/completions";
    let none = send(&sim, Method::POST, path, &[], body.clone()).await;
    assert!(none.status == 401 && none.text().contains("You didn't provide an API key"));
    let wrong = send(&sim, Method::POST, path, &[("authorization", "Bearer sk-wrong-12345678")], body.clone()).await;
    assert_eq!((wrong.status, wrong.json()["error"]["code"].clone()), (401, json!("invalid_api_key")));
    assert!(wrong.text().contains("sk-wrong*****5678"), "{}", wrong.text());
    let right = send(&sim, Method::POST, path, &[("authorization", "Bearer sk-right")], body.clone()).await;
    assert_eq!(right.status, 200);
    let azure = "/openai/deployments/d/chat/completions?api-version=2024-10-21";
    assert_eq!(send(&sim, Method::POST, azure, &[("api-key", "sk-right")], body.clone()).await.status, 200);
    let wrong = send(&sim, Method::POST, azure, &[("api-key", "x")], body).await;
    assert_eq!((wrong.status, wrong.json()["error"]["code"].clone()), (401, json!("401")));
}

#[tokio::test]
async fn embeddings_are_unit_vectors_fixed_by_the_text() {
    let sim = sim().await;
    let ask = |extra: Value| {
        let mut body = json!({"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 8});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let floats = post(&sim, "/v1/embeddings", &ask(json!({}))).await.json();
    assert_eq!((&floats["object"], &floats["model"]), (&json!("list"), &json!("text-embedding-3-small")));
    let vector = |body: &Value, i: usize| -> Vec<f64> {
        body["data"][i]["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let one = vector(&floats, 0);
    assert_eq!(one.len(), 8);
    assert!((one.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-5);
    assert_ne!(one, vector(&floats, 1));
    assert_eq!(one, vector(&post(&sim, "/v1/embeddings", &ask(json!({"input": "one"}))).await.json(), 0));

    let coded = post(&sim, "/v1/embeddings", &ask(json!({"encoding_format": "base64"}))).await.json();
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(coded["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let decoded: Vec<f64> = bytes.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect();
    assert!(one.iter().zip(&decoded).all(|(a, b)| (a - b).abs() < 1e-6) && decoded.len() == 8);

    let whole = post(&sim, "/v1/embeddings", &json!({"model": "text-embedding-3-small", "input": [[1, 2, 3]]})).await;
    assert_eq!(vector(&whole.json(), 0).len(), 1536);
    assert_eq!(whole.json()["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    for bad in [json!({"model": "m"}), json!({"model": "m", "input": []}), json!({"model": "m", "input": 5})] {
        assert_eq!(post(&sim, "/v1/embeddings", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn legacy_completions_and_models() {
    let sim = sim().await;
    let request = json!({"model": "gpt-3.5-turbo-instruct", "prompt": "once"});
    let body = post(&sim, "/v1/completions", &request).await.json();
    assert_eq!(body["object"], "text_completion");
    assert_eq!(
        body["choices"],
        json!([{"text": "You said: once", "index": 0, "logprobs": null, "finish_reason": "stop"}])
    );
    let mut request = request;
    request["stream"] = json!(true);
    request["stream_options"] = json!({"include_usage": true});
    let answer = post(&sim, "/v1/completions", &request).await;
    let seen = chunks(&answer);
    let text: String = seen.iter().filter_map(|c| c["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, "You said: once");
    assert_eq!(seen.last().unwrap()["usage"]["completion_tokens"], 4);
    assert_eq!(answer.events().last().unwrap().data, "[DONE]");

    let models = send(&sim, Method::GET, "/v1/models", &[], "").await.json();
    assert_eq!(models["object"], "list");
    assert_eq!(models["data"][0]["id"], "gpt-4o");
}

#[tokio::test]
async fn azure_frames_and_errors() {
    let sim = sim().await;
    let path = "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21";
    let request = json!({"messages": [{"role": "user", "content": "hi"}]});
    let body = post(&sim, path, &request).await.json();
    assert!(body["prompt_filter_results"].is_array());
    assert!(body["choices"][0]["content_filter_results"].is_object());
    assert_eq!((&body["model"], &body["choices"][0]["message"]["content"]), (&json!("my-gpt"), &json!("You said: hi")));
    let mut request = request;
    request["stream"] = json!(true);
    let answer = post(&sim, path, &request).await;
    let seen = chunks(&answer);
    assert_eq!((&seen[0]["choices"], &seen[0]["id"]), (&json!([]), &json!("")));
    assert!(seen[0]["prompt_filter_results"].is_array());
    assert_eq!(answer.events().last().unwrap().data, "[DONE]");

    let missing = post(&sim, "/openai/deployments/my-gpt/chat/completions", &request).await;
    assert_eq!((missing.status, missing.json()["error"]["code"].clone()), (404, json!("404")));
    sim.script(Match::model("my-gpt"), Script::fault("policy".parse().unwrap()).times(1));
    let blocked = post(&sim, path, &request).await;
    assert_eq!(blocked.status, 400);
    assert_eq!(blocked.json()["error"]["innererror"]["code"], "ResponsibleAIPolicyViolation");
    sim.script(Match::model("my-gpt"), Script::fault("404".parse().unwrap()).times(1));
    assert_eq!(post(&sim, path, &request).await.json()["error"]["code"], "DeploymentNotFound");
}
