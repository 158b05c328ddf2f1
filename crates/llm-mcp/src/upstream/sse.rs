//! The transport of 2024-11-05: a stream of events that stays open, and an address to post to, which the stream names.

use std::collections::VecDeque;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use llm_http::ReplyBody;
use llm_types::RawJson;
use llm_wire::sse::Splitter;
use url::Url;

use super::carrier::Carrier;
use super::http::events;
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
    carrier: Carrier<'t>,
    post: String,
    headers: HeaderMap,
}

impl std::fmt::Debug for SseSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SseSession").field("last", &self.last).finish_non_exhaustive()
    }
}

impl<'t> SseSession<'t> {
    /// Opens the stream, hears where to post, greets the server.
    pub(crate) async fn open(carrier: Carrier<'t>, url: &str, headers: &HeaderMap) -> Result<Self, Fault> {
        let base = Url::parse(url).map_err(|_| Fault::Broken("its URL cannot be used"))?;
        let mut listening = headers.clone();
        listening.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let reply = carrier.send(Method::GET, url, &listening, Bytes::new()).await?;
        if reply.status().as_u16() != 200 {
            return Err(Fault::Status(reply.status().as_u16()));
        }
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let poster = Poster { carrier, post: String::new(), headers };
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
        let reply = self.carrier.send(Method::POST, &self.post, &self.headers, message).await?;
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
