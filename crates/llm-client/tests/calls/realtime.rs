//! The SDK: sessions over WebSockets.

use std::sync::Arc;

use llm_client::{Client, EngineSettings};
use llm_types::Kind;
use llm_wire::realtime::{Messages, close_frame, frame};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{http, within};

/// A host: it greets, answers every text with one that says what it consumed, and ends as it is told to.
async fn upstream() -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let heads = Arc::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(session(socket, Arc::clone(&seen)));
        }
    });
    (base, heads)
}

async fn session(mut socket: TcpStream, seen: Arc<std::sync::Mutex<Vec<String>>>) {
    let (mut head, mut buffer) = (Vec::new(), vec![0; 65536]);
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let refused = head.contains("model=refused");
    seen.lock().unwrap().push(head);
    if refused {
        let body = "{\"error\":\"slow down\"}";
        let head = format!("HTTP/1.1 429 x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        return socket.write_all(head.as_bytes()).await.unwrap();
    }
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n";
    socket.write_all(switch.as_bytes()).await.unwrap();
    let text = |text: serde_json::Value| frame(1, text.to_string().as_bytes(), false);
    socket.write_all(&text(json!({"type": "session.created", "session": {"id": "sess_1"}}))).await.unwrap();
    socket.write_all(&frame(9, b"still there?", false)).await.unwrap();
    let mut messages = Messages::default();
    loop {
        let n = socket.read(&mut buffer).await.unwrap_or(0);
        if n == 0 {
            return;
        }
        messages.feed(&buffer[..n]);
        while let Some(message) = messages.next(1 << 20).unwrap() {
            let said = String::from_utf8_lossy(&message.payload).into_owned();
            match message.opcode {
                8 => return socket.write_all(&close_frame(1000, "")).await.unwrap(),
                10 => assert_eq!(said, "still there?"),
                _ if said.contains("break") => return,
                _ if said.contains("leave") => {
                    return socket.write_all(&close_frame(1011, "out of words")).await.unwrap();
                }
                _ => {
                    let usage = json!({"total_tokens": 150, "input_tokens": 100, "output_tokens": 50,
                        "input_token_details": {"text_tokens": 60, "audio_tokens": 40, "cached_tokens": 0},
                        "output_token_details": {"text_tokens": 10, "audio_tokens": 40}});
                    let done = json!({"type": "response.done", "echo": said, "response": {"id": "r", "usage": usage}});
                    // in two pieces, as hosts may cut it
                    let done = text(done);
                    socket.write_all(&done[..7]).await.unwrap();
                    socket.flush().await.unwrap();
                    socket.write_all(&done[7..]).await.unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_session_goes_both_ways_and_says_what_it_cost() {
    let (base, heads) = upstream().await;
    let client = Client::new(Arc::new(http()), EngineSettings::default());
    let params = [("api_base", base.as_str()), ("api_key", "sk-own")];
    let mut session = within(client.realtime("openai/gpt-realtime", &params)).await.unwrap();
    let head = heads.lock().unwrap()[0].to_lowercase();
    assert!(head.starts_with("get /v1/realtime?model=gpt-realtime http"), "{head}");
    assert!(head.contains("authorization: bearer sk-own") && head.contains("sec-websocket-version: 13"), "{head}");
    assert!(within(session.next()).await.unwrap().unwrap().contains("session.created"));
    for said in ["one", "two"] {
        session.send(said).await.unwrap();
        let event = within(session.next()).await.unwrap().unwrap();
        assert!(event.contains(&format!("\"echo\":\"{said}\"")), "{event}");
    }
    assert_eq!(session.usage().total_tokens(), 300);
    // one that is under way when the session is left counts too
    session.send("three").await.unwrap();
    let report = within(session.close()).await;
    assert_eq!((report.usage.total_tokens(), report.error.is_none()), (450, true));
    assert!(report.cost.total > 0.0 && report.response_id.as_deref() == Some("sess_1"), "{:?}", report.cost);
}

#[tokio::test]
async fn a_session_that_is_refused_or_breaks_says_so() {
    let (base, _) = upstream().await;
    let client = Client::new(Arc::new(http()), EngineSettings::default());
    let params = [("api_base", base.as_str()), ("api_key", "sk-own")];
    let refused = within(client.realtime("openai/refused", &params)).await.unwrap_err();
    assert_eq!(refused.kind, Kind::RateLimit, "{refused}");
    assert!(refused.message.contains("slow down"), "{refused}");
    assert_eq!(within(client.realtime("cohere/command-r", &params)).await.unwrap_err().status(), 400);
    for (said, why) in [("break", "ended the session"), ("leave", "out of words")] {
        let mut session = within(client.realtime("openai/gpt-realtime", &params)).await.unwrap();
        session.send(said).await.unwrap();
        let error = loop {
            match within(session.next()).await {
                Ok(event) => assert!(event.is_some_and(|event| event.contains("session.created"))),
                Err(error) => break error,
            }
        };
        assert!(error.kind == Kind::MidStream && error.message.contains(why), "{error}");
        assert_eq!(within(session.next()).await.unwrap(), None);
        assert!(session.send("more").await.is_err());
        assert_eq!(within(session.close()).await.error.unwrap().message, error.message);
    }
}
