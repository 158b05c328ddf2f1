//! Answers whose bytes go on to the client as they come, while somebody reads along. Reported exactly once, at the end
//! or when the body is dropped.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llm_http::ReplyBody;
use llm_router::InFlight;
use llm_types::{Error, Kind};

use crate::answer::Report;
use crate::tail::Tail;
use crate::transport::transport_error;

/// Who reads along.
pub trait Reader: fmt::Debug + Send + Unpin {
    /// The provider's id, for errors.
    fn provider(&self) -> &str;

    /// Takes what just came.
    fn read(&mut self, bytes: &[u8]);

    /// It is over: fills in what was consumed and what it cost. `complete`: the upstream came to its end, without
    /// failure. Called once.
    fn book(&mut self, complete: bool, report: &mut Report);
}

/// Bytes that go on to the client as they come.
pub struct Carried<R: Reader> {
    upstream: ReplyBody,
    reader: R,
    report: Box<Report>,
    over: bool,
    tail: Option<Box<dyn Tail>>,
    /// The deployment counts the call as running until the body is gone.
    in_flight: Option<InFlight>,
}

impl<R: Reader> Carried<R> {
    pub(crate) fn new(upstream: ReplyBody, reader: R) -> Self {
        Self { upstream, reader, report: Box::default(), over: false, tail: None, in_flight: None }
    }

    /// The upstream's status is one of failure.
    pub(crate) fn failed(&mut self, error: Error) {
        self.report.error = Some(error);
    }

    pub(crate) fn failure(&self) -> Option<&Error> {
        self.report.error.as_ref()
    }

    pub(crate) fn keep(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }

    /// Who is told when it is over. Without a tail the report is lost.
    pub fn set_tail(&mut self, tail: Box<dyn Tail>) {
        self.tail = Some(tail);
    }

    /// The whole body, for those who have to read it after all, and what it consumed.
    ///
    /// # Errors
    /// The upstream broke off, or sent more than `limit` bytes.
    pub async fn collect(mut self, limit: usize) -> Result<(Bytes, Box<Report>), Error> {
        let upstream = std::mem::take(&mut self.upstream);
        let bytes = upstream.collect(limit).await.map_err(|e| transport_error(&e, self.reader.provider()))?;
        self.reader.read(&bytes);
        self.over = true;
        Ok((bytes, self.finished()))
    }

    fn finished(&mut self) -> Box<Report> {
        let mut report = std::mem::take(&mut self.report);
        report.interrupted = !self.over;
        report.upstream_done = Some(Instant::now());
        self.reader.book(self.over && report.error.is_none(), &mut report);
        if let Some(in_flight) = &self.in_flight {
            in_flight.finish(report.consumed(), Instant::now());
        }
        report
    }

    /// It came to an end: the report is settled. Does nothing the second time.
    fn end(&mut self) {
        self.over = true;
        self.settle();
    }

    fn settle(&mut self) {
        let Some(tail) = self.tail.take() else { return };
        let report = self.finished();
        tail.done(report);
    }
}

impl<R: Reader> Body for Carried<R> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.upstream).poll_frame(cx)) {
            Some(Ok(frame)) => {
                this.report.first_byte.get_or_insert_with(Instant::now);
                if let Some(data) = frame.data_ref() {
                    this.reader.read(data);
                }
                if this.upstream.is_end_stream() {
                    this.end(); // a body of known length is not asked for its end
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(e)) => {
                // Half an answer must not look whole: the connection breaks off.
                let mut error = transport_error(&e, this.reader.provider());
                error.kind = Kind::MidStream;
                this.report.error = Some(error.clone());
                this.end();
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.upstream.size_hint()
    }
}

impl<R: Reader> Drop for Carried<R> {
    fn drop(&mut self) {
        // An answer without a body is over before anybody asks.
        self.over |= self.upstream.is_end_stream();
        self.settle();
    }
}

impl<R: Reader> fmt::Debug for Carried<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").field("reader", &self.reader).field("over", &self.over).finish_non_exhaustive()
    }
}
