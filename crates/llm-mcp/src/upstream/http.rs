//! Streamable HTTP: <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>. Every message is posted;
//! the answer comes as JSON or as a stream of events.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt as _;
use llm_http::{ReplyBody, Timeouts};
use llm_types::RawJson;
use llm_wire::sse::{Item, Splitter};

use super::carrier::Carrier;
use super::{Heard, LONGEST, agreed, heard, hello};
use crate::fault::Fault;
use crate::rpc::{self, Message};

/// The header that names a session.
const SESSION: &str = "mcp-session-id";
/// The header that names the protocol version.
const VERSION: &str = "mcp-protocol-version";

/// A session over streamable HTTP.
pub(crate) struct HttpSession<'t> {
    carrier: Carrier<'t>,
    url: String,
    headers: HeaderMap,
    last: u64,
}

impl std::fmt::Debug for HttpSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSession").field("last", &self.last).finish_non_exhaustive()
    }
}

impl<'t> HttpSession<'t> {
    /// Greets the server.
    pub(crate) async fn open(carrier: Carrier<'t>, url: &str, headers: &HeaderMap) -> Result<Self, Fault> {
        let mut headers = headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut session = Self { carrier, url: url.to_owned(), headers, last: 0 };
        let result = session.ask("initialize", &hello()).await?;
        session.headers.insert(VERSION, HeaderValue::from_static(agreed(&result)?));
        session.post(rpc::ask(None, "notifications/initialized", "{}")).await?;
        Ok(session)
    }

    /// Asks for something.
    pub(crate) async fn ask(&mut self, method: &str, params: &str) -> Result<RawJson, Fault> {
        self.last += 1;
        let reply = self.post(rpc::ask(Some(self.last), method, params)).await?;
        if let Some(id) = reply.headers().get(SESSION) {
            self.headers.insert(SESSION, id.clone());
        }
        if kind(&reply).starts_with("text/event-stream") {
            return self.listen(reply.into_body()).await;
        }
        let body = reply.into_body().collect(LONGEST).await?;
        match heard(&body, self.last) {
            Heard::Answer(outcome) => outcome,
            Heard::Asks(_) | Heard::Nothing => Err(Fault::Broken("no answer to the request")),
        }
    }

    /// Reads events until the answer is there.
    async fn listen(&self, mut body: ReplyBody) -> Result<RawJson, Fault> {
        let mut splitter = Splitter::new(LONGEST);
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame?.into_data() else { continue };
            for data in events(&mut splitter, &piece)? {
                match heard(&data.1, self.last) {
                    Heard::Answer(outcome) => return outcome,
                    Heard::Asks(answer) => drop(self.post(answer).await?),
                    Heard::Nothing => {}
                }
            }
        }
        Err(Fault::Broken("the stream ended before the answer"))
    }

    /// Posts a message. Statuses of errors are faults; an error of JSON-RPC that comes with one is told as such.
    async fn post(&self, message: Bytes) -> Result<Response<ReplyBody>, Fault> {
        let reply = self.carrier.send(Method::POST, &self.url, &self.headers, message).await?;
        let status = reply.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(reply);
        }
        if kind(&reply).starts_with("application/json")
            && let Ok(body) = reply.into_body().collect(64 << 10).await
            && let Ok(Message::Answer { outcome: Err(told), .. }) = Message::read(&body)
        {
            return Err(Fault::Told(told));
        }
        Err(Fault::Status(status))
    }

    /// Tells the server that the session is over, beside whatever comes next.
    pub(crate) fn close(self) {
        let Carrier { transport, signer, proof, .. } = self.carrier;
        let (Some(transport), true) = (transport.share(), self.headers.contains_key(SESSION)) else { return };
        let (url, mut headers) = (self.url, self.headers);
        headers.remove(CONTENT_TYPE);
        tokio::spawn(async move {
            let timeouts = Timeouts { total: Some(Duration::from_secs(5)), ..Timeouts::default() };
            let carrier = Carrier { transport: &*transport, signer, proof, timeouts };
            if let Err(fault) = carrier.send(Method::DELETE, &url, &headers, Bytes::new()).await {
                tracing::debug!(fault = fault.in_full(), "a session of an MCP server could not be ended");
            }
        });
    }
}

/// The media type that a reply names.
pub(super) fn kind(reply: &Response<ReplyBody>) -> &str {
    reply.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// The events that a piece completes: name and data.
pub(super) fn events(splitter: &mut Splitter, piece: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let mut out = Vec::new();
    let mut take = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            let event = frame.event.as_deref().unwrap_or("message").to_owned();
            if !frame.data.is_empty() {
                out.push((event, frame.data.into_owned()));
            }
        }
    };
    splitter.feed(piece, &mut take).map_err(|_| Fault::Broken("an event that is too long"))?;
    Ok(out)
}
