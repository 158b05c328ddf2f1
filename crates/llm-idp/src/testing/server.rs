//! A server that answers as it is told.
#![allow(clippy::unwrap_used)] // a test that cannot listen is to fail

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: String,
}

/// A server on loopback; it ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its address, without a slash at the end.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    /// Answers each request, of which `answer` is told with the server's own address, with a status and a body.
    pub async fn start(answer: impl Fn(&Asked, &str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (notes, own, answer) = (Arc::clone(&asked), url.clone(), Arc::new(answer));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (notes, answer, own) = (Arc::clone(&notes), Arc::clone(&answer), own.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (notes, answer, own) = (Arc::clone(&notes), Arc::clone(&answer), own.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                        let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
                        let body = String::from_utf8_lossy(&body).into_owned();
                        let one = Asked { path, headers: head.headers, body };
                        let (status, text) = answer(&one, &own);
                        notes.lock().push(one);
                        let reply = Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap();
                        Ok::<_, Infallible>(reply)
                    }
                });
                let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serve);
            }
        });
        Self { url, asked, serving }
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    /// How often something was asked.
    #[must_use]
    pub fn count(&self) -> usize {
        self.asked.lock().len()
    }
}
