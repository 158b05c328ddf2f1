//! Cohere's chat and rerank as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use client::{Event, post, sim};
use serde_json::{Value, json};

fn ask(text: &str, stream: bool) -> Value {
    json!({"model": "command-a-03-2025", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn whole_and_streamed() {
    let sim = sim().await;
    let body = post(&sim, "/v2/chat", &ask("hello", false)).await.json();
    assert_eq!(body["message"], json!({"role": "assistant", "content": [{"type": "text", "text": "You said: hello"}]}));
    assert_eq!(
        (&body["finish_reason"], &body["usage"]["tokens"]),
        (&json!("COMPLETE"), &json!({"input_tokens": 3, "output_tokens": 4}))
    );
    let events = post(&sim, "/v2/chat", &ask("hello", true)).await.events();
    let names: Vec<&str> = events.iter().map(|e| e.name.as_deref().unwrap()).collect();
    let delta = "content-delta";
    assert_eq!(names, ["message-start", "content-start", delta, delta, delta, "content-end", "message-end"]);
    assert!(events.iter().all(|e| e.json()["type"] == e.name.clone().unwrap()));
    assert_eq!(events[2].json()["delta"]["message"]["content"]["text"], "You ");
    assert_eq!(events[6].json()["delta"]["finish_reason"], "COMPLETE");
    assert_eq!(events[6].json()["delta"]["usage"]["tokens"]["output_tokens"], 4);
}

#[tokio::test]
async fn tools_with_their_plan() {
    let sim = sim().await;
    let script = r#"x [[sim tool=get_weather args={"city": "Paris"}]]"#;
    let body = post(&sim, "/v2/chat", &ask(script, false)).await.json();
    let call = &body["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}));
    assert_eq!(
        (&body["finish_reason"], &body["message"]["tool_plan"]),
        (&json!("TOOL_CALL"), &json!("I will call the tool."))
    );
    let events: Vec<Value> =
        post(&sim, "/v2/chat", &ask(script, true)).await.events().iter().map(Event::json).collect();
    let args: String =
        events.iter().filter_map(|e| e["delta"]["message"]["tool_calls"]["function"]["arguments"].as_str()).collect();
    assert_eq!(args, "{\"city\": \"Paris\"}");
}

#[tokio::test]
async fn reranked_documents() {
    let sim = sim().await;
    let request = json!({"model": "rerank-v3.5", "query": "q", "documents": ["a", "b", "c"], "top_n": 2, "return_documents": true});
    let body = post(&sim, "/v2/rerank", &request).await.json();
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert!(results[0]["relevance_score"].as_f64() >= results[1]["relevance_score"].as_f64());
    let index = usize::try_from(results[0]["index"].as_u64().unwrap()).unwrap();
    assert_eq!(results[0]["document"]["text"], ["a", "b", "c"][index]);
    assert_eq!(body["meta"]["billed_units"]["search_units"], 1);
}

#[tokio::test]
async fn complaints_and_faults() {
    let sim = sim().await;
    let cases = [
        ("/v2/chat", json!({"messages": []}), "model is required"),
        ("/v2/chat", json!({"model": "m", "messages": []}), "at least one message is required"),
        (
            "/v2/chat",
            json!({"model": "m", "messages": [{"role": "frog", "content": "x"}]}),
            "messages[0].role must be one of",
        ),
        (
            "/v2/chat",
            json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "t", "content": "x"}]}),
            "without a matching tool call",
        ),
        ("/v2/rerank", json!({"model": "m", "query": "q", "documents": []}), "documents must not be empty"),
    ];
    for (path, request, message) in cases {
        let answer = post(&sim, path, &request).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["message"].as_str().unwrap().contains(message), "{}", answer.text());
    }
    let answer = post(&sim, "/v2/chat", &ask("x [[sim fault=429 message=slow]]", true)).await;
    assert_eq!((answer.status, answer.json()["message"].clone()), (429, json!("slow")));
    let events = post(&sim, "/v2/chat", &ask("hello [[sim chunks=8 fault=error-event after=3 message=boom]]", true))
        .await
        .events();
    assert_eq!(events.last().unwrap().json()["delta"], json!({"error": "boom", "finish_reason": "ERROR"}));
}
