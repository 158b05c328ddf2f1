//! An upstream of a test's own: it answers what a function says and remembers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Asked {
    /// A header as text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is answered: status, media type, body.
pub type Said = (u16, &'static str, Bytes);

/// A running upstream; it ends with the test's runtime.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Upstream {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(say: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (say, log) = (Arc::new(say), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (say, log) = (Arc::clone(&say), Arc::clone(&log));
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let (say, log) = (Arc::clone(&say), Arc::clone(&log));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
                        let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
                        let seen = Asked { method: parts.method.to_string(), path, headers: parts.headers, body };
                        let (status, kind, body) = say(&seen);
                        log.lock().push(seen);
                        let mut response = Response::new(Full::new(body));
                        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
                        if let Ok(kind) = kind.parse() {
                            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
                        }
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Ok(Self { addr, asked })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    /// The last request.
    ///
    /// # Panics
    /// When there was none.
    #[allow(clippy::expect_used, reason = "a missing request is a failed test")]
    pub fn last(&self) -> Asked {
        self.asked.lock().last().cloned().expect("nothing was asked")
    }
}
