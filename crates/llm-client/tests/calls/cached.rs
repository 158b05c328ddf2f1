//! Marks for caches on Gemini: a content is made once, then named.

use serde_json::{Value, json};

use crate::host::{self, Asked};
use crate::support::{answer, chat, deployment, engine};

/// A host that keeps contents. `refuses`: it will not make any.
async fn host(refuses: bool) -> (String, Asked) {
    host::host(move |head| reply(line(head), refuses)).await
}

/// Method and path.
fn line(head: &str) -> &str {
    head.lines().next().unwrap().rsplit_once(' ').unwrap().0
}

/// The body that came with a request.
fn body(asked: &Asked, at: usize) -> Value {
    serde_json::from_slice(&asked.lock().unwrap()[at].1).unwrap()
}

fn reply(line: &str, refuses: bool) -> (u16, Value) {
    match line {
        "GET /cachedContents" => (200, json!({})),
        "POST /cachedContents" if refuses => (400, json!({"error": {"message": "too small"}})),
        "POST /cachedContents" => (200, json!({"name": "cachedContents/c1", "expireTime": "2999-01-01T00:00:00Z"})),
        _ => (
            200,
            json!({
                "candidates": [{"content": {"role": "model", "parts": [{"text": "Yes"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 1100, "cachedContentTokenCount": 1090, "candidatesTokenCount": 1},
            }),
        ),
    }
}

fn asking(law: &str) -> Value {
    json!({"model": "smart", "messages": [
        {"role": "system", "content": [{"type": "text", "text": law, "cache_control": {"type": "ephemeral", "ttl": "900s"}}]},
        {"role": "user", "content": "Is it legal?"},
    ]})
}

fn lines(asked: &Asked) -> Vec<String> {
    asked.lock().unwrap().iter().map(|(head, _)| line(head).to_owned()).collect()
}

const ANSWER: &str = "POST /models/gemini-2.5-flash:generateContent";

#[tokio::test]
async fn a_content_is_made_once_and_named() {
    let (base, asked) = host(false).await;
    let engine = engine(vec![deployment("a", "smart", &json!({"model": "gemini/gemini-2.5-flash", "api_base": base}))]);
    let call = chat(&asking(&"The law is long. ".repeat(400)));
    let got = answer(&engine, &call).await.unwrap();
    assert_eq!(got.json()["choices"][0]["message"]["content"], "Yes");
    assert_eq!(got.report.usage.total_cache_read(), 1090);
    assert_eq!(lines(&asked), ["GET /cachedContents", "POST /cachedContents", ANSWER]);
    let made = body(&asked, 1);
    assert_eq!((&made["model"], &made["ttl"]), (&json!("models/gemini-2.5-flash"), &json!("900s")));
    assert!(made["systemInstruction"].to_string().contains("The law"), "{made}");
    let sent = body(&asked, 2);
    assert_eq!(sent["cachedContent"], "cachedContents/c1");
    assert!(!sent.to_string().contains("The law") && sent["contents"].to_string().contains("legal"), "{sent}");
    answer(&engine, &call).await.unwrap();
    assert_eq!(lines(&asked)[3..], [ANSWER], "the name is remembered");
}

#[tokio::test]
async fn a_mark_that_cannot_be_followed_is_no_error() {
    let (base, asked) = host(true).await;
    let engine = engine(vec![deployment("a", "smart", &json!({"model": "gemini/gemini-2.5-flash", "api_base": base}))]);
    answer(&engine, &chat(&asking("short"))).await.unwrap();
    assert_eq!(lines(&asked), [ANSWER], "too little to be kept");
    answer(&engine, &chat(&asking(&"The law is long. ".repeat(400)))).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 4);
    assert!(body(&asked, 3).to_string().contains("The law"), "the whole goes");
}
