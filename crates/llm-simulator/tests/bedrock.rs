//! Bedrock's Converse and ConverseStream as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use base64::Engine;
use bytes::Bytes;
use client::{aws_messages, open, post, raw_post, read_all, send, sim};
use http::Method;
use llm_simulator::{Match, Running, Script, Simulator, SimulatorConfig};
use serde_json::{Value, json};

const MODEL: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";
const WHOLE: &str = "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse";
const STREAM: &str = "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse-stream";

fn ask(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
}

fn json_of(payload: &Bytes) -> Value {
    serde_json::from_slice(payload).unwrap()
}

async fn stream(sim: &Running, text: &str) -> Vec<(String, Bytes)> {
    let answer = post(sim, STREAM, &ask(text)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/vnd.amazon.eventstream"));
    aws_messages(&answer.body)
}

fn kinds(messages: &[(String, Bytes)]) -> Vec<&str> {
    messages.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn a_whole_reply_has_every_field() {
    let sim = sim().await;
    let answer = post(&sim, WHOLE, &ask("hello")).await;
    assert!(answer.status == 200 && !answer.header("x-amzn-requestid").is_empty());
    let body = answer.json();
    assert_eq!(body["output"], json!({"message": {"content": [{"text": "You said: hello"}], "role": "assistant"}}));
    assert_eq!((&body["stopReason"], &body["metrics"]["latencyMs"]), (&json!("end_turn"), &json!(551)));
    let usage = &body["usage"];
    assert_eq!(
        (&usage["inputTokens"], &usage["outputTokens"], &usage["totalTokens"]),
        (&json!(3), &json!(4), &json!(7))
    );
    sim.script(Match::model(MODEL), Script::text("by model"));
    assert_eq!(post(&sim, WHOLE, &ask("x")).await.json()["output"]["message"]["content"][0]["text"], "by model");
}

#[tokio::test]
async fn a_stream_of_messages() {
    let sim = sim().await;
    let messages = stream(&sim, "hello").await;
    let delta = "contentBlockDelta";
    assert_eq!(kinds(&messages), ["messageStart", delta, delta, delta, "contentBlockStop", "messageStop", "metadata"]);
    assert_eq!(json_of(&messages[0].1)["role"], "assistant");
    assert_eq!(json_of(&messages[1].1)["delta"], json!({"text": "You "}));
    assert_eq!(json_of(&messages[5].1)["stopReason"], "end_turn");
    assert_eq!(json_of(&messages[6].1)["usage"]["totalTokens"], 7);
}

#[tokio::test]
async fn reasoning_text_and_tools() {
    let sim = sim().await;
    let script = r#"Weather? [[sim redacted reasoning="let me see" text="Looking." tool=get_weather args={"city": "Paris"} cached_tokens=2]]"#;
    let body = post(&sim, WHOLE, &ask(script)).await.json();
    let content = &body["output"]["message"]["content"];
    assert!(content[0]["reasoningContent"]["redactedContent"].is_string());
    assert_eq!(content[1]["reasoningContent"]["reasoningText"]["text"], "let me see");
    assert_eq!(content[2], json!({"text": "Looking."}));
    assert_eq!(
        (&content[3]["toolUse"]["name"], &content[3]["toolUse"]["input"]),
        (&json!("get_weather"), &json!({"city": "Paris"}))
    );
    let usage = &body["usage"];
    assert_eq!((&body["stopReason"], &usage["cacheReadInputTokens"]), (&json!("tool_use"), &json!(2)));

    let messages: Vec<(String, Value)> =
        stream(&sim, script).await.iter().map(|(k, p)| (k.clone(), json_of(p))).collect();
    let start = messages.iter().find(|(kind, _)| kind == "contentBlockStart").unwrap();
    assert_eq!(
        (&start.1["contentBlockIndex"], &start.1["start"]["toolUse"]["name"]),
        (&json!(3), &json!("get_weather"))
    );
    let input: String = messages.iter().filter_map(|(_, m)| m["delta"]["toolUse"]["input"].as_str()).collect();
    assert_eq!(input, "{\"city\": \"Paris\"}");
    let thought: String =
        messages.iter().filter_map(|(_, m)| m["delta"]["reasoningContent"]["text"].as_str()).collect();
    assert_eq!(thought, "let me see");
    assert!(messages.iter().any(|(_, m)| m["delta"]["reasoningContent"]["signature"].is_string()));
    assert_eq!(messages.iter().filter(|(kind, _)| kind == "contentBlockStop").count(), 4);
}

#[tokio::test]
async fn tools_and_limits_follow_the_request() {
    let sim = sim().await;
    let mut request = ask("one two three");
    request["inferenceConfig"] = json!({"maxTokens": 100, "stopSequences": ["two"]});
    let body = post(&sim, WHOLE, &request).await.json();
    assert_eq!(
        (&body["stopReason"], &body["output"]["message"]["content"][0]["text"]),
        (&json!("stop_sequence"), &json!("You said: one "))
    );
    request["toolConfig"] = json!({"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object",
        "properties": {"n": {"type": "integer"}}}}}}], "toolChoice": {"any": {}}});
    let body = post(&sim, WHOLE, &request).await.json();
    assert_eq!(body["output"]["message"]["content"][0]["toolUse"]["input"], json!({"n": 1}));
    request["toolConfig"]["toolChoice"] = json!({"auto": {}});
    request["messages"] = json!([{"role": "user", "content": [{"text": "hi"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "sunny"}]}}]}]);
    let body = post(&sim, WHOLE, &request).await.json();
    assert_eq!(body["output"]["message"]["content"][0]["text"], "The tool said: sunny");
}

