//! The response body: watches the clock while somebody waits, and gives its connection back at the end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::alarm::{Alarm, earlier};
use crate::pool::Lease;
use crate::{BoxError, ErrorKind, Phase, TransportError};

type BoxedStream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A response body. Read to its end, it returns the connection to the pool; dropped before, it closes it. An upstream
/// that hangs up in the middle of a message gives an error, never a silent end.
pub struct ReplyBody {
    source: Source,
    lease: Lease,
    alarm: Alarm,
    idle: Option<Duration>,
    total: Option<Instant>,
    /// Since when somebody waits for the next piece.
    waiting: Option<Instant>,
}

enum Source {
    Wire(Incoming),
    Whole(Bytes),
    Stream(BoxedStream),
    Done,
}

impl ReplyBody {
    pub(crate) fn wire(
        body: Incoming,
        lease: Lease,
        alarm: Alarm,
        idle: Option<Duration>,
        total: Option<Instant>,
    ) -> Self {
        let mut this = ReplyBody { source: Source::Wire(body), lease, alarm, idle, total, waiting: None };
        if this.is_end_stream() {
            this.finish();
        }
        this
    }

    fn detached(source: Source) -> Self {
        ReplyBody { source, lease: Lease::None, alarm: Alarm::default(), idle: None, total: None, waiting: None }
    }

    /// A body that did not come from a socket: test doubles, cached answers.
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::detached(Source::Stream(Box::pin(http_body_util::BodyExt::map_err(body, Into::into))))
    }

    /// Reads everything, at most `limit` bytes; more is [`ErrorKind::Protocol`].
    pub async fn collect(self, limit: usize) -> Result<Bytes, TransportError> {
        self.collect_within(limit).await?.ok_or_else(|| {
            let message = format!("response is longer than {limit} bytes");
            TransportError::sent(Phase::Body, ErrorKind::Protocol, message)
        })
    }

    /// Reads everything; `None` when it is longer than `limit` bytes.
    pub async fn collect_within(mut self, limit: usize) -> Result<Option<Bytes>, TransportError> {
        let mut first = Bytes::new();
        let mut all = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
            let Ok(piece) = frame?.into_data() else { continue };
            if first.len() + all.len() + piece.len() > limit {
                return Ok(None);
            }
            // Most answers come in one piece: those are not copied.
            if first.is_empty() && all.is_empty() {
                first = piece;
            } else {
                all.extend_from_slice(&std::mem::take(&mut first));
                all.extend_from_slice(&piece);
            }
        }
        Ok(Some(if all.is_empty() { first } else { all.into() }))
    }

    fn finish(&mut self) {
        self.source = Source::Done;
        std::mem::take(&mut self.lease).release(std::mem::take(&mut self.alarm));
    }

    fn fail(&mut self, error: TransportError) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.source = Source::Done;
        self.lease = Lease::None;
        Poll::Ready(Some(Err(error)))
    }

    fn overdue(&self) -> bool {
        self.total.is_some_and(|total| Instant::now() >= total)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let idle = match self.idle {
            Some(idle) => Some(*self.waiting.get_or_insert_with(Instant::now) + idle),
            None => None,
        };
        let Some(deadline) = earlier(idle, self.total) else { return Poll::Pending };
        if self.alarm.poll(cx, deadline).is_pending() {
            return Poll::Pending;
        }
        let phase = if self.total == Some(deadline) { Phase::Total } else { Phase::Body };
        self.fail(TransportError::timeout(phase, true))
    }
}

impl Default for ReplyBody {
    fn default() -> Self {
        Self::detached(Source::Done)
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self::detached(if bytes.is_empty() { Source::Done } else { Source::Whole(bytes) })
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBody").field("ended", &self.is_end_stream()).finish_non_exhaustive()
    }
}

impl HttpBody for ReplyBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        let polled = match &mut this.source {
            Source::Wire(body) => {
                Pin::new(body).poll_frame(cx).map_err(|error| TransportError::from_hyper(&error, Phase::Body, true))
            }
            Source::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Source::Stream(stream) => stream.as_mut().poll_frame(cx).map_err(foreign),
            Source::Done => return Poll::Ready(None),
        };
        match polled {
            Poll::Ready(Some(Ok(_))) if this.overdue() => this.fail(TransportError::timeout(Phase::Total, true)),
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = None;
                if this.is_end_stream() {
                    this.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => this.fail(error),
            Poll::Ready(None) => {
                this.finish();
                Poll::Ready(None)
            }
            Poll::Pending => this.wait(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Wire(body) => body.is_end_stream(),
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Stream(stream) => stream.is_end_stream(),
            Source::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Wire(body) => body.size_hint(),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Stream(stream) => stream.size_hint(),
            Source::Done => SizeHint::with_exact(0),
        }
    }
}

/// A wrapped body may carry our own error type already.
fn foreign(error: BoxError) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(ours) => *ours,
        Err(other) => TransportError::sent(Phase::Body, ErrorKind::Closed, crate::error::chain(&*other)),
    }
}
