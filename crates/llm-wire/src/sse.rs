//! Server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
//!
//! [`Splitter`] cuts a byte stream into frames whatever the chunks are: CR, LF and CRLF end lines, a byte order mark
//! is skipped, several `data` lines are joined by a line feed, comments are told as pings. A frame whose data is one
//! line inside one chunk is borrowed from it. Lines are bounded: longer ones are an error, not memory.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The `event` field.
    pub event: Option<Cow<'a, str>>,
    /// The `data` lines, joined.
    pub data: Cow<'a, [u8]>,
    /// The `id` field.
    pub id: Option<Cow<'a, str>>,
}

impl<'a> Frame<'a> {
    /// A frame of data alone.
    #[must_use]
    pub fn data(data: &'a [u8]) -> Self {
        Self { event: None, data: Cow::Borrowed(data), id: None }
    }

    /// True for the end marker of OpenAI-like streams.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.data.trim_ascii() == b"[DONE]"
    }
}

/// What the splitter found.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An event.
    Frame(Frame<'a>),
    /// A comment line, without its colon: some servers send them to keep the connection alive.
    Comment(&'a [u8]),
}

/// A line was longer than the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong {
    /// The bound, in bytes.
    pub limit: usize,
}

/// Cuts a byte stream into events.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    /// The unfinished line of earlier chunks.
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    event: Option<String>,
    id: Option<String>,
    /// The last chunk ended in CR: a LF that follows belongs to it.
    after_cr: bool,
    at_start: bool,
}

impl Splitter {
    /// A splitter that bears events of up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: None,
            id: None,
            after_cr: false,
            at_start: true,
        }
    }

    /// Takes a chunk and tells the items that it completes.
    ///
    /// # Errors
    /// When a line, or the data of one event, is longer than the bound. The splitter is of no use afterwards.
    pub fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(Item<'_>)) -> Result<(), LineTooLong> {
        let mut rest = chunk;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                rest = after;
                continue;
            }
            let Some(at) = memchr2(b'\n', b'\r', rest) else {
                return self.keep(rest);
            };
            let (line, tail) = rest.split_at(at);
            self.after_cr = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.line(line, &mut tell)?;
            } else {
                self.keep(line)?;
                let whole = std::mem::take(&mut self.line);
                self.line(&whole, &mut tell)?;
                self.line = whole;
                self.line.clear();
            }
        }
        Ok(())
    }

    /// The stream ended. An event without its empty line is told too: the specification drops it, but providers
    /// that forget the last line end must not lose their last event.
    ///
    /// # Errors
    /// When the data of the last event is longer than the bound.
    pub fn finish(&mut self, mut tell: impl FnMut(Item<'_>)) -> Result<(), LineTooLong> {
        if !self.line.is_empty() {
            let whole = std::mem::take(&mut self.line);
            self.line(&whole, &mut tell)?;
        }
        self.dispatch(&mut tell);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), LineTooLong> {
        if self.line.len() + bytes.len() > self.limit {
            return Err(LineTooLong { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8], tell: &mut impl FnMut(Item<'_>)) -> Result<(), LineTooLong> {
        let line = match std::mem::take(&mut self.at_start) {
            true => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            false => line,
        };
        if line.is_empty() {
            self.dispatch(tell);
            return Ok(());
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(at) => {
                let value = line.get(at + 1..).unwrap_or_default();
                (line.get(..at).unwrap_or_default(), value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"" => tell(Item::Comment(line.get(1..).unwrap_or_default())),
            b"data" => {
                if self.data.len() + value.len() > self.limit {
                    return Err(LineTooLong { limit: self.limit });
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => self.event = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" => self.id = Some(String::from_utf8_lossy(value).into_owned()),
            _ => {} // `retry` and unknown fields: the specification says to ignore them
        }
        Ok(())
    }

    fn dispatch(&mut self, tell: &mut impl FnMut(Item<'_>)) {
        let event = self.event.take();
        if std::mem::take(&mut self.has_data) {
            tell(Item::Frame(Frame {
                event: event.as_deref().map(Cow::Borrowed),
                data: Cow::Borrowed(&self.data),
                id: self.id.as_deref().map(Cow::Borrowed),
            }));
        }
        self.data.clear();
    }
}

/// Writes an event: an optional name and one line of data.
pub fn write(event: Option<&str>, data: &[u8], out: &mut BytesMut) {
    out.reserve(data.len() + 32);
    if let Some(event) = event {
        out.put_slice(b"event: ");
        out.put_slice(event.as_bytes());
        out.put_slice(b"\n");
    }
    out.put_slice(b"data: ");
    out.put_slice(data);
    out.put_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut out = Vec::new();
        let mut s = Splitter::new(64);
        let mut tell = |i: Item<'_>| {
            out.push(match i {
                Item::Frame(f) => format!("{:?}|{}", f.event, String::from_utf8_lossy(&f.data)),
                Item::Comment(c) => format!("#{}", String::from_utf8_lossy(c)),
            });
        };
        chunks.iter().for_each(|c| s.feed(c, &mut tell).unwrap());
        s.finish(&mut tell).unwrap();
        out
    }

    #[test]
    fn every_cut_gives_the_same_events() {
        let text = "\u{feff}event: a\r\ndata: {\"x\":\"é\"}\r\n\r\n: ping\ndata:1\rdata: 2\r\rid: 7\nretry: 3\ndata\n\ndata: last";
        let whole = split(&[text.as_bytes()]);
        assert_eq!(whole, ["Some(\"a\")|{\"x\":\"é\"}", "# ping", "None|1\n2", "None|", "None|last"]);
        for size in 1..12 {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(split(&chunks), whole, "chunks of {size}");
        }
    }

    #[test]
    fn long_lines_are_refused() {
        let mut s = Splitter::new(8);
        assert!(s.feed(b"data: 123456789", |_| {}).is_err());
        let mut s = Splitter::new(16);
        assert!(s.feed(b"data: 0123456789\ndata: 0123456789\n", |_| {}).is_err());
    }
}
