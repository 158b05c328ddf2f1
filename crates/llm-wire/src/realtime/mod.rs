//! Sessions over WebSockets: OpenAI's realtime interface. Frames pass by as they are; what they say of usage is noticed.
//! <https://platform.openai.com/docs/api-reference/realtime>, <https://www.rfc-editor.org/rfc/rfc6455>

mod frames;
mod usage;

#[cfg(test)]
mod tests;

use llm_types::Usage;

pub use frames::{Frames, close_frame};

/// Bytes of an event that is read, when it does not say at its beginning what it is.
const UNKNOWN: usize = 64 << 10;
/// Bytes of an event that ends an answer, at the most.
const DONE: usize = 8 << 20;

/// Reads along with what the upstream sends.
#[derive(Debug, Default)]
pub struct SessionMeter {
    frames: Frames,
    usage: Usage,
    responses: u64,
    id: Option<String>,
}

impl SessionMeter {
    /// Takes in what the upstream sent.
    pub fn feed(&mut self, chunk: &[u8]) {
        let Self { frames, usage, responses, id } = self;
        frames.feed(chunk, UNKNOWN, DONE, |event| {
            let Some(seen) = usage::read(event) else { return };
            *id = id.take().or(seen.session);
            if let Some(more) = seen.usage {
                if *responses == 0 {
                    *usage = more;
                } else {
                    usage.merge(&more);
                }
                *responses += 1;
            }
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
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Answers that were finished.
    #[must_use]
    pub const fn responses(&self) -> u64 {
        self.responses
    }

    /// The upstream's id of the session.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}
