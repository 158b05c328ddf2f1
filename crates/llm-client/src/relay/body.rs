//! The bytes of a relayed answer: they go on as they come; the meter reads along. Reported exactly once.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llm_http::ReplyBody;
use llm_router::InFlight;
use llm_types::{Error, Kind};
use llm_wire::meter::{Meter, Metered};

use super::tariff::{Biller, Tariff};
use crate::answer::Report;
use crate::engine::Engine;
use crate::tail::Tail;
use crate::transport::transport_error;

/// The bytes of a relayed answer.
pub struct RelayBody {
    upstream: ReplyBody,
    meter: Option<Meter>,
    biller: Biller,
    report: Box<Report>,
    over: bool,
    tail: Option<Box<dyn Tail>>,
    in_flight: Option<InFlight>,
}

impl RelayBody {
    pub(super) fn new(upstream: ReplyBody, meter: Option<Meter>, tariff: Tariff, engine: &Engine) -> Self {
        let biller = Biller::new(tariff, engine);
        Self { upstream, meter, biller, report: Box::default(), over: false, tail: None, in_flight: None }
    }

    /// The upstream's status is one of failure.
    pub(super) fn failed(&mut self, error: Error) {
        self.report.error = Some(error);
    }

    pub(super) fn failure(&self) -> Option<&Error> {
        self.report.error.as_ref()
    }

    pub(super) fn keep(&mut self, in_flight: InFlight) {
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
        let provider = self.biller.tariff.provider.clone();
        let bytes =
            std::mem::take(&mut self.upstream).collect(limit).await.map_err(|e| transport_error(&e, &provider))?;
        if let Some(meter) = &mut self.meter {
            meter.feed(&bytes);
        }
        self.over = true;
        Ok((bytes, self.finished()))
    }

    fn finished(&mut self) -> Box<Report> {
        let mut report = std::mem::take(&mut self.report);
        report.interrupted = !self.over;
        report.upstream_done = Some(Instant::now());
        let failed = report.error.is_some();
        let seen = self.meter.take().map_or_else(Metered::default, |meter| meter.finish(self.over && !failed));
        if !failed || seen.usage.is_some() || seen.written() > 0 {
            self.biller.book(seen, self.over && !failed, &mut report);
        }
        if let Some(in_flight) = &self.in_flight {
            in_flight.add_tokens(report.usage.total_tokens(), Instant::now());
        }
        report
    }

    fn settle(&mut self) {
        let Some(tail) = self.tail.take() else { return };
        let report = self.finished();
        tail.done(report);
    }
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.upstream).poll_frame(cx)) {
            Some(Ok(frame)) => {
                this.report.first_byte.get_or_insert_with(Instant::now);
                if let (Some(meter), Some(data)) = (&mut this.meter, frame.data_ref()) {
                    meter.feed(data);
                }
                if this.upstream.is_end_stream() {
                    // A body of known length is not asked for its end.
                    this.over = true;
                    this.settle();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(e)) => {
                // Half an answer must not look whole: the connection breaks off.
                let mut error = transport_error(&e, &this.biller.tariff.provider);
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

    fn is_end_stream(&self) -> bool {
        self.upstream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.upstream.size_hint()
    }
}

impl Drop for RelayBody {
    fn drop(&mut self) {
        // An answer without a body is over before anybody asks.
        self.over |= self.upstream.is_end_stream();
        self.settle();
    }
}

impl fmt::Debug for RelayBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayBody").field("over", &self.over).finish_non_exhaustive()
    }
}
