//! An upstream that answers what a test says, for languages that the simulator does not speak.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The body; `Null` when it is no JSON.
    pub json: Value,
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
pub type Said = (u16, &'static str, String);

/// The upstream. It ends when this is dropped.
#[derive(Debug)]
pub struct Canned {
    base: String,
    seen: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Canned {
    /// Starts one on a free loopback port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(answer: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let seen = Arc::<Mutex<Vec<Asked>>>::default();
        let (answer, all) = (Arc::new(answer), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (answer, all) = (Arc::clone(&answer), Arc::clone(&all));
                let service = service_fn(move |req| serve(req, Arc::clone(&answer), Arc::clone(&all)));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Ok(Self { base, seen, task })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        self.base.clone()
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().clone()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<F: Fn(&Asked) -> Said>(
    req: Request<Incoming>,
    answer: Arc<F>,
    seen: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = req.into_parts();
    let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        json: serde_json::from_slice(&body).unwrap_or_default(),
        headers: parts.headers,
        body,
    };
    let (status, kind, said) = answer(&asked);
    // Where Google wants the bytes of a file that was announced.
    let uploads = format!("http://{}/uploaded", asked.header("host"));
    seen.lock().push(asked);
    let response = Response::builder().status(status).header("content-type", kind).header("etag", "\"0\"");
    Ok(response.header("x-goog-upload-url", uploads).body(Full::from(said)).unwrap_or_default())
}