#[tokio::test]
async fn bad_requests_get_the_services_complaints() {
    let sim = sim().await;
    let user = json!({"role": "user", "content": [{"text": "x"}]});
    let calls = json!({"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]});
    let result = json!({"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": []}}]});
    let tools = json!({"tools": []});
    let cases = [
        (json!({}), "at least one message is required"),
        (json!({"messages": [{"role": "system", "content": [{"text": "x"}]}]}), "enum value set: [user, assistant]"),
        (json!({"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}), "must start with a user message"),
        (json!({"messages": [user, user]}), "must alternate between user and assistant"),
        (json!({"messages": [{"role": "user", "content": []}]}), "messages.0 is empty"),
        (json!({"messages": [{"role": "user", "content": [{"text": " "}]}]}), "messages.0.content.0 is blank"),
        (json!({"messages": [{"role": "user", "content": [{"frog": 1}]}]}), "must set one of the following keys"),
        (json!({"messages": [user], "inferenceConfig": {"maxTokens": 0}}), "'inferenceConfig.maxTokens'"),
        (json!({"messages": [user], "inferenceConfig": {"temperature": 2}}), "'inferenceConfig.temperature'"),
        (json!({"messages": [user, calls, result]}), "toolConfig field must be defined"),
        (json!({"messages": [result], "toolConfig": tools}), "exceeds the number of toolUse blocks"),
        (json!({"messages": [user, calls, user], "toolConfig": tools}), "for the following Ids: t"),
    ];
    for (request, message) in cases {
        let answer = post(&sim, WHOLE, &request).await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (400, "ValidationException"), "{request}");
        assert!(answer.json()["message"].as_str().unwrap().contains(message), "{request}: {}", answer.text());
    }
    let answer = send(&sim, Method::POST, WHOLE, &[], "{").await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (400, "SerializationException"));
    let answer = post(&sim, "/model/m/frog", &ask("x")).await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (404, "UnknownOperationException"));
}

#[tokio::test]
async fn keys_and_status_faults() {
    let config = SimulatorConfig { require_key: Some("AKIA".into()), ..SimulatorConfig::default() };
    let locked = Simulator::start(config).await.unwrap();
    let signed =
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0";
    for (given, status) in [(signed, 200), ("Bearer AKIA", 200), ("Bearer no", 403)] {
        let answer = send(&locked, Method::POST, WHOLE, &[("authorization", given)], ask("x").to_string()).await;
        assert_eq!(answer.status, status, "{given}");
    }
    let sim = sim().await;
    let cases = [
        ("403", 403, "AccessDeniedException"),
        ("404", 404, "ResourceNotFoundException"),
        ("429", 429, "ThrottlingException"),
        ("500", 500, "InternalServerException"),
        ("503", 503, "ServiceUnavailableException"),
        ("context", 400, "ValidationException"),
    ];
    for (fault, status, kind) in cases {
        let answer = post(&sim, STREAM, &ask(&format!("x [[sim fault={fault} message=boom]]"))).await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, kind));
        assert_eq!(answer.json(), json!({"message": "boom"}));
    }
}

