//! What the simulator received.

use std::collections::VecDeque;

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;

/// How the answer to a recorded request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Still being answered.
    Open,
    /// Every byte was handed to the connection.
    Complete,
    /// A scripted fault broke the connection.
    Fault,
    /// The client went away first.
    ClientGone,
}

/// One received request.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Position among all requests, from 0.
    pub index: u64,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query without `?`, empty if there is none.
    pub query: String,
    /// Whether it came over HTTP/2.
    pub http2: bool,
    /// Headers as received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// How the answer ended.
    pub ended: Ended,
}

impl Recorded {
    /// The body as JSON; `Null` when it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The latest requests, at most `capacity`.
#[derive(Debug)]
pub(crate) struct Log {
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    requests: VecDeque<Recorded>,
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), inner: Mutex::default() }
    }

    /// Stores a request and returns its index.
    pub(crate) fn push(&self, mut request: Recorded) -> u64 {
        let mut inner = self.inner.lock();
        let index = inner.next;
        inner.next += 1;
        request.index = index;
        if inner.requests.len() == self.capacity {
            inner.requests.pop_front();
        }
        inner.requests.push_back(request);
        index
    }

    pub(crate) fn end(&self, index: u64, ended: Ended) {
        let mut inner = self.inner.lock();
        if let Some(request) = inner.requests.iter_mut().rev().find(|r| r.index == index) {
            request.ended = ended;
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.inner.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.inner.lock().requests.clear();
    }
}
