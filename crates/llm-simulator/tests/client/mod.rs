//! A plain client for these tests: hyper for HTTP, a bare socket where HTTP breaks.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a failure is a failed test, and no test file uses all of it"
)]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) async fn sim() -> Running {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        events(&self.text())
    }
}

/// One server-sent event: its `event:` name and `data:` text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: Option<String>,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|e| panic!("{e}: {}", self.data))
    }
}

pub(crate) fn events(text: &str) -> Vec<Event> {
    let text = text.replace("\r\n", "\n");
    text.split_terminator("\n\n")
        .map(|block| {
            let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(name).map(|v| v.trim().to_owned()));
            Event { name: field("event:"), data: field("data:").unwrap_or_default() }
        })
        .collect()
}

/// JSON events before `[DONE]`.
pub(crate) fn chunks(answer: &Answer) -> Vec<Value> {
    answer.events().iter().filter(|e| e.data != "[DONE]").map(Event::json).collect()
}

fn client(http2: bool) -> Client<HttpConnector, Full<Bytes>> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(http2).pool_max_idle_per_host(0);
    builder.build_http()
}

pub(crate) async fn send(
    sim: &Running,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let response = open(sim, method, path, headers, body, false).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// The response before its body is read.
pub(crate) async fn open(
    sim: &Running,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
    http2: bool,
) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
    let mut request = Request::builder().method(method).uri(format!("{}{path}", sim.base_url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client(http2).request(request.body(Full::new(body.into())).unwrap()).await
}

pub(crate) async fn chat(sim: &Running, body: &Value) -> Answer {
    post(sim, "/v1/chat/completions", body).await
}

pub(crate) async fn post(sim: &Running, path: &str, body: &Value) -> Answer {
    send(sim, Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

pub(crate) const ANTHROPIC: &[(&str, &str)] =
    &[("content-type", "application/json"), ("anthropic-version", "2023-06-01")];

pub(crate) async fn messages(sim: &Running, body: &Value) -> Answer {
    send(sim, Method::POST, "/v1/messages", ANTHROPIC, body.to_string()).await
}

/// Body data until its end: what came, and whether it ended well.
pub(crate) async fn read_all(mut body: Incoming) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect("the body stalls") {
            None => return (out, true),
            Some(Err(_)) => return (out, false),
            Some(Ok(frame)) => out.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
        }
    }
}

/// What a bare socket sees: every byte until the end, and the error that ended it (`None`: FIN).
pub(crate) async fn raw_post(addr: SocketAddr, path: &str, body: &Value) -> (Vec<u8>, Option<std::io::ErrorKind>) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nanthropic-version: 2023-06-01\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    let result = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut out)).await;
    (out, result.expect("the connection stays open").err().map(|e| e.kind()))
}

/// The messages of an AWS event stream: event or exception type and payload. Checksums are verified; a message cut
/// short ends the list.
pub(crate) fn aws_messages(mut bytes: &[u8]) -> Vec<(String, Bytes)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let mut out = Vec::new();
    while bytes.len() >= 16 && bytes.len() >= number(&bytes[..4]) as usize {
        let (message, rest) = bytes.split_at(number(&bytes[..4]) as usize);
        bytes = rest;
        assert_eq!(number(&message[8..12]), crc32(&message[..8]), "checksum of the prelude");
        let end = message.len() - 4;
        assert_eq!(number(&message[end..]), crc32(&message[..end]), "checksum of the message");
        let (mut headers, payload) = message[12..end].split_at(number(&message[4..8]) as usize);
        let mut kind = String::new();
        while !headers.is_empty() {
            let name_end = 1 + headers[0] as usize;
            let length = usize::from(u16::from_be_bytes([headers[name_end + 1], headers[name_end + 2]]));
            assert_eq!(headers[name_end], 7, "headers are strings");
            let value = &headers[name_end + 3..name_end + 3 + length];
            if [&b":event-type"[..], b":exception-type"].contains(&&headers[1..name_end]) {
                kind = String::from_utf8(value.to_vec()).unwrap();
            }
            headers = &headers[name_end + 3 + length..];
        }
        out.push((kind, Bytes::copy_from_slice(payload)));
    }
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (if crc & 1 == 1 { 0xedb8_8320 } else { 0 });
        }
    }
    !crc
}
