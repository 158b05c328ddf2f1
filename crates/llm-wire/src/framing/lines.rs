//! JSON lines.

use crate::sse::{Frame, Item, LineTooLong};

/// Cuts a stream into its lines.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    /// The unfinished line of earlier chunks.
    line: Vec<u8>,
}

impl Splitter {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new() }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(Item<'_>)) -> Result<(), LineTooLong> {
        let mut rest = chunk;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, tail) = rest.split_at(at);
            rest = tail.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                say(line, &mut tell);
            } else {
                self.keep(line)?;
                say(&self.line, &mut tell);
                self.line.clear();
            }
        }
        self.keep(rest)
    }

    pub(super) fn finish(&mut self, mut tell: impl FnMut(Item<'_>)) {
        say(&self.line, &mut tell);
        self.line.clear();
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), LineTooLong> {
        if self.line.len() + bytes.len() > self.limit {
            return Err(LineTooLong { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

fn say(line: &[u8], tell: &mut impl FnMut(Item<'_>)) {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"data:").map_or(line, <[u8]>::trim_ascii_start);
    if !line.is_empty() {
        tell(Item::Frame(Frame::data(line)));
    }
}
