//! Sessions over WebSockets: OpenAI's realtime interface, Deepgram's `listen`, Gemini's Live API. Frames pass by as they
//! are; what they say of usage is noticed.
//! <https://platform.openai.com/docs/api-reference/realtime>, <https://www.rfc-editor.org/rfc/rfc6455>

mod frames;
mod listen;
mod live;
mod messages;
mod opening;
pub mod spoken;
mod usage;

#[cfg(test)]
mod tests;

use llm_types::Usage;

pub use frames::{Frames, close_frame};
pub use messages::{Message, Messages, frame};
pub use opening::{First, Opening, client_frame, live_model, with_live_model};

/// Bytes of an event that is read, when it does not say at its beginning what it is.
const UNKNOWN: usize = 64 << 10;
/// Bytes of an event that ends an answer, at the most.
const DONE: usize = 8 << 20;

/// Whose sessions they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's realtime interface, and its Responses over WebSockets.
    #[default]
    OpenAi,
    /// Deepgram's `listen`. `channels`: those that the query names.
    Deepgram {
        /// Channels of the sound.
        channels: u64,
    },
    /// Gemini's Live API.
    Gemini,
}

/// Reads along with what the upstream sends.
#[derive(Debug, Default)]
pub struct SessionMeter {
    frames: Frames,
    reader: Reader,
    id: Option<String>,
}

#[derive(Debug)]
enum Reader {
    OpenAi { usage: Usage, responses: u64 },
    Deepgram(listen::Heard),
    Gemini(live::Turns),
}

impl Default for Reader {
    fn default() -> Self {
        Self::OpenAi { usage: Usage::default(), responses: 0 }
    }
}

impl Reader {
    /// Takes in an event and tells the id of the session, where it names it.
    fn event(&mut self, event: &[u8]) -> Option<String> {
        match self {
            Self::OpenAi { usage, responses } => {
                let seen = usage::read(event)?;
                if let Some(more) = seen.usage {
                    if *responses == 0 {
                        *usage = more;
                    } else {
                        usage.merge(&more);
                    }
                    *responses += 1;
                }
                seen.session
            }
            Self::Deepgram(heard) => heard.event(event),
            Self::Gemini(turns) => turns.message(event),
        }
    }
}

impl SessionMeter {
    /// A meter for sessions of this kind.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        let reader = match dialect {
            Dialect::OpenAi => Reader::default(),
            Dialect::Deepgram { channels } => Reader::Deepgram(listen::Heard::new(channels)),
            Dialect::Gemini => Reader::Gemini(live::Turns::default()),
        };
        // Google sends its JSON as bytes
        let frames = Frames::reading_binary(dialect == Dialect::Gemini);
        Self { frames, reader, id: None }
    }

    /// Takes in what the upstream sent.
    pub fn feed(&mut self, chunk: &[u8]) {
        let Self { frames, reader, id } = self;
        // usage stands at the end of Google's messages, behind the sound
        let small = if matches!(reader, Reader::Gemini(_)) { DONE } else { UNKNOWN };
        frames.feed(chunk, small, DONE, |event| {
            let seen = reader.event(event);
            *id = id.take().or(seen);
        });
    }

    /// True between two frames: one of ours may be put in.
    #[must_use]
    pub fn at_border(&self) -> bool {
        self.frames.at_border()
    }

    /// A close frame went by.
    #[must_use]
    pub const fn closed(&self) -> bool {
        self.frames.closed()
    }

    /// What all answers of the session consumed.
    #[must_use]
    pub fn usage(&self) -> Usage {
        match &self.reader {
            Reader::OpenAi { usage, .. } => *usage,
            Reader::Deepgram(heard) => heard.usage(),
            Reader::Gemini(turns) => turns.usage(),
        }
    }

    /// Answers that were finished: responses, pieces of a transcript, turns.
    #[must_use]
    pub const fn responses(&self) -> u64 {
        match &self.reader {
            Reader::OpenAi { responses, .. } => *responses,
            Reader::Deepgram(heard) => heard.results,
            Reader::Gemini(turns) => turns.turns,
        }
    }

    /// The upstream's id of the session.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}
