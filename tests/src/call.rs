//! Requests to a gateway and what comes back.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::sse::{Event, events};

/// Nothing in this suite may take longer; a test that waits this long has found a hang.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// A client that opens a connection for each request, so that tests do not share any.
pub(crate) fn client(http2: bool) -> HttpClient {
    Client::builder(TokioExecutor::new()).http2_only(http2).pool_max_idle_per_host(0).build_http()
}

/// A whole reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    /// Every byte of the body.
    pub body: Bytes,
    /// Whether the body ended as HTTP demands; false when the connection broke.
    pub complete: bool,
}

impl Reply {
    /// The body as JSON; `Null` when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as server-sent events.
    pub fn events(&self) -> Vec<Event> {
        events(&self.text())
    }
}

/// A reply whose body is still coming.
#[derive(Debug)]
pub struct Live {
    /// HTTP status.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    body: Incoming,
    buffer: BytesMut,
}

impl Live {
    /// The next event, `None` at a proper end.
    ///
    /// # Errors
    /// The connection broke, or nothing came within 30 seconds.
    pub async fn next_event(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\n\n") {
                let block = self.buffer.split_to(end + 2);
                if let Some(event) = Event::parse(&String::from_utf8_lossy(&block)) {
                    return Ok(Some(event));
                }
                continue;
            }
            match self.next_bytes(PATIENCE).await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// The next bytes, `None` at a proper end.
    ///
    /// # Errors
    /// As [`Live::next_event`].
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        if self.buffer.is_empty() { self.next_bytes(PATIENCE).await } else { Ok(Some(self.buffer.split().freeze())) }
    }

    /// Whether another event comes within `time`.
    ///
    /// # Errors
    /// As [`Live::next_event`].
    pub async fn event_within(&mut self, time: Duration) -> Result<Option<Event>> {
        match tokio::time::timeout(time, self.next_event()).await {
            Ok(result) => result,
            Err(_) => Ok(None),
        }
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// Nothing came within 30 seconds.
    pub async fn rest(mut self) -> Result<Reply> {
        let mut body = std::mem::take(&mut self.buffer);
        let complete = loop {
            match tokio::time::timeout(PATIENCE, self.body.frame()).await.context("the body hangs")? {
                None => break true,
                Some(Err(_)) => break false,
                Some(Ok(frame)) => body.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            }
        };
        Ok(Reply { status: self.status, headers: self.headers, body: body.freeze(), complete })
    }

    async fn next_bytes(&mut self, patience: Duration) -> Result<Option<Bytes>> {
        match tokio::time::timeout(patience, self.body.frame()).await.context("the body hangs")? {
            None => Ok(None),
            Some(Err(e)) => Err(anyhow!(e).context("the connection broke")),
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Sends a request and gives the response with its body still to come.
pub(crate) async fn open(
    client: &HttpClient,
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Live> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let sent = client.request(request.body(Full::new(body))?);
    let response = tokio::time::timeout(PATIENCE, sent).await.context("the gateway does not answer")??;
    let (head, body) = response.into_parts();
    Ok(Live { status: head.status.as_u16(), headers: head.headers, body, buffer: BytesMut::new() })
}
