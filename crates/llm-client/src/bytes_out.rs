//! Answers whose bytes go on as they come: sound, or events that nobody looks into but for their usage.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame};
use llm_http::ReplyBody;
use llm_router::InFlight;
use llm_types::generate::UsageReport;
use llm_types::{Error, Kind, Result};
use llm_wire::sse::{self, Item};
use llm_wire::task::TaskCodec;

use crate::answer::Report;
use crate::count::Counter;
use crate::tail::Tail;
use crate::transport::transport_error;

/// Events that are longer are not looked into, in bytes.
const LONGEST_EVENT: usize = 4 << 20;

/// Bytes that go on to the client as they come. Reports once, at the end or when it is dropped.
pub struct ByteStream {
    upstream: ReplyBody,
    report: Box<Report>,
    codec: &'static dyn TaskCodec,
    usage: Option<UsageReport>,
    /// The bytes are events, one of which may tell the usage.
    events: Option<sse::Splitter>,
    counter: Counter,
    over: bool,
    tail: Option<Box<dyn Tail>>,
    _in_flight: InFlight,
}

impl ByteStream {
    pub(crate) fn new(
        upstream: ReplyBody,
        in_flight: InFlight,
        codec: &'static dyn TaskCodec,
        usage: Option<UsageReport>,
        counter: Counter,
    ) -> Self {
        let report = Box::default();
        Self { upstream, report, codec, usage, events: None, counter, over: false, tail: None, _in_flight: in_flight }
    }

    /// Whether the bytes are events.
    pub(crate) fn with_events(mut self, events: bool) -> Self {
        self.events = events.then(|| sse::Splitter::new(LONGEST_EVENT));
        self
    }

    /// Looks for the usage among the events.
    fn look(&mut self, bytes: &[u8]) {
        let Some(events) = &mut self.events else { return };
        let (codec, usage) = (self.codec, &mut self.usage);
        let looked = events.feed(bytes, |item| {
            if let Item::Frame(frame) = item
                && let Some(told) = codec.usage_in_event(&frame.data)
            {
                *usage = Some(told);
            }
        });
        if looked.is_err() {
            self.events = None; // no events after all
        }
    }

    /// Who is told when it is over.
    pub fn set_tail(&mut self, tail: Box<dyn Tail>) {
        self.tail = Some(tail);
    }

    fn settle(&mut self) {
        let Some(tail) = self.tail.take() else { return };
        let mut report = std::mem::take(&mut self.report);
        self.counter.book(Some(self.usage.take().unwrap_or_default()), 0, &mut report);
        report.interrupted = !self.over;
        report.upstream_done = Some(Instant::now());
        tail.done(report);
    }
}

impl Body for ByteStream {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        match std::task::ready!(Pin::new(&mut this.upstream).poll_frame(cx)) {
            Some(Ok(frame)) => {
                this.report.first_byte.get_or_insert_with(Instant::now);
                if let Some(bytes) = frame.data_ref() {
                    this.look(bytes);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(e)) => {
                // Half a sound must not look whole: the connection breaks off.
                let mut error = transport_error(&e, this.counter.provider());
                error.kind = Kind::MidStream;
                this.report.error = Some(error.clone());
                this.over = true;
                this.settle();
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.over = true;
                this.settle();
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for ByteStream {
    fn drop(&mut self) {
        self.settle();
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("over", &self.over).finish_non_exhaustive()
    }
}
