//! Bedrock's Converse and ConverseStream as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

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
