//! Segment files: a mark, then frames of length, checksum and JSON. A torn end is cut off when reading.

use std::fs;
use std::io;
use std::path::Path;

use super::crc::crc32;
use super::entry::Entry;

/// First bytes of every segment; the digit is the version of the layout.
pub(super) const MARK: &[u8; 8] = b"LLMJRNL1";

/// Appends one frame to `out`. `None` when the entry cannot be written as JSON.
pub(super) fn write(entry: &Entry, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    if let Err(error) = serde_json::to_writer(&mut *out, entry) {
        out.truncate(start);
        return Err(error);
    }
    let (_, frame) = out.split_at_mut(start);
    let (head, body) = frame.split_at_mut(8);
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let (size, sum) = head.split_at_mut(4);
    size.copy_from_slice(&length.to_le_bytes());
    sum.copy_from_slice(&crc32(body).to_le_bytes());
    Ok(())
}

/// Reads a segment up to its end or its first broken frame.
///
/// # Errors
/// When the file cannot be read or is not a segment.
pub(super) fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let bytes = fs::read(path)?;
    // A file that ends within its mark was torn at birth: nothing was in it.
    if bytes.len() < MARK.len() && MARK.starts_with(&bytes) {
        return Ok(Vec::new());
    }
    let Some(mut rest) = bytes.strip_prefix(MARK.as_slice()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a journal segment of this version"));
    };
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let Some((entry, after)) = next(rest) else {
            tracing::warn!(file = %path.display(), lost = rest.len(), read = entries.len(), "a journal segment has a torn end");
            break;
        };
        entries.push(entry);
        rest = after;
    }
    Ok(entries)
}

fn next(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    if crc32(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    Some((serde_json::from_slice(body).ok()?, rest))
}
