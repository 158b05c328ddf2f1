//! A host on loopback that answers each request by its head, and keeps what came.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What came: head and body.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Starts one; its address, and what comes.
pub(crate) async fn host(reply: impl Fn(&str) -> (u16, Value) + Copy + Send + 'static) -> (String, Asked) {
    host_with(move |head| {
        let (status, body) = reply(head);
        (status, "content-type: application/json".to_owned(), body.to_string())
    })
    .await
}

/// The same for one that says more than JSON: headers, and any body.
pub(crate) async fn host_with(
    reply: impl Fn(&str) -> (u16, String, String) + Copy + Send + 'static,
) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, Arc::clone(&seen), reply));
        }
    });
    (base, asked)
}

async fn serve(mut socket: TcpStream, asked: Asked, reply: impl Fn(&str) -> (u16, String, String)) {
    let mut held = Vec::new();
    while let Some((head, body)) = request(&mut socket, &mut held).await {
        let (status, headers, reply) = reply(&head);
        asked.lock().unwrap().push((head, body));
        let head = format!("HTTP/1.1 {status} x\r\n{headers}\r\ncontent-length: {}\r\n\r\n", reply.len());
        socket.write_all((head + &reply).as_bytes()).await.unwrap();
    }
}

async fn request(socket: &mut TcpStream, held: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
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