#[tokio::test]
async fn streams_fail_in_their_own_format() {
    let sim = sim().await;
    let messages = stream(&sim, "hello [[sim chunks=8 fault=error-event after=3 message=boom]]").await;
    let (kind, payload) = messages.last().unwrap();
    assert_eq!((kind.as_str(), json_of(payload)), ("throttlingException", json!({"message": "boom"})));
    assert_eq!(messages.len(), 5);
    let messages = stream(&sim, "hello [[sim chunks=8 fault=malformed after=1]]").await;
    let broken = messages.iter().filter(|(_, p)| serde_json::from_slice::<Value>(p).is_err()).count();
    assert_eq!(broken, 1);
    let messages = stream(&sim, "hello [[sim chunks=8 fault=no-end]]").await;
    assert!(!kinds(&messages).contains(&"messageStop"));
    let messages = stream(&sim, "hello [[sim chunks=8 fault=end-early after=3]]").await;
    assert_eq!(kinds(&messages).last(), Some(&"contentBlockDelta"));
    let body = ask("hello [[sim chunks=8 fault=cut after=3]]");
    let response = open(&sim, Method::POST, STREAM, &[], body.to_string(), false).await.unwrap();
    let (bytes, well) = read_all(response.into_body()).await;
    assert!(!well);
    assert_eq!(kinds(&aws_messages(&bytes)).len(), 4);
    let (bytes, error) = raw_post(sim.addr(), STREAM, &ask("x [[sim fault=garbage]]")).await;
    assert!(error.is_none() && !bytes.starts_with(b"HTTP/"));
}

/// The events inside the chunks of an Invoke stream.
fn unwrapped(messages: &[(String, Bytes)]) -> Vec<Value> {
    let event = |(kind, payload): &(String, Bytes)| {
        assert_eq!(kind, "chunk");
        let bytes = base64::engine::general_purpose::STANDARD.decode(json_of(payload)["bytes"].as_str().unwrap());
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    };
    messages.iter().map(event).collect()
}

async fn invoke(sim: &Running, model: &str, action: &str, body: Value) -> client::Answer {
    post(sim, &format!("/model/{model}/{action}"), &body).await
}

#[tokio::test]
async fn every_maker_has_its_own_words() {
    let sim = sim().await;
    let chat = json!({"messages": [{"role": "user", "content": "hello"}], "max_tokens": 50});
    let cases = [
        (
            "amazon.titan-text-express-v1",
            json!({"inputText": "User: hello\n\nBot: "}),
            "/results/0/outputText",
            "/outputText",
        ),
        (
            "meta.llama3-8b-instruct-v1:0",
            json!({"prompt": "<|start_header_id|>user<|end_header_id|>\n\nhello<|eot_id|>"}),
            "/generation",
            "/generation",
        ),
        (
            "mistral.mistral-7b-instruct-v0:2",
            json!({"prompt": "<s>[INST] hello [/INST]"}),
            "/outputs/0/text",
            "/outputs/0/text",
        ),
        ("cohere.command-text-v14", json!({"prompt": "hello"}), "/generations/0/text", "/text"),
        ("cohere.command-r-v1:0", json!({"message": "hello"}), "/text", "/text"),
        ("us.deepseek.r1-v1:0", json!({"prompt": "hello"}), "/choices/0/text", "/choices/0/text"),
        ("ai21.jamba-1-5-mini-v1:0", chat.clone(), "/choices/0/message/content", "/choices/0/delta/content"),
        ("ai21.j2-mid-v1", json!({"prompt": "hello"}), "/completions/0/data/text", ""),
        ("arn:aws:bedrock:us-east-1:1:imported-model%2Fx", json!({"prompt": "hello"}), "/generation", "/generation"),
    ];
    for (model, body, whole, piece) in cases {
        let answer = invoke(&sim, model, "invoke", body.clone()).await;
        assert_eq!(answer.json().pointer(whole), Some(&json!("You said: hello")), "{model}: {}", answer.text());
        assert!(!answer.header("x-amzn-bedrock-output-token-count").is_empty(), "{model}");
        let streamed = invoke(&sim, model, "invoke-with-response-stream", body.clone()).await;
        if piece.is_empty() {
            assert_eq!((streamed.status, streamed.header("x-amzn-errortype")), (400, "ValidationException"), "{model}");
            continue;
        }
        let events = unwrapped(&aws_messages(&streamed.body));
        let text: String = events.iter().filter_map(|e| e.pointer(piece)?.as_str()).collect();
        assert_eq!(text, "You said: hello", "{model}");
        assert!(events.last().unwrap()["amazon-bedrock-invocationMetrics"]["outputTokenCount"].is_u64(), "{model}");
        let mut unknown = body;
        unknown["frog"] = json!(1);
        let refused = invoke(&sim, model, "invoke", unknown).await;
        assert!(refused.status == 400 && refused.text().contains("extraneous key [frog]"), "{model}");
    }
}

