//! Segment files: a mark, then frames of length, checksum and facts. A torn end is cut off when reading.

use super::Note;
use super::own::Keep;

/// First bytes of every segment; the digit is the version of the layout.
pub(super) const MARK: &[u8; 8] = b"LLMJRNL2";

/// Length and checksum, then the length of what the call has in common with others.
const HEAD: usize = 8;

/// Appends the frame of a call to `out`.
pub(super) fn put(note: &Note, keep: Keep, now: impl FnOnce() -> i64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD + 4]);
    super::alike::put(note, keep.agent_tags, out);
    let alike = out.len() - start - HEAD - 4;
    super::own::put(note, keep, now, out);
    let Some((head, body)) = out.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(HEAD)) else { return };
    if let Some(place) = body.first_chunk_mut::<4>() {
        *place = length(alike);
    }
    let sum = crc32fast::hash(body).to_le_bytes();
    let size = length(body.len());
    head.iter_mut().zip(size.into_iter().chain(sum)).for_each(|(place, byte)| *place = byte);
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// A frame: what the call has in common with others, and its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) alike: &'a [u8],
    pub(super) own: &'a [u8],
}

/// The frames of a segment without its mark, up to the first that is broken.
#[derive(Debug, Clone)]
pub(super) struct Frames<'a>(&'a [u8]);

impl<'a> Frames<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that could not be read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn split(&self) -> Option<(Frame<'a>, &'a [u8])> {
        let (size, rest) = self.0.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (size, body) = body.split_first_chunk::<4>()?;
        let (alike, own) = body.split_at_checked(u32::from_le_bytes(*size) as usize)?;
        Some((Frame { alike, own }, rest))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let (frame, rest) = self.split()?;
        self.0 = rest;
        Some(frame)
    }
}
