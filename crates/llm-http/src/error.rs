//! What went wrong on the way to a host: in which phase, of which kind, and whether the request may have arrived.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// How far an exchange had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Name look-up, TCP connect, proxy tunnel.
    Connect,
    /// TLS handshake.
    Tls,
    /// Writing the request.
    Send,
    /// Waiting for the response head.
    FirstByte,
    /// Reading the response body.
    Body,
    /// The deadline over the whole exchange, whatever it was doing.
    Total,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The time set for the phase is over.
    Timeout,
    /// Nobody listens there, or the host cannot be reached.
    Refused,
    /// The peer reset the connection.
    Reset,
    /// The name has no address.
    Dns,
    /// Handshake or certificate failed, or our own TLS settings are unusable.
    Tls,
    /// The peer closed before the message was complete.
    Closed,
    /// Not HTTP, a broken message, an impossible request, or a proxy that said no.
    Protocol,
    /// The egress guard forbids this address.
    Denied,
}

/// A failed exchange. HTTP error statuses are not errors here: they are responses.
#[derive(Debug, Clone)]
pub struct TransportError {
    phase: Phase,
    kind: ErrorKind,
    sent: bool,
    message: Box<str>,
}

impl TransportError {
    /// An error from before anything of the request was written: always safe to retry elsewhere.
    pub fn unsent(phase: Phase, kind: ErrorKind, message: impl Into<String>) -> Self {
        TransportError { phase, kind, sent: false, message: message.into().into_boxed_str() }
    }

    /// An error after the request was, or may have been, written: the host may have acted on it.
    pub fn sent(phase: Phase, kind: ErrorKind, message: impl Into<String>) -> Self {
        TransportError { phase, kind, sent: true, message: message.into().into_boxed_str() }
    }

    /// How far the exchange had come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether some timeout ended the exchange.
    pub fn is_timeout(&self) -> bool {
        self.kind == ErrorKind::Timeout
    }

    /// True when the host surely never saw the request, so that sending it again cannot run it twice.
    pub fn surely_not_sent(&self) -> bool {
        !self.sent
    }

    /// The cause in words, without addresses of proxies' credentials or request content.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn timeout(phase: Phase, sent: bool) -> Self {
        TransportError { phase, kind: ErrorKind::Timeout, sent, message: "timed out".into() }
    }

    pub(crate) fn from_io(error: &io::Error, phase: Phase) -> Self {
        Self::unsent(phase, io_kind(error), error.to_string())
    }

    /// `sent`: false only when hyper handed the request back.
    pub(crate) fn from_hyper(error: &hyper::Error, phase: Phase, sent: bool) -> Self {
        let phase = if error.is_user() { Phase::Send } else { phase };
        TransportError { phase, kind: hyper_kind(error), sent, message: chain(error).into_boxed_str() }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Connect => "connecting",
            Phase::Tls => "TLS handshake",
            Phase::Send => "sending the request",
            Phase::FirstByte => "waiting for the response",
            Phase::Body => "reading the response",
            Phase::Total => "whole request",
        };
        write!(f, "{phase}: {}", self.message)
    }
}

impl StdError for TransportError {}

fn io_kind(error: &io::Error) -> ErrorKind {
    use io::ErrorKind as K;
    match error.kind() {
        K::TimedOut => ErrorKind::Timeout,
        K::ConnectionReset | K::BrokenPipe | K::ConnectionAborted => ErrorKind::Reset,
        K::UnexpectedEof => ErrorKind::Closed,
        K::InvalidData => ErrorKind::Protocol,
        // Refused, unreachable host or network, no free port, no permission: the connection did not come about.
        _ => ErrorKind::Refused,
    }
}

fn hyper_kind(error: &hyper::Error) -> ErrorKind {
    if error.is_timeout() {
        return ErrorKind::Timeout;
    }
    if error.is_parse() {
        return ErrorKind::Protocol;
    }
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return match io_kind(io) {
                ErrorKind::Refused => ErrorKind::Closed,
                kind => kind,
            };
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() || error.is_body_write_aborted() {
        return ErrorKind::Closed;
    }
    ErrorKind::Protocol
}

/// The messages of an error and its sources, most general first, each said once.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}
