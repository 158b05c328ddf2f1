//! The transport of 2024-11-05: a stream of events that stays open, and an address to post to, which the stream names.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use llm_http::{Body, ReplyBody, Timeouts, Transport};
use llm_types::RawJson;
use llm_wire::sse::Splitter;
use url::Url;

use super::http::{events, timeouts};
use super::{Heard, LONGEST, agreed, heard, hello};
use crate::fault::Fault;
use crate::rpc;

/// A session over events and posts.
pub(crate) struct SseSession<'t> {
    poster: Poster<'t>,
    stream: ReplyBody,
    splitter: Splitter,
    waiting: VecDeque<(String, Vec<u8>)>,
    last: u64,
}

/// Where and how messages are posted.
struct Poster<'t> {
    transport: &'t dyn Transport,
    post: String,
    headers: HeaderMap,
    timeouts: Timeouts,
}

impl std::fmt::Debug for SseSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SseSession").field("last", &self.last).finish_non_exhaustive()
    }
}

impl<'t> SseSession<'t> {
    /// Opens the stream, hears where to post, greets the server.
    pub(crate) async fn open(
        transport: &'t dyn Transport,
        url: &str,
        headers: &HeaderMap,
        timeout: Duration,
    ) -> Result<Self, Fault> {
        let unusable = || Fault::Broken("its URL cannot be used");
        let base = Url::parse(url).map_err(|_| unusable())?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = url.parse().map_err(|_| unusable())?;
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let reply = transport.send(request, timeouts(timeout)).await?;
        if reply.status().as_u16() != 200 {
            return Err(Fault::Status(reply.status().as_u16()));
        }
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let poster = Poster { transport, post: String::new(), headers, timeouts: timeouts(timeout) };
        let mut session = Self {
            poster,
            stream: reply.into_body(),
            splitter: Splitter::new(LONGEST),
            waiting: VecDeque::new(),
            last: 0,
        };
        session.poster.post = place(&base, &session.endpoint().await?)?;
        let result = session.ask("initialize", &hello()).await?;
        agreed(&result)?;
        session.poster.send(rpc::ask(None, "notifications/initialized", "{}")).await?;
        Ok(session)
    }

    /// Asks for something.
    pub(crate) async fn ask(&mut self, method: &str, params: &str) -> Result<RawJson, Fault> {
        self.last += 1;
        self.poster.send(rpc::ask(Some(self.last), method, params)).await?;
        loop {
            let (event, data) = self.next().await?;
            if event != "message" {
                continue;
            }
            match heard(&data, self.last) {
                Heard::Answer(outcome) => return outcome,
                Heard::Asks(answer) => self.poster.send(answer).await?,
                Heard::Nothing => {}
            }
        }
    }

    async fn endpoint(&mut self) -> Result<String, Fault> {
        loop {
            let (event, data) = self.next().await?;
            if event == "endpoint" {
                return String::from_utf8(data).map_err(|_| Fault::Broken("its endpoint is no text"));
            }
        }
    }

    async fn next(&mut self) -> Result<(String, Vec<u8>), Fault> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            let Some(frame) = self.stream.frame().await else {
                return Err(Fault::Broken("the stream ended before the answer"));
            };
            let Ok(piece) = frame?.into_data() else { continue };
            self.waiting.extend(events(&mut self.splitter, &piece)?);
        }
    }
}

impl Poster<'_> {
    async fn send(&self, message: Bytes) -> Result<(), Fault> {
        let mut request = Request::new(Body::from(message));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.post.parse().map_err(|_| Fault::Broken("its endpoint cannot be used"))?;
        *request.headers_mut() = self.headers.clone();
        let reply = self.transport.send(request, self.timeouts).await?;
        let status = reply.status().as_u16();
        if (200..300).contains(&status) { Ok(()) } else { Err(Fault::Status(status)) }
    }
}

/// Where to post: on the server's own host only, for credentials go along.
fn place(base: &Url, endpoint: &str) -> Result<String, Fault> {
    let joined = base.join(endpoint.trim()).map_err(|_| Fault::Broken("its endpoint is no address"))?;
    if joined.origin() != base.origin() {
        return Err(Fault::Broken("its endpoint is on another host"));
    }
    Ok(joined.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_stay_on_the_servers_host() {
        let base = Url::parse("http://h.test:81/a/sse?x=1").unwrap();
        assert_eq!(place(&base, "/messages?id=2").unwrap(), "http://h.test:81/messages?id=2");
        assert_eq!(place(&base, "messages").unwrap(), "http://h.test:81/a/messages");
        for other in ["http://evil.test/m", "//evil.test/m", "http://h.test:82/m", "https://h.test:81/m"] {
            assert!(place(&base, other).is_err(), "{other}");
        }
    }
}
