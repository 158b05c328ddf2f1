//! How the events of a stream are cut out of its bytes.
//!
//! Decoders read [`Frame`]s; which framing they came in is the upstream's affair: server-sent events, JSON lines,
//! AWS's binary event stream, the pieces of one JSON array, or bare text.

mod array;
mod aws;
mod lines;

use std::fmt;

use crate::sse::{self, Frame, Item, LineTooLong};

/// A framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Sse,
    /// A JSON value a line; empty lines say nothing. A leading `data:` is borne.
    JsonLines,
    /// `application/vnd.amazon.eventstream`. The frame's event is `:event-type`; of exceptions it is
    /// `exception/<:exception-type>`, of errors `error/<:error-code>`. The data is the payload.
    AwsEventStream,
    /// The same, whose payloads `{"bytes": "<base64>"}` hold the model's own events.
    AwsChunks,
    /// The same, whose payloads are pieces of a text of server-sent events.
    AwsPayload,
    /// One JSON array, an element a frame.
    JsonArray,
    /// Bare text: every piece that comes is a frame.
    Text,
}

/// A stream that cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// An event is longer than the bound.
    TooLong(LineTooLong),
    /// The bytes are not what the framing says, for this reason.
    Corrupt(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(e) => write!(f, "the upstream sent an event of more than {} bytes", e.limit),
            Self::Corrupt(why) => write!(f, "the upstream's stream is corrupt: {why}"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<LineTooLong> for FrameError {
    fn from(e: LineTooLong) -> Self {
        Self::TooLong(e)
    }
}

/// Cuts a stream into frames, whatever the chunks are.
#[derive(Debug)]
pub enum Splitter {
    /// Server-sent events.
    Sse(Box<sse::Splitter>),
    /// JSON lines.
    Lines(lines::Splitter),
    /// AWS's event stream.
    Aws(aws::Splitter),
    /// A JSON array.
    Array(array::Splitter),
    /// Bare text.
    Text,
}

impl Splitter {
    /// A splitter that bears events of up to `limit` bytes.
    #[must_use]
    pub fn new(framing: Framing, limit: usize) -> Self {
        match framing {
            Framing::Sse => Self::Sse(Box::new(sse::Splitter::new(limit))),
            Framing::JsonLines => Self::Lines(lines::Splitter::new(limit)),
            Framing::AwsEventStream => Self::Aws(aws::Splitter::new(limit, aws::Payload::Event)),
            Framing::AwsChunks => Self::Aws(aws::Splitter::new(limit, aws::Payload::Chunk)),
            Framing::AwsPayload => {
                let events = Box::new(sse::Splitter::new(limit));
                Self::Aws(aws::Splitter::new(limit, aws::Payload::Sse(events)))
            }
            Framing::JsonArray => Self::Array(array::Splitter::new(limit)),
            Framing::Text => Self::Text,
        }
    }

    /// Takes a chunk and tells the items that it completes.
    ///
    /// # Errors
    /// When an event is longer than the bound, or the bytes are not of this framing. The splitter is of no use
    /// afterwards.
    pub fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        match self {
            Self::Sse(s) => Ok(s.feed(chunk, tell)?),
            Self::Lines(s) => Ok(s.feed(chunk, tell)?),
            Self::Aws(s) => s.feed(chunk, tell),
            Self::Array(s) => s.feed(chunk, tell),
            Self::Text => {
                if !chunk.is_empty() {
                    tell(Item::Frame(Frame::data(chunk)));
                }
                Ok(())
            }
        }
    }

    /// The stream ended: tells what the last bytes hold.
    ///
    /// # Errors
    /// When they are too long, or the framing broke off in the middle of an event.
    pub fn finish(&mut self, tell: impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        match self {
            Self::Sse(s) => Ok(s.finish(tell)?),
            Self::Lines(s) => {
                s.finish(tell);
                Ok(())
            }
            Self::Aws(s) => s.finish(tell),
            Self::Array(s) => s.finish(),
            Self::Text => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
