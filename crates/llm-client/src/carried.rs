//! Answers whose bytes go on to the client as they come, while somebody reads along. Reported exactly once, at the end
//! or when the body is dropped.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llm_http::ReplyBody;
use llm_router::{Attempts, InFlight};
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

    /// Takes what just came and gives what of it goes on.
    fn pass(&mut self, bytes: Bytes) -> Bytes {
        self.read(&bytes);
        bytes
    }

    /// The upstream is over, well or with an error: what goes on behind all that did. Nothing where an error breaks the
    /// connection off, because half an answer must not look whole.
    fn last(&mut self, _error: Option<&Error>) -> Option<Bytes> {
        None
    }

    /// The error that it found in what came: nothing goes on behind it.
    fn found(&mut self) -> Option<Error> {
        None
    }

    /// What goes on may be longer or shorter than what comes.
    fn changes(&self) -> bool {
        false
    }

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
    /// The router wants to know of an answer that breaks off.
    attempts: Option<Box<Attempts>>,
}

impl<R: Reader> Carried<R> {
    pub(crate) fn new(upstream: ReplyBody, reader: R) -> Self {
        Self { upstream, reader, report: Box::default(), over: false, tail: None, in_flight: None, attempts: None }
    }

    /// The upstream's status is one of failure.
    pub(crate) fn failed(&mut self, error: Error) {
        self.report.error = Some(error);
    }

    pub(crate) fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    pub(crate) fn failure(&self) -> Option<&Error> {
        self.report.error.as_ref()
    }

    pub(crate) fn keep(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }

    /// Tells the router when the answer breaks off.
    pub(crate) fn watch(&mut self, attempts: Box<Attempts>) {
        self.attempts = Some(attempts);
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
        if let (Some(mut attempts), Some(error)) = (self.attempts.take(), &report.error) {
            attempts.broke(error, Instant::now());
        }
        if let Some(in_flight) = &self.in_flight {
            in_flight.finish(report.consumed(), Instant::now());
        }
        report
    }

    /// The upstream came to its end: what goes on last.
    fn last(&mut self) -> Bytes {
        let last = self.reader.last(None).unwrap_or_default();
        self.ended_by(None);
        last
    }

    /// It ends here, by this error, by one that the reader found, or well.
    fn ended_by(&mut self, error: Option<Error>) {
        if let Some(error) = error.or_else(|| self.reader.found()) {
            self.report.error = Some(error);
        }
        self.end();
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
        while !this.over {
            let bytes = match ready!(Pin::new(&mut this.upstream).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    this.report.first_byte.get_or_insert_with(Instant::now);
                    let data = match frame.into_data() {
                        Ok(data) => data,
                        Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    };
                    let mut bytes = this.reader.pass(data);
                    if let Some(error) = this.reader.found() {
                        this.ended_by(Some(error));
                    } else if this.upstream.is_end_stream() {
                        // a body of known length is not asked for its end
                        bytes = joined(bytes, this.last());
                    }
                    bytes
                }
                Some(Err(e)) => {
                    let mut error = transport_error(&e, this.reader.provider());
                    error.kind = Kind::MidStream;
                    let told = this.reader.last(Some(&error));
                    this.ended_by(Some(error.clone()));
                    let Some(told) = told else { return Poll::Ready(Some(Err(error))) };
                    told
                }
                None => this.last(),
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        if self.reader.changes() { self.over } else { self.upstream.is_end_stream() }
    }

    fn size_hint(&self) -> SizeHint {
        if self.reader.changes() { SizeHint::default() } else { self.upstream.size_hint() }
    }
}

fn joined(first: Bytes, second: Bytes) -> Bytes {
    match (first.is_empty(), second.is_empty()) {
        (_, true) => first,
        (true, false) => second,
        (false, false) => [first, second].concat().into(),
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
