//! Pictures for a host that wants them as its own files.

use serde_json::{Value, json};

use crate::host::host;
use crate::support::{answer, chat, deployment, engine};

fn files(head: &str) -> (u16, Value) {
    match head.starts_with("POST /files ") {
        true => (200, json!({"id": "file-1", "object": "file"})),
        false => (
            200,
            json!({
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A cat"}}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
            }),
        ),
    }
}

fn refuses(_: &str) -> (u16, Value) {
    (413, json!({"status": 413, "message": "too large"}))
}

fn asking() -> Value {
    json!({"model": "smart", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
    ]}]})
}

fn params(base: &str) -> Value {
    json!({"model": "gigachat/GigaChat-2-Max", "api_base": base, "access_token": "tok"})
}

#[tokio::test]
async fn a_picture_becomes_a_file_once_and_is_named() {
    let (base, asked) = host(files).await;
    let engine = engine(vec![deployment("a", "smart", &params(&base))]);
    let got = answer(&engine, &chat(&asking())).await.unwrap();
    assert_eq!(got.json()["choices"][0]["message"]["content"], "A cat");
    answer(&engine, &chat(&asking())).await.unwrap();
    let asked = asked.lock().unwrap();
    let lines: Vec<&str> = asked.iter().map(|(head, _)| head.lines().next().unwrap()).collect();
    let chat = "POST /chat/completions HTTP/1.1";
    assert_eq!(lines, ["POST /files HTTP/1.1", chat, chat], "the file is remembered");
    let (head, form) = (asked[0].0.to_lowercase(), String::from_utf8_lossy(&asked[0].1));
    assert!(head.contains("authorization: bearer tok") && head.contains("multipart/form-data"), "{head}");
    assert!(form.contains("name=\"purpose\"\r\n\r\ngeneral\r\n"), "{form}");
    assert!(form.contains(".png\"\r\nContent-Type: image/png\r\n\r\nhello\r\n"), "{form}");
    let sent: Value = serde_json::from_slice(&asked[1].1).unwrap();
    let message = json!({"role": "user", "content": "What is it?", "attachments": ["file-1", "file-1"]});
    assert_eq!(sent["messages"], json!([message]));
}

#[tokio::test]
async fn a_picture_that_the_host_refuses_is_an_error() {
    let (base, asked) = host(refuses).await;
    let engine = engine(vec![deployment("a", "smart", &params(&base))]);
    let failure = answer(&engine, &chat(&asking())).await.unwrap_err();
    assert!(failure.error.message.contains("too large"), "{}", failure.error.message);
    assert_eq!(asked.lock().unwrap().len(), 1, "nothing is asked without the picture");
}
