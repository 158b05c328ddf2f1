//! Streams whose frames are pieces of one text.

use std::borrow::Cow;
use std::fmt;

use llm_types::generate::{Finish, UsageReport};
use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Kind};

use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::openai::errors::{cut_off, failed};
use crate::sse::Frame;

/// What a frame says.
#[derive(Debug, Default)]
pub(super) struct Piece<'a> {
    pub text: Cow<'a, str>,
    /// The answer is complete.
    pub finish: Option<Finish>,
    pub usage: Option<UsageReport>,
}

/// Reads a frame; the provider is for messages.
pub(super) type Read = for<'a> fn(&'a [u8], &str) -> Result<Piece<'a>, Error>;

/// Whether the end of the connection is the end of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// A frame says so.
    Marked,
    /// Nothing else says so.
    Openly,
}

/// Reads one stream.
pub(super) struct Lines {
    brackets: Brackets,
    read: Read,
    ends: Ends,
    provider: String,
    came: bool,
}

impl Lines {
    pub(super) fn new(read: Read, ends: Ends, ctx: &ReplyContext) -> Self {
        Self { brackets: Brackets::default(), read, ends, provider: ctx.provider.clone(), came: false }
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("brackets", &self.brackets).field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl StreamDecoder for Lines {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() || frame.is_done() {
            return;
        }
        let piece = match (self.read)(&frame.data, &self.provider) {
            Ok(piece) => piece,
            Err(error) => return self.brackets.fail(error, sink),
        };
        self.came = true;
        self.brackets.start(Start::default, sink);
        self.brackets.text(piece.text, sink);
        if let Some(usage) = piece.usage {
            sink.event(Event::Usage(Box::new(usage)));
        }
        if let Some(finish) = piece.finish {
            self.brackets.ends(finish);
            self.brackets.complete(sink);
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.ends == Ends::Openly && self.came {
            return self.brackets.complete(sink);
        }
        self.brackets.fail(cut_off(&self.provider), sink);
    }
}

/// A frame that is no JSON of the language.
pub(super) fn unreadable(provider: &str, e: &serde_json::Error) -> Error {
    failed(Kind::InvalidReply, provider, &format!("a chunk of the stream is not JSON: {e}"))
}
