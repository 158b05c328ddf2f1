//! AWS's binary event stream, `application/vnd.amazon.eventstream`:
//! <https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>.

use super::FrameError;
use crate::sse::Item;

/// Cuts an event stream into its messages.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    chunks: bool,
}

impl Splitter {
    pub(super) const fn new(limit: usize, chunks: bool) -> Self {
        Self { limit, chunks }
    }

    pub(super) fn feed(&mut self, _chunk: &[u8], _tell: impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        Err(FrameError::Corrupt(format!("no event stream is read yet ({}, {})", self.limit, self.chunks)))
    }

    pub(super) fn finish(&mut self) -> Result<(), FrameError> {
        Ok(())
    }
}
