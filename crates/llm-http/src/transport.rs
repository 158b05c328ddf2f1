//! The face that other crates see: send a request, or turn a connection into something else.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Body, FetchError, FetchLimits, Fetched, ReplyBody, TransportError};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Any error that may move between threads.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long each phase of an exchange may take. `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, TCP, proxy tunnel and TLS together. Not counted when a pooled connection is used.
    pub connect: Option<Duration>,
    /// The TLS handshake with the host, within `connect`.
    pub tls: Option<Duration>,
    /// From handing the request to a connection to the response head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the response body, counted only while somebody waits for the next one: a slow client
    /// is not a slow upstream.
    pub idle: Option<Duration>,
    /// From the call to the last byte of the response body.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// No limit at all.
    pub const NONE: Timeouts = Timeouts { connect: None, tls: None, first_byte: None, idle: None, total: None };
}

impl Default for Timeouts {
    /// Only the connect time is limited, to 5 s; how long a model may think is for the caller to say.
    fn default() -> Self {
        Timeouts { connect: Some(Duration::from_secs(5)), ..Timeouts::NONE }
    }
}

/// Something that carries requests to hosts. Implemented by [`crate::HttpClient`], by signers that wrap another
/// transport, and by test doubles.
pub trait Transport: Send + Sync {
    /// Sends one request, whose URI is absolute (`https://host/path`), and gives the response as soon as its head is
    /// there. Every HTTP status is a success here. Redirects are not followed. `Host` and `Content-Length` are set
    /// when absent; everything else is sent as given.
    fn send(
        &self,
        req: Request<Body>,
        timeouts: Timeouts,
    ) -> BoxFuture<'_, Result<Response<ReplyBody>, TransportError>>;

    /// Sends an HTTP/1.1 upgrade request (WebSocket: the caller sets `Connection`, `Upgrade` and the `Sec-WebSocket-*`
    /// headers; `ws` and `wss` URIs are understood). `connect`, `first_byte` and `total` limit the time to the answer.
    fn upgrade(&self, req: Request<Body>, timeouts: Timeouts) -> BoxFuture<'_, Result<UpgradeReply, TransportError>>;

    /// Itself, for work that outlives the caller's hold on it; nothing where that cannot be.
    fn share(&self) -> Option<Arc<dyn Transport>> {
        None
    }

    /// Downloads a URL that a stranger sent us, under the egress guard, see [`crate::fetch_url`].
    fn fetch<'a>(&'a self, url: &'a str, limits: &'a FetchLimits) -> BoxFuture<'a, Result<Fetched, FetchError>>;
}

/// The answer to an upgrade request.
#[derive(Debug)]
pub enum UpgradeReply {
    /// 101: the connection is ours, bytes in and out.
    Switched(Response<()>, UpgradedIo),
    /// Any other status, with its body.
    Refused(Response<ReplyBody>),
}

/// A connection after `101 Switching Protocols`.
pub struct UpgradedIo(TokioIo<hyper::upgrade::Upgraded>);

impl UpgradedIo {
    pub(crate) fn new(io: hyper::upgrade::Upgraded) -> Self {
        UpgradedIo(TokioIo::new(io))
    }
}

impl fmt::Debug for UpgradedIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpgradedIo")
    }
}

impl AsyncRead for UpgradedIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for UpgradedIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
