//! What comes from the upstream, and how it ends.

use bytes::Bytes;
use llm_types::stream::{Event, EventSink};
use llm_types::{Error, Format, Kind};
use llm_wire::framing::FrameError;

use super::{Lane, StreamBody};

impl StreamBody {
    pub(super) fn committed(&self) -> bool {
        match &self.lane {
            Lane::Relay(_) => !self.relayed.is_empty() || !self.ready.is_empty(),
            Lane::Translate(pipe) => pipe.writer.committed,
            Lane::Replay(_) => true,
        }
    }

    pub(super) fn error_before_commit(&mut self) -> Option<Error> {
        match &mut self.lane {
            Lane::Relay(_) => self.report.error.clone().filter(|_| self.ready.is_empty()),
            Lane::Translate(pipe) => (!pipe.writer.committed).then(|| pipe.writer.error.clone()).flatten(),
            Lane::Replay(_) => None,
        }
    }

    pub(super) fn chunk(&mut self, data: Bytes) {
        if let Some(tap) = &mut self.tap {
            tap.chunk(&data);
        }
        let broken: Option<FrameError> = match &mut self.lane {
            Lane::Relay(relay) => match relay.chunk(data) {
                Ok(out) if self.relayed.is_empty() => {
                    self.relayed = out;
                    None
                }
                Ok(out) => {
                    self.ready.extend_from_slice(&std::mem::take(&mut self.relayed));
                    self.relayed = out;
                    None
                }
                Err(e) => Some(e.into()),
            },
            Lane::Translate(pipe) => {
                let result = pipe.chunk(&data);
                self.ready.unsplit(pipe.writer.out.split());
                if pipe.writer.ended {
                    self.over = true;
                }
                result.err()
            }
            Lane::Replay(_) => None,
        };
        if let Lane::Relay(relay) = &self.lane
            && relay.seen().malformed
        {
            return self.fail(Error::new(Kind::MidStream, "the upstream sent an event that is not JSON"));
        }
        if let Lane::Relay(relay) = &self.lane
            && let Some(raw) = &relay.seen().error
        {
            let mut error = self.counter.error_in_stream(raw, &self.ctx);
            error.side = llm_types::Side::Upstream;
            return self.fail(error);
        }
        if let Some(e) = broken {
            self.fail(Error::new(Kind::MidStream, e.to_string()));
        }
    }

    /// The format's end marker was forwarded.
    pub(super) fn end_marked(&self) -> bool {
        matches!(&self.lane, Lane::Relay(relay) if relay.seen().done)
    }

    /// The upstream closed its body properly.
    pub(super) fn upstream_end(&mut self) {
        if self.over {
            return;
        }
        match &mut self.lane {
            Lane::Relay(relay) => {
                let rest = relay.finish();
                self.ready.extend_from_slice(&std::mem::take(&mut self.relayed));
                self.ready.extend_from_slice(&rest);
                let seen = relay.seen();
                if seen.error.is_none() && !seen.finished {
                    return self.fail(Error::new(
                        Kind::MidStream,
                        "the upstream ended its stream before the answer was complete",
                    ));
                }
                if !seen.done && seen.error.is_none() {
                    // The answer is complete, only the end marker is missing: clients wait for it.
                    self.ready.extend_from_slice(match self.codec.format() {
                        Format::OpenAiChat | Format::OpenAiResponses => b"data: [DONE]\n\n".as_slice(),
                        Format::AnthropicMessages => b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                        _ => b"",
                    });
                }
            }
            Lane::Translate(pipe) => {
                pipe.end();
                self.ready.unsplit(pipe.writer.out.split());
            }
            Lane::Replay(_) => {}
        }
        self.over = true;
    }

    /// Ends the stream with an error event in the client's format.
    pub(super) fn fail(&mut self, error: Error) {
        match &mut self.lane {
            Lane::Relay(_) => {
                self.ready.extend_from_slice(&std::mem::take(&mut self.relayed));
                let untold = !self.primed && self.ready.is_empty(); // the call fails as a whole
                if !untold && let Some(mut encoder) = self.codec.stream_encoder(&self.ctx) {
                    encoder.event(&Event::Error(Box::new(error.clone())), &mut self.ready);
                }
            }
            Lane::Translate(pipe) => {
                pipe.writer.event(Event::Error(Box::new(error.clone())));
                pipe.writer.event(Event::End);
                self.ready.unsplit(pipe.writer.out.split());
            }
            Lane::Replay(_) => {}
        }
        self.report.error = Some(error);
        self.over = true;
    }
}
