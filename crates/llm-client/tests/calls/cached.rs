//! Marks for caches on Gemini: a content is made once, then named.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{answer, chat, deployment, engine};

/// What came: method and path, and the body.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A host that keeps contents. `refuses`: it will not make any.
async fn host(refuses: bool) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, Arc::clone(&seen), refuses));
        }
    });
    (base, asked)
}

async fn serve(mut socket: TcpStream, asked: Asked, refuses: bool) {
    let mut held = Vec::new();
    loop {
        let Some((head, body)) = request(&mut socket, &mut held).await else { return };
        let line = head.lines().next().unwrap().rsplit_once(' ').unwrap().0.to_owned();
        let (status, reply) = reply(&line, refuses);
        asked.lock().unwrap().push((line, serde_json::from_slice(&body).unwrap_or(Value::Null)));
        let reply = reply.to_string();
        let head =
            format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", reply.len());
        socket.write_all((head + &reply).as_bytes()).await.unwrap();
    }
}

pub(crate) async fn request(socket: &mut TcpStream, held: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = held.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).to_lowercase();
            let length =
                head.lines().find_map(|l| l.strip_prefix("content-length:")).map_or(0, |n| n.trim().parse().unwrap());
            if held.len() >= end + 4 + length {
                let text = String::from_utf8_lossy(&held[..end]).into_owned();
                let body = held[end + 4..end + 4 + length].to_vec();
                held.drain(..end + 4 + length);
                return Some((text, body));
            }
        }
        let mut chunk = [0; 4096];
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => held.extend_from_slice(&chunk[..n]),
        }
    }
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
    asked.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
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
    {
        let asked = asked.lock().unwrap();
        let made = &asked[1].1;
        assert_eq!((&made["model"], &made["ttl"]), (&json!("models/gemini-2.5-flash"), &json!("900s")));
        assert!(made["systemInstruction"].to_string().contains("The law"), "{made}");
        let sent = &asked[2].1;
        assert_eq!(sent["cachedContent"], "cachedContents/c1");
        assert!(!sent.to_string().contains("The law") && sent["contents"].to_string().contains("legal"), "{sent}");
    }
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
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 4);
    assert!(asked[3].1.to_string().contains("The law"), "the whole goes");
}
