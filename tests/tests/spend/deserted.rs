//! Clients that go away before they have their answer.

use std::time::Duration;

use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, calls, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Asks for an answer that takes a second and a half, and hangs up when the host has been asked. Its only row then.
async fn deserted(more: &str) -> Value {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).general("proxy_batch_write_at: 1").general(more).yaml();
    let gateway = Gateway::start(&config).await.unwrap();
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi [[sim delay_ms=1500]]"}]});
    let body = body.to_string();
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MASTER_KEY}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    eventually("the host is asked", async || (!calls(&sim).is_empty()).then_some(())).await;
    drop(socket);
    eventually("the row", async || {
        let rows = gateway.get("/spend/logs", MASTER_KEY).await.unwrap().json();
        rows.as_array().filter(|rows| rows.len() == 1).map(|rows| rows[0].clone())
    })
    .await
}

#[tokio::test]
async fn a_call_whose_client_is_gone_goes_on_and_is_billed_as_what_it_was() {
    let row = deserted("cancel_on_disconnect: false").await;
    assert_eq!((&row["status"], &row["call_type"]), (&json!("success"), &json!("acompletion")), "{row}");
    assert!(row["completion_tokens"].as_i64().unwrap() > 0 && row["model_id"] != "", "{row}");
}

#[tokio::test]
async fn where_it_is_to_end_with_its_client_what_was_set_aside_is_charged() {
    let row = deserted("cancel_on_disconnect: true").await;
    assert_eq!((&row["status"], &row["model"]), (&json!("failure"), &json!("gpt")), "{row}");
    assert_eq!(row["completion_tokens"], 0, "{row}");
    assert!(row["spend"].as_f64().unwrap() > 0.0, "{row}");
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let many: String = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect();
    for (sent, status) in [
        ("GARBAGE\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n"), "431"),
    ] {
        let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
        socket.write_all(sent.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(10), socket.read_exact(&mut head)).await;
        assert!(read.is_ok_and(|read| read.is_ok()), "no answer to {sent:?}");
        assert_eq!(std::str::from_utf8(&head).unwrap(), format!("HTTP/1.1 {status}"), "{sent:?}");
    }
}
