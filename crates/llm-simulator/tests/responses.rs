//! OpenAI's responses as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use client::{post, sim};
use serde_json::{Value, json};

fn ask(text: &str, stream: bool) -> Value {
    json!({"model": "gpt-4o", "stream": stream, "input": text})
}

#[tokio::test]
async fn a_whole_response() {
    let sim = sim().await;
    let body = post(&sim, "/v1/responses", &ask("hello", false)).await.json();
    assert_eq!(
        (&body["object"], &body["status"], &body["model"]),
        (&json!("response"), &json!("completed"), &json!("gpt-4o-2024-08-06"))
    );
    assert_eq!(body["output"][0]["content"][0]["text"], "You said: hello");
    assert_eq!((&body["usage"]["input_tokens"], &body["usage"]["total_tokens"]), (&json!(2), &json!(6)));
    let mut request = ask(r#"x [[sim reasoning="let me see" tool=f args={"a":1}]]"#, false);
    let body = post(&sim, "/v1/responses", &request).await.json();
    assert_eq!(
        (&body["output"][0]["summary"][0]["text"], &body["output"][1]["arguments"]),
        (&json!("let me see"), &json!("{\"a\":1}"))
    );
    request = ask(&"long ".repeat(40), false);
    request["max_output_tokens"] = json!(16);
    let body = post(&sim, "/v1/responses", &request).await.json();
    assert_eq!(
        (&body["status"], &body["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
}

#[tokio::test]
async fn a_stream_of_events() {
    let sim = sim().await;
    let events = post(&sim, "/v1/responses", &ask("hello", true)).await.events();
    let names: Vec<&str> = events.iter().map(|e| e.name.as_deref().unwrap().trim_start_matches("response.")).collect();
    let delta = "output_text.delta";
    assert_eq!(
        names,
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            delta,
            delta,
            delta,
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed"
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(
            (&event.json()["type"], &event.json()["sequence_number"]),
            (&json!(event.name.clone().unwrap()), &json!(number))
        );
    }
    assert_eq!(events[10].json()["response"]["output"][0]["content"][0]["text"], "You said: hello");
    let events = post(&sim, "/v1/responses", &ask("x [[sim tool=f args={\"a\":1}]]", true)).await.events();
    let args: String = events
        .iter()
        .filter(|e| e.name.as_deref() == Some("response.function_call_arguments.delta"))
        .map(|e| e.json()["delta"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(args, "{\"a\":1}");
}

#[tokio::test]
async fn complaints_and_faults() {
    let sim = sim().await;
    let cases = [
        (json!({"input": "x"}), "you must provide a model parameter"),
        (json!({"model": "m"}), "Missing required parameter: 'input'."),
        (json!({"model": "m", "input": "x", "frog": 1}), "Unknown parameter: 'frog'."),
        (json!({"model": "m", "input": "x", "max_output_tokens": 5}), "Expected a value >= 16"),
        (
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
            "No tool call found",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]}),
            "No tool output found",
        ),
    ];
    for (request, message) in cases {
        let answer = post(&sim, "/v1/responses", &request).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(message), "{}", answer.text());
    }
    let events =
        post(&sim, "/v1/responses", &ask("hello [[sim chunks=8 fault=error-event after=3 message=boom]]", true))
            .await
            .events();
    assert_eq!(
        (events.last().unwrap().name.as_deref(), &events.last().unwrap().json()["message"]),
        (Some("error"), &json!("boom"))
    );
    let events = post(&sim, "/v1/responses", &ask("hello [[sim fault=no-end]]", true)).await.events();
    assert_eq!(events.last().unwrap().name.as_deref(), Some("response.output_item.done"));
}
