//! Servers on loopback that do exactly what a test says, byte by byte.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use llm_http::{Body, HttpClient, HttpConfig, ProxyConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    /// Connections accepted so far.
    pub(crate) accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `serve` for every connection; it gets the connection's number, from 0.
    pub(crate) async fn start<F, Fut>(serve: F) -> Server
    where
        F: Fn(usize, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::start_on("127.0.0.1:0", serve).await
    }

    pub(crate) async fn start_on<F, Fut>(bind: &str, serve: F) -> Server
    where
        F: Fn(usize, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(bind).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(number, stream));
            }
        });
        Server { addr, accepted }
    }

    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        Request::get(format!("http://{}{path}", self.addr)).body(Body::empty()).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Body>) -> Request<Body> {
        Request::post(format!("http://{}{path}", self.addr)).body(body.into()).unwrap()
    }
}

/// A client without proxies, whatever the environment says.
pub(crate) fn direct() -> HttpClient {
    HttpClient::new(HttpConfig { proxy: ProxyConfig::Off, ..HttpConfig::default() })
}

/// Reads one request; head and body as text. `None` at the end of the connection.
pub(crate) async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut seen = Vec::new();
    loop {
        if let Some(at) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&seen[..at]).to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if seen.len() >= at + 4 + length {
                return Some(String::from_utf8(seen).unwrap());
            }
        }
        if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// Answers every request on the connection with its own text.
pub(crate) async fn echo(mut stream: TcpStream) {
    while let Some(request) = read_request(&mut stream).await {
        if stream.write_all(ok(&request).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A 200 with this body and its length.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
