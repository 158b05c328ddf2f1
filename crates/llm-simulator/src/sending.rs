//! Writing a reply to the connection, step by step.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode};
use http_body::Frame as BodyFrame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};

use crate::connection::Breaker;
use crate::record::Ended;
use crate::reply::{Payload, Reply, Step, steps};
use crate::script::Script;
use crate::server::State;

/// HTTP/2 writes from another task: time for it to send what it was given before the connection breaks.
const HTTP2_FLUSH: Duration = Duration::from_millis(30);

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// A response of the simulator itself, outside the log.
pub(crate) fn plain(reply: Reply) -> Response<Body> {
    let (status, headers) = (reply.status, reply.headers);
    let bytes = match reply.payload {
        Payload::Whole(bytes) => bytes,
        Payload::Frames(frames) => frames.iter().flat_map(|f| f.bytes.iter().copied()).collect::<Vec<u8>>().into(),
    };
    response(status, headers, &Script::default(), full(bytes))
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn response(status: u16, headers: Vec<(&'static str, String)>, script: &Script, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let more = script.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in headers.into_iter().chain(more) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Sends replies and tells the log how they ended.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) state: Arc<State>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) index: u64,
    pub(crate) http2: bool,
}

impl Sender {
    pub(crate) fn send(self, reply: Reply, script: &Script) -> Response<Body> {
        let (mut queue, length) = steps(reply.payload, script, self.http2);
        if queue.len() == 1
            && let Some(Step::Send(bytes)) = queue.front_mut()
        {
            self.state.log.end(self.index, Ended::Complete);
            return response(reply.status, reply.headers, script, full(std::mem::take(bytes)));
        }
        let mut headers = reply.headers;
        headers.extend(length.map(|length| ("content-length", length.to_string())));
        let progress = Progress { sender: self, queue, ended: Ended::ClientGone };
        let frames = stream::unfold(progress, |mut progress| async move {
            let result = progress.next().await?;
            Some((result.map(BodyFrame::data), progress))
        });
        response(reply.status, headers, script, StreamBody::new(frames).boxed_unsync())
    }
}

/// A body on its way. Dropped early, the client went away.
#[derive(Debug)]
struct Progress {
    sender: Sender,
    queue: VecDeque<Step>,
    ended: Ended,
}

impl Progress {
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        loop {
            match self.queue.pop_front() {
                None => {
                    self.ended = Ended::Complete;
                    return None;
                }
                Some(Step::Send(bytes)) => return Some(Ok(bytes)),
                Some(Step::Sleep(time)) => tokio::time::sleep(time).await,
                Some(Step::Pass(gate)) => gate.pass().await,
                Some(Step::Stall) => std::future::pending().await,
                Some(Step::Fail) => {
                    tokio::time::sleep(HTTP2_FLUSH).await;
                    self.ended = Ended::Fault;
                    return Some(Err(std::io::Error::other("scripted fault")));
                }
                Some(Step::Break(ending)) => {
                    if self.sender.http2 {
                        tokio::time::sleep(HTTP2_FLUSH).await;
                    }
                    self.ended = Ended::Fault;
                    self.sender.breaker.pull(ending);
                    std::future::pending().await
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.sender.state.log.end(self.sender.index, self.ended);
    }
}
