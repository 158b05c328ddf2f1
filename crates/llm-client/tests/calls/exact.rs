//! An upstream of few words: it notes the bytes it receives and sends the bytes it was given.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    /// Written one after the other.
    pub(crate) pieces: Vec<Bytes>,
}

impl Canned {
    pub(crate) fn json(body: &str) -> Self {
        Self { status: 200, kind: "application/json", pieces: vec![Bytes::copy_from_slice(body.as_bytes())] }
    }

    pub(crate) fn events(body: &str) -> Self {
        Self { kind: "text/event-stream", ..Self::json(body) }
    }

    /// The same bytes in pieces of `size`.
    pub(crate) fn cut(self, size: usize) -> Self {
        let whole = self.pieces.concat();
        Self { pieces: whole.chunks(size).map(Bytes::copy_from_slice).collect(), ..self }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

/// A running upstream; dropped, it stops.
#[derive(Debug)]
pub(crate) struct Exact {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Exact {
    /// Answers every request the same.
    pub(crate) async fn start(answer: Canned) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (notes, answer) = (Arc::clone(&notes), answer.clone());
                let service = service_fn(move |request| serve(Arc::clone(&notes), answer.clone(), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Self { base, asked, accepting }
    }

    /// The only request so far.
    pub(crate) fn asked(&self) -> Asked {
        let asked = self.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        asked[0].clone()
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Body = StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

async fn serve(
    notes: Arc<Mutex<Vec<Asked>>>,
    answer: Canned,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    notes.lock().unwrap().push(Asked { path: head.uri.path().to_owned(), headers: head.headers, body });
    let frames = stream::unfold(answer.pieces.into_iter(), |mut left| async {
        let piece = left.next()?;
        tokio::task::yield_now().await; // each piece is written on its own
        Some((Ok(Frame::data(piece)), left))
    });
    let response = Response::builder().status(answer.status).header("content-type", answer.kind);
    Ok(response.body(StreamBody::new(Box::pin(frames) as _)).unwrap())
}
