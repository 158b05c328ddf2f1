//! A stream that broke off: another model goes on, or the client is told.

use std::time::Instant;

use llm_types::stream::{Event, EventSink};
use llm_types::{Error, Kind};
use llm_wire::sse::{Item, Splitter};

use super::continued::{Continued, Went};
use super::{EVENT_LIMIT, Lane, StreamBody, Watch};
use crate::answer::Report;
use crate::pipe::Writer;
use crate::send::classed;

/// Tokens between two questions whether an answer may go on.
const ASKED_EVERY: u64 = 32;

impl StreamBody {
    /// Nothing more comes from this upstream. What the client has not read yet still goes out.
    pub(super) fn fail(&mut self, error: Error) {
        if let Lane::Relay(_) = &self.lane {
            self.ready.extend_from_slice(&std::mem::take(&mut self.relayed));
        }
        self.broke.get_or_insert_with(|| if error.kind == Kind::MidStream { classed(error) } else { error });
    }

    /// Asks the tail now and then whether the answer may go on; if not, the client is told and the upstream is left.
    pub(super) fn stop_if_it_has_to(&mut self) {
        let written = match &self.lane {
            Lane::Relay(relay) => relay.seen().estimated_output_tokens(),
            Lane::Translate(pipe) => pipe.writer.written(),
            Lane::Continued(continued) => continued.writer().map_or(0, Writer::written),
            Lane::Replay(_) => 0,
        };
        let before = self.before.as_ref().map_or(0, |before| before.usage.total_output());
        let written = written.saturating_add(before);
        if written < self.asked.saturating_add(ASKED_EVERY) || self.over || self.broke.is_some() || self.end_marked() {
            return;
        }
        self.asked = written;
        let Some(error) = self.tail.as_mut().and_then(|tail| tail.stops(written)) else { return };
        tracing::info!(%error, "a stream ends before its answer does");
        // Nobody is to blame, and nobody may go on.
        self.watch = Watch::Nobody;
        self.upstream = llm_http::ReplyBody::from(bytes::Bytes::new());
        self.ready.extend_from_slice(&std::mem::take(&mut self.relayed));
        self.tell(error);
    }

    /// Lets another model go on, or tells the client.
    pub(super) fn mend(&mut self, error: Error) {
        match std::mem::take(&mut self.watch) {
            Watch::Onward(onward) if onward.allows(&error) => match self.writer_so_far() {
                Some(writer) => self.go_on(onward, writer, error),
                None => {
                    self.watch = Watch::Onward(onward);
                    self.tell(error);
                }
            },
            watch => {
                self.watch = watch;
                self.tell(error);
            }
        }
    }

    fn go_on(&mut self, mut onward: Box<crate::onward::Onward>, writer: Box<Writer>, error: Error) {
        onward.attempts.broke(&error, Instant::now());
        tracing::warn!(%error, "a stream broke off; another model is asked to go on");
        self.upstream = llm_http::ReplyBody::from(bytes::Bytes::new());
        self.lane = Lane::Continued(Box::new(Continued::new(onward, writer, self.before.as_deref())));
    }

    /// The writer that has written what the client has, while the bill of who broke off is put aside; nothing when nobody
    /// can go on there.
    fn writer_so_far(&mut self) -> Option<Box<Writer>> {
        let fit = |writer: &Writer| writer.partial.as_ref().is_some_and(|p| p.fit());
        let mut bill = Report::default();
        let writer = match &mut self.lane {
            Lane::Relay(_) => {
                let writer = self.rewritten().filter(|w| fit(w))?;
                self.tap = None; // the writer puts the answer together from now on
                if let Lane::Relay(relay) = &mut self.lane {
                    self.counter.relayed(relay.take_seen(), &mut bill);
                }
                self.report.response_id.clone_from(&bill.response_id);
                writer
            }
            Lane::Translate(pipe) if fit(&pipe.writer) => {
                pipe.writer.bill(&self.counter, &mut bill);
                let unused = Writer::new(self.codec.stream_encoder(&self.ctx)?, false);
                Box::new(std::mem::replace(&mut pipe.writer, unused))
            }
            Lane::Continued(continued) if continued.writer().is_some_and(fit) => {
                let writer = continued.take_writer();
                continued.settle(&mut bill);
                writer?
            }
            _ => return None,
        };
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.finish(bill.consumed(), Instant::now());
        }
        match &mut self.before {
            Some(before) => before.add(&bill),
            None => self.before = Some(Box::new(bill)),
        }
        Some(writer)
    }

    /// What was relayed, read and written anew: the writer then stands where the client stands.
    fn rewritten(&mut self) -> Option<Box<Writer>> {
        let kept = self.kept.take()?;
        let mut decoder = llm_wire::registry::upstream_generate(self.counter.format)?.stream_decoder(&self.ctx)?;
        let mut writer = Writer::new(self.codec.stream_encoder(&self.ctx)?, self.tap.is_some());
        writer.partial = Some(Box::default());
        writer.committed = true;
        let mut splitter = Splitter::new(EVENT_LIMIT);
        let mut failed = false; // the client was not shown what tells the failure
        for piece in kept.pieces {
            // What cannot be read was not sent either.
            let fed = splitter.feed(&piece, |item| {
                let Item::Frame(frame) = item else { return };
                let mut read = Vec::new();
                decoder.frame(&frame, &mut |e: Event<'_>| read.push(e.into_owned()));
                failed |= read.iter().any(|e| matches!(e, Event::Error(_)));
                if !failed {
                    read.into_iter().for_each(|e| writer.event(e));
                }
            });
            if fed.is_err() {
                break;
            }
        }
        writer.out.clear();
        (writer.text_events, writer.text_bytes, writer.usage) = (0, 0, None);
        Some(Box::new(writer))
    }

    /// What became of a continuation since it was last asked.
    pub(super) fn went_on(&mut self, went: Went) {
        let Lane::Continued(continued) = &mut self.lane else { return };
        self.ready.unsplit(continued.written());
        match went {
            // The bill must be made before the end is handed over.
            Went::On => self.over |= continued.writer().is_some_and(|writer| writer.ended),
            Went::Ended => self.over = true,
            Went::Broke(error) => {
                if let Some(onward) = continued.take_onward() {
                    self.watch = Watch::Onward(onward);
                }
                self.broke = Some(error);
            }
            Went::Nowhere(error) => self.tell(error),
        }
    }

    /// Ends the stream with an error event in the client's format.
    fn tell(&mut self, error: Error) {
        match &mut self.lane {
            Lane::Relay(_) => {
                if let Some(mut encoder) = self.codec.stream_encoder(&self.ctx) {
                    encoder.event(&Event::Error(Box::new(error.clone())), &mut self.ready);
                }
            }
            Lane::Translate(pipe) => {
                pipe.writer.fail(&error);
                self.ready.unsplit(pipe.writer.out.split());
            }
            Lane::Continued(continued) => {
                continued.fail(&error);
                self.ready.unsplit(continued.written());
            }
            Lane::Replay(_) => {}
        }
        self.report.error = Some(error);
        self.over = true;
    }
}
