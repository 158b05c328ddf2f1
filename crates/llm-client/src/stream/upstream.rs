//! What comes from the upstream, and how it ends.

use bytes::Bytes;
use llm_types::{Error, Format, Kind};
use llm_wire::framing::FrameError;
use llm_wire::relay::Seen;

use super::begin::HELD_BYTES;
use super::{KEPT_BYTES, Lane, StreamBody};

impl StreamBody {
    pub(super) fn committed(&self) -> bool {
        match &self.lane {
            Lane::Relay(relay) => relay.seen().begun || self.ready.len() + self.relayed.len() > HELD_BYTES,
            Lane::Translate(pipe) => pipe.writer.committed || self.ready.len() > HELD_BYTES,
            Lane::Replay(_) | Lane::Continued(_) => true,
        }
    }

    /// From now on the client hears of errors.
    pub(super) fn commit(&mut self) {
        self.primed = true;
        if let Lane::Translate(pipe) = &mut self.lane {
            pipe.writer.committed = true;
        }
    }

    /// Something is there for the client, and held back.
    pub(super) fn holds(&self) -> bool {
        !self.ready.is_empty() || !self.relayed.is_empty()
    }

    pub(super) fn chunk(&mut self, data: Bytes) {
        if let Some(tap) = &mut self.tap {
            tap.chunk(&data);
        }
        if let Some(kept) = &mut self.kept {
            kept.bytes += data.len();
            kept.pieces.push(data.clone());
            if kept.bytes > KEPT_BYTES {
                self.kept = None;
            }
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
                self.over |= pipe.writer.ended;
                if let Some(error) = pipe.writer.error.take() {
                    return self.fail(error);
                }
                result.err()
            }
            Lane::Replay(_) | Lane::Continued(_) => None,
        };
        if let Lane::Relay(relay) = &self.lane
            && let Some(error) = self.failed(relay.seen())
        {
            return self.fail(error);
        }
        if let Some(e) = broken {
            self.fail(Error::new(Kind::MidStream, e.to_string()));
        }
    }

    /// The error that the upstream told within a stream that is forwarded. Where it gave up, it may still tell what was consumed:
    /// the end of its stream is waited for.
    fn failed(&self, seen: &Seen) -> Option<Error> {
        if seen.malformed {
            return Some(Error::new(Kind::MidStream, "the upstream sent an event that is not JSON"));
        }
        if let Some(raw) = &seen.error {
            let mut error = self.counter.error_in_stream(raw, &self.ctx);
            error.side = llm_types::Side::Upstream;
            return Some(error);
        }
        (seen.gave_up && seen.done).then(|| self.gave_up())
    }

    fn gave_up(&self) -> Error {
        llm_wire::openai::errors::gave_up(self.counter.provider())
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
                let Lane::Relay(relay) = &self.lane else { return };
                let seen = relay.seen();
                if let Some(error) = self.failed(seen).or_else(|| seen.gave_up.then(|| self.gave_up())) {
                    return self.fail(error);
                }
                if !seen.finished {
                    return self.fail(Error::new(
                        Kind::MidStream,
                        "the upstream ended its stream before the answer was complete",
                    ));
                }
                if !seen.done {
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
                if let Some(error) = pipe.writer.error.take() {
                    return self.fail(error);
                }
            }
            Lane::Replay(_) | Lane::Continued(_) => {}
        }
        self.over = true;
    }
}
