//! A stream of server-sent events, cut at the borders of events only.

use bytes::{Bytes, BytesMut};

use super::scan::events_end;

/// The longest end of an event: a line end and an empty line.
const BLANK_LINE: usize = 4;

/// Cuts a stream into pieces of whole events.
#[derive(Debug, Default)]
pub struct Cutter {
    /// The beginning of an event whose end has not come yet: no border stands in it.
    tail: BytesMut,
}

impl Cutter {
    /// Takes what came and gives the events that are whole now; may be empty. A chunk of whole events is shared, not
    /// copied. Only what is new is looked at: an event may come in very many pieces.
    pub fn chunk(&mut self, chunk: Bytes) -> Bytes {
        if self.tail.is_empty() {
            let whole = events_end(&chunk);
            self.tail.extend_from_slice(chunk.get(whole..).unwrap_or_default());
            return chunk.slice(..whole);
        }
        let looked = self.tail.len().saturating_sub(BLANK_LINE - 1);
        self.tail.extend_from_slice(&chunk);
        match events_end(self.tail.get(looked..).unwrap_or_default()) {
            0 => Bytes::new(),
            end => self.tail.split_to(looked + end).freeze(),
        }
    }

    /// Bytes of the event that is not whole yet.
    #[must_use]
    pub fn held(&self) -> usize {
        self.tail.len()
    }

    /// The stream ended: what is left of an event without its empty line.
    pub fn finish(&mut self) -> Bytes {
        self.tail.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_found_whatever_the_chunks() {
        for text in
            ["data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r", "x: a\n\r\ny"]
        {
            for size in 1..9 {
                let mut cutter = Cutter::default();
                let pieces: Vec<Bytes> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
                let mut out: Vec<Bytes> = pieces.into_iter().map(|p| cutter.chunk(p)).collect();
                let first = out.iter().flatten().count();
                assert_eq!(first + cutter.held(), text.len());
                assert!(first >= 7, "chunks of {size} of {text:?}: {out:?}");
                out.push(cutter.finish());
                assert_eq!(out.concat(), text.as_bytes());
            }
        }
    }

    /// Would take hours if every byte led to a look at, or a copy of, all of the event.
    #[test]
    fn a_huge_event_may_come_byte_by_byte() {
        let mut cutter = Cutter::default();
        let byte = Bytes::from_static(b"x");
        for _ in 0..2 << 20 {
            assert!(cutter.chunk(byte.clone()).is_empty());
        }
        assert_eq!(cutter.chunk(Bytes::from_static(b"\n\n")).len(), (2 << 20) + 2);
    }
}