#[tokio::test]
async fn claude_and_nova_are_wrapped() {
    let sim = sim().await;
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]});
    let whole = invoke(&sim, MODEL, "invoke", body.clone()).await.json();
    assert_eq!(
        (&whole["content"][0]["text"], &whole["model"]),
        (&json!("You said: hello"), &json!("claude-3-5-sonnet-20240620"))
    );
    let streamed = invoke(&sim, MODEL, "invoke-with-response-stream", body.clone()).await;
    let events = unwrapped(&aws_messages(&streamed.body));
    assert_eq!(
        (&events[0]["type"], &events.last().unwrap()["type"]),
        (&json!("message_start"), &json!("message_stop"))
    );
    assert!(events.last().unwrap()["amazon-bedrock-invocationMetrics"].is_object());
    let mut named = body;
    named["model"] = json!("claude");
    let refused = invoke(&sim, MODEL, "invoke", named).await;
    assert_eq!(refused.json()["message"], "model: Extra inputs are not permitted");
    let nova = "us.amazon.nova-lite-v1:0";
    let whole = invoke(&sim, nova, "invoke", ask("hello")).await.json();
    assert_eq!(whole["output"]["message"]["content"][0]["text"], "You said: hello");
    let streamed = invoke(&sim, nova, "invoke-with-response-stream", ask("hello")).await;
    let events = unwrapped(&aws_messages(&streamed.body));
    assert!(events[0]["messageStart"].is_object() && events[1]["contentBlockDelta"]["delta"]["text"] == "You ");
    let failing =
        invoke(&sim, nova, "invoke-with-response-stream", ask("hi [[sim chunks=8 fault=error-event after=2]]")).await;
    assert_eq!(aws_messages(&failing.body).last().unwrap().0, "throttlingException");
}

#[tokio::test]
async fn vectors_and_pictures_by_invoke() {
    let sim = sim().await;
    let titan =
        invoke(&sim, "amazon.titan-embed-text-v2:0", "invoke", json!({"inputText": "hello", "dimensions": 256})).await;
    assert_eq!(
        (titan.json()["embedding"].as_array().unwrap().len(), titan.json()["inputTextTokenCount"].clone()),
        (256, json!(2))
    );
    let body = json!({"texts": ["a", "b"], "input_type": "search_document"});
    let cohere = invoke(&sim, "cohere.embed-english-v3", "invoke", body).await.json();
    assert_eq!(
        (cohere["embeddings"].as_array().unwrap().len(), &cohere["response_type"]),
        (2, &json!("embeddings_floats"))
    );
    let body = json!({"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a cat"}, "imageGenerationConfig": {"numberOfImages": 2}});
    let nova = invoke(&sim, "amazon.nova-canvas-v1:0", "invoke", body).await.json();
    assert_eq!(nova["images"].as_array().unwrap().len(), 2);
    let body = json!({"text_prompts": [{"text": "a cat"}]});
    let stability = invoke(&sim, "stability.stable-diffusion-xl-v1", "invoke", body).await.json();
    assert!(stability["artifacts"][0]["base64"].is_string());
    let refused = invoke(&sim, "stability.sd3-5-large-v1:0", "invoke", json!({"seed": 1})).await;
    assert!(refused.status == 400 && refused.text().contains("required key [prompt]"));
}
