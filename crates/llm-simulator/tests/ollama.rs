//! Ollama's chat as a client sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use client::{Answer, post, sim};
use serde_json::{Value, json};

fn ask(text: &str, stream: bool) -> Value {
    json!({"model": "llama3.1", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn whole_and_streamed() {
    let sim = sim().await;
    let body = post(&sim, "/api/chat", &ask("hello", false)).await.json();
    assert_eq!(body["message"], json!({"role": "assistant", "content": "You said: hello"}));
    assert_eq!((&body["done"], &body["done_reason"]), (&json!(true), &json!("stop")));
    assert_eq!((&body["prompt_eval_count"], &body["eval_count"]), (&json!(3), &json!(4)));
    // streaming is what the service does unless told not to
    let answer =
        post(&sim, "/api/chat", &json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]})).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines = lines(&answer);
    let texts: Vec<&str> = lines.iter().map(|line| line["message"]["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["You ", "said: ", "hello", ""]);
    assert_eq!(
        (&lines[2]["done"], &lines[3]["done"], &lines[3]["eval_count"]),
        (&json!(false), &json!(true), &json!(4))
    );
}

#[tokio::test]
async fn thinking_and_tools() {
    let sim = sim().await;
    let script = r#"x [[sim reasoning="let me see" tool=get_weather args={"city": "Paris"}]]"#;
    let call = json!([{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]);
    let body = post(&sim, "/api/chat", &ask(script, false)).await.json();
    assert_eq!((&body["message"]["thinking"], &body["message"]["tool_calls"]), (&json!("let me see"), &call));
    let lines = lines(&post(&sim, "/api/chat", &ask(script, true)).await);
    assert_eq!((&lines[0]["message"]["thinking"], &lines[3]["message"]["tool_calls"]), (&json!("let "), &call));
}

#[tokio::test]
async fn complaints_and_faults() {
    let sim = sim().await;
    let cases = [
        (json!({"messages": []}), "model is required"),
        (json!({"model": "m", "messages": "x"}), "cannot unmarshal string into Go struct field ChatRequest.messages"),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": []}]}),
            "ChatRequest.messages.content of type string",
        ),
    ];
    for (request, message) in cases {
        let answer = post(&sim, "/api/chat", &request).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["error"].as_str().unwrap().contains(message), "{}", answer.text());
    }
    let answer = post(&sim, "/api/chat", &ask("x [[sim fault=404]]", true)).await;
    assert_eq!((answer.status, answer.json()), (404, json!({"error": "model 'llama3.1' not found"})));
    let answer =
        post(&sim, "/api/chat", &ask("hello [[sim chunks=8 fault=error-event after=3 message=boom]]", true)).await;
    assert_eq!(lines(&answer).last().unwrap(), &json!({"error": "boom"}));
    let answer = post(&sim, "/api/chat", &ask("hello [[sim chunks=8 fault=no-end]]", true)).await;
    assert!(lines(&answer).len() == 8 && !answer.text().contains("\"done\":true"));
    let answer = post(&sim, "/api/chat", &ask("hello [[sim chunks=8 fault=malformed after=1]]", true)).await;
    let broken = answer.text().lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
    assert_eq!(broken, 1);
}
