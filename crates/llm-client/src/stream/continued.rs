//! The lane of an answer that another model goes on with: its events are joined to what the client has.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use http_body::Body;
use llm_http::BoxFuture;
use llm_types::stream::{Event, EventSink};
use llm_types::{Error, Result};

use crate::answer::Report;
use crate::onward::{Continuation, Onward};
use crate::partial::Seam;
use crate::pipe::Writer;
use crate::tail::Tail;

/// An answer that is being continued.
pub(super) struct Continued {
    writer: Option<Box<Writer>>,
    seam: Seam,
    onward: Option<Box<Onward>>,
    state: State,
    /// The continuation's own report, once it is over.
    report: Slot,
    hops: u32,
}

type Slot = Arc<Mutex<Option<Box<Report>>>>;
type Opening = BoxFuture<'static, (Box<Onward>, Result<Continuation>)>;

enum State {
    Opening(Opening),
    Running(Continuation),
    Over,
}

/// What became of a continuation since it was last asked.
pub(super) enum Went {
    /// It goes on; something may have been written.
    On,
    /// It is complete.
    Ended,
    /// It broke off too.
    Broke(Error),
    /// Nobody goes on.
    Nowhere(Error),
}

impl Continued {
    pub(super) fn new(mut onward: Box<Onward>, writer: Box<Writer>, before: Option<&Report>) -> Self {
        let text = writer.partial.as_ref().map(|p| p.text.clone()).unwrap_or_default();
        let opening: Opening = Box::pin(async move {
            let continuation = onward.go_on(&text).await;
            (onward, continuation)
        });
        Self {
            writer: Some(writer),
            seam: Seam::new(before.map(|b| b.usage).unwrap_or_default()),
            onward: None,
            state: State::Opening(opening),
            report: Slot::default(),
            hops: 0,
        }
    }

    /// Waits for the next piece.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Went> {
        match &mut self.state {
            State::Opening(opening) => {
                let (onward, opened) = ready!(opening.as_mut().poll(cx));
                self.onward = Some(onward);
                Poll::Ready(match opened {
                    Ok(mut continuation) => {
                        let slot = Arc::clone(&self.report);
                        let keep = move |report: Box<Report>| {
                            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
                        };
                        continuation.body.set_tail(Box::new(keep) as Box<dyn Tail>);
                        self.hops = continuation.hops;
                        self.state = State::Running(continuation);
                        self.hear()
                    }
                    Err(error) => {
                        self.state = State::Over;
                        Went::Nowhere(error)
                    }
                })
            }
            State::Running(continuation) => {
                let ended = ready!(Pin::new(&mut *continuation.body).poll_frame(cx)).is_none();
                let went = self.hear();
                Poll::Ready(match went {
                    Went::On if ended => {
                        self.state = State::Over;
                        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                        report.as_ref().and_then(|r| r.error.clone()).map_or(Went::Ended, Went::Broke)
                    }
                    went => went,
                })
            }
            State::Over => Poll::Ready(Went::Ended),
        }
    }

    /// Writes the events that came.
    fn hear(&mut self) -> Went {
        let (State::Running(continuation), Some(writer)) = (&self.state, &mut self.writer) else { return Went::On };
        for event in continuation.heard.take() {
            if let Event::Error(error) = event {
                self.state = State::Over; // dropped, it reports what it used
                return Went::Broke(*error);
            }
            let partial = writer.partial.take().unwrap_or_default();
            let mut joined = Vec::new();
            self.seam.join(&partial, event, &mut |e| joined.push(e.into_owned()));
            writer.partial = Some(partial);
            joined.into_iter().for_each(|e| writer.event(e));
        }
        Went::On
    }

    pub(super) fn take_onward(&mut self) -> Option<Box<Onward>> {
        self.onward.take()
    }

    pub(super) fn writer(&self) -> Option<&Writer> {
        self.writer.as_deref()
    }

    pub(super) fn take_writer(&mut self) -> Option<Box<Writer>> {
        self.writer.take()
    }

    /// What was written for the client.
    pub(super) fn written(&mut self) -> BytesMut {
        self.writer.as_mut().map(|w| w.out.split()).unwrap_or_default()
    }

    pub(super) fn fail(&mut self, error: &Error) {
        if let Some(writer) = &mut self.writer {
            writer.fail(error);
        }
    }

    /// What the continuation consumed, and the whole answer if somebody wants it.
    pub(super) fn settle(&mut self, report: &mut Report) {
        self.state = State::Over;
        let own = self.report.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(own) = own {
            report.add(&own);
        }
        report.hops = report.hops.max(self.hops);
        if let Some(writer) = &mut self.writer {
            report.response_id = report.response_id.take().or_else(|| writer.response_id.take());
            report.content = writer.assembler.take().map(|a| Box::new(a.finish().0));
        }
    }
}
