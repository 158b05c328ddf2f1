//! The pipe of a translated stream: reader, filters, writer.

use bytes::BytesMut;
use llm_types::generate::UsageReport;
use llm_types::stream::{Assembler, Delta, Event, EventFilter, EventSink, PartStart};
use llm_types::{Error, Kind};
use llm_wire::codec::{StreamDecoder, StreamEncoder};
use llm_wire::framing::{FrameError, Framing, Splitter};
use llm_wire::sse::Item;

use crate::answer::Report;
use crate::count::{Counter, unfinished};
use crate::partial::Partial;

/// Reader, filters, writer of a translated stream.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub splitter: Splitter,
    pub decoder: Box<dyn StreamDecoder>,
    pub filters: Vec<Box<dyn EventFilter>>,
    pub writer: Writer,
}

/// The end of the pipe: notes what matters and writes the client's format.
#[derive(Debug)]
pub(crate) struct Writer {
    pub encoder: Box<dyn StreamEncoder>,
    pub out: BytesMut,
    pub usage: Option<UsageReport>,
    pub response_id: Option<String>,
    pub error: Option<Error>,
    pub ended: bool,
    /// The answer is complete.
    pub finished: bool,
    /// Something that cannot be taken back was written.
    pub committed: bool,
    pub text_bytes: u64,
    pub text_events: u64,
    pub assembler: Option<Assembler>,
    /// What the client has, where another model may go on.
    pub partial: Option<Box<Partial>>,
}

impl Writer {
    pub(crate) fn new(encoder: Box<dyn StreamEncoder>, want_content: bool) -> Self {
        Self {
            encoder,
            out: BytesMut::new(),
            usage: None,
            response_id: None,
            error: None,
            ended: false,
            finished: false,
            committed: false,
            text_bytes: 0,
            text_events: 0,
            assembler: want_content.then(Assembler::default),
            partial: None,
        }
    }

    /// Moves what was noticed into the report.
    pub(crate) fn settle(&mut self, counter: &Counter, report: &mut Report) {
        report.response_id = self.response_id.take();
        report.error = report.error.take().or_else(|| self.error.take());
        report.content = self.assembler.take().map(|a| Box::new(a.finish().0));
        self.bill(counter, report);
    }

    /// Tokens written since the last bill, estimated.
    pub(crate) fn written(&self) -> u64 {
        self.text_events.max(self.text_bytes / 4)
    }

    /// What was consumed since the last bill.
    pub(crate) fn bill(&mut self, counter: &Counter, report: &mut Report) {
        let written = self.written();
        (self.text_events, self.text_bytes) = (0, 0);
        let mut usage = self.usage.take();
        if let Some(usage) = usage.as_mut().filter(|_| !self.finished) {
            unfinished(usage, written);
        }
        counter.book(usage, written, report);
    }
}

impl EventSink for Writer {
    fn event(&mut self, event: Event<'_>) {
        if self.error.is_some() {
            return;
        }
        match &event {
            Event::Start(start) => self.response_id = Some(start.id.clone()),
            Event::Usage(report) => self.usage = Some(report.as_ref().clone()),
            Event::Delta { delta, .. } => {
                self.committed = true;
                if let Delta::Text(t) | Delta::Thinking(t) | Delta::Arguments(t) | Delta::Refusal(t) = delta {
                    self.text_bytes += t.len() as u64;
                    self.text_events += u64::from(!t.is_empty());
                }
            }
            // An opening says nothing yet: it waits for what it opens.
            Event::PartStart { kind: PartStart::Text | PartStart::Thinking, .. } => {}
            Event::PartStart { .. } | Event::Opaque { .. } => self.committed = true,
            Event::Finish { .. } => {
                self.committed = true;
                self.finished = true;
            }
            // Whoever drives the stream decides whether the client hears of it: another model may go on.
            Event::Error(error) => {
                self.error = Some(error.as_ref().clone());
                return;
            }
            Event::End => self.ended = true,
            Event::PartEnd { .. } | Event::Ping | Event::Logprobs { .. } => {}
        }
        if let Some(partial) = &mut self.partial {
            partial.note(&event);
        }
        self.encoder.event(&event, &mut self.out);
        if let Some(assembler) = &mut self.assembler {
            assembler.event(event);
        }
    }
}

impl Writer {
    /// Ends the answer with an error, in the client's format.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.encoder.event(&Event::Error(Box::new(error.clone())), &mut self.out);
        self.encoder.event(&Event::End, &mut self.out);
        self.ended = true;
    }
}

/// Sends an event through the filters from `at` on, then to the writer.
pub(crate) fn through(filters: &mut [Box<dyn EventFilter>], writer: &mut Writer, event: Event<'_>) {
    match filters.split_first_mut() {
        None => writer.event(event),
        Some((first, rest)) => first.event(event, &mut |e: Event<'_>| through(rest, writer, e)),
    }
}

impl Pipe {
    pub(crate) fn new(
        framing: Framing,
        decoder: Box<dyn StreamDecoder>,
        filters: Vec<Box<dyn EventFilter>>,
        writer: Writer,
    ) -> Self {
        Self { splitter: Splitter::new(framing, crate::stream::EVENT_LIMIT), decoder, filters, writer }
    }

    pub(crate) fn chunk(&mut self, chunk: &[u8]) -> Result<(), FrameError> {
        let Self { splitter, decoder, filters, writer } = self;
        splitter.feed(chunk, |item| {
            writer.partial.as_mut().into_iter().for_each(|p| p.frame());
            let mut sink = |e: Event<'_>| through(filters, writer, e);
            match item {
                Item::Frame(frame) => decoder.frame(&frame, &mut sink),
                Item::Comment(_) => sink(Event::Ping),
            }
        })
    }

    pub(crate) fn end(&mut self) {
        let Self { splitter, decoder, filters, writer } = self;
        writer.partial.as_mut().into_iter().for_each(|p| p.frame());
        let mut sink = |e: Event<'_>| through(filters, writer, e);
        let left = splitter.finish(|item| {
            if let Item::Frame(frame) = item {
                decoder.frame(&frame, &mut sink);
            }
        });
        match left {
            Ok(()) => decoder.end(&mut sink),
            Err(e) => {
                sink(Event::Error(Box::new(Error::new(Kind::MidStream, e.to_string()))));
                sink(Event::End);
            }
        }
    }
}
