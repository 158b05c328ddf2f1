//! Answers to tasks that go on as they come: sound, or events.

use bytes::Bytes;
use llm_http::ReplyBody;
use llm_router::InFlight;
use llm_types::Error;
use llm_types::generate::UsageReport;
use llm_wire::task::Sizing;

use crate::answer::Report;
use crate::carried::{Carried, Reader};
use crate::count::Counter;
use crate::events_out::Events;

/// The bytes of a task's answer.
pub type ByteStream = Carried<TaskReader>;

/// Knows what a task consumed: the request says it, or one of the events.
#[derive(Debug)]
pub struct TaskReader {
    usage: Option<UsageReport>,
    sizing: Sizing,
    /// The bytes are events, one of which may tell the usage.
    events: Option<Box<Events>>,
    counter: Counter,
}

impl ByteStream {
    /// `known`: what the request says of usage and price; `events`: the events, if the bytes are such.
    pub(crate) fn of_task(
        upstream: ReplyBody,
        in_flight: InFlight,
        events: Option<Events>,
        known: (Option<UsageReport>, Sizing),
        counter: Counter,
    ) -> Self {
        let (usage, sizing) = known;
        let mut body = Self::new(upstream, TaskReader { usage, sizing, events: events.map(Box::new), counter });
        body.keep(in_flight);
        body
    }
}

impl Reader for TaskReader {
    fn provider(&self) -> &str {
        self.counter.provider()
    }

    fn read(&mut self, bytes: &[u8]) {
        if let Some(events) = &mut self.events {
            events.read(bytes);
        }
    }

    fn pass(&mut self, bytes: Bytes) -> Bytes {
        match &mut self.events {
            Some(events) => events.pass(bytes),
            None => bytes,
        }
    }

    fn last(&mut self, error: Option<&Error>) -> Option<Bytes> {
        // half a sound has no place for an error
        Some(self.events.as_mut()?.last(error))
    }

    fn found(&mut self) -> Option<Error> {
        self.events.as_mut()?.error.take()
    }

    fn changes(&self) -> bool {
        self.events.is_some()
    }

    fn book(&mut self, _complete: bool, report: &mut Report) {
        let told = self.events.as_mut().and_then(|events| events.usage.take());
        let usage = told.or_else(|| self.usage.take()).unwrap_or_default();
        self.counter.book_task(usage, &self.sizing, report);
    }
}
