//! AWS's binary event stream, `application/vnd.amazon.eventstream`:
//! <https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>.
//!
//! A message is a prelude (length of all, length of the headers, CRC-32 of both), headers, a payload, and the CRC-32 of
//! everything before it. The prelude is checked before its lengths are believed, so that garbage is an error and not
//! memory. The parser is our own: the format is this page, and AWS's crate would bring its type system along.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::FrameError;
use crate::sse::{self, Frame, Item, LineTooLong};

/// Length of all, length of the headers, checksum of both.
const PRELUDE: usize = 12;
/// The checksum behind the payload.
const CHECKSUM: usize = 4;

/// Cuts an event stream into its messages.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    payload: Payload,
    /// The unfinished message of earlier chunks.
    held: Vec<u8>,
    /// Payloads that had to be decoded.
    scratch: Vec<u8>,
}

/// What payloads hold.
#[derive(Debug)]
pub(super) enum Payload {
    /// The event itself.
    Event,
    /// `{"bytes": "<base64>"}` around the model's own event.
    Chunk,
    /// Pieces of a text of server-sent events, cut anywhere.
    Sse(Box<sse::Splitter>),
}

impl Splitter {
    pub(super) const fn new(limit: usize, payload: Payload) -> Self {
        Self { limit, payload, held: Vec::new(), scratch: Vec::new() }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        let mut rest = chunk;
        // A message that was cut: take from the chunk what it lacks, no more.
        while !self.held.is_empty() && !rest.is_empty() {
            let wanted = match length(&self.held, self.limit)? {
                Some(total) => total,
                None => PRELUDE,
            };
            let (more, tail) = rest.split_at_checked(wanted - self.held.len()).unwrap_or((rest, &[]));
            self.held.extend_from_slice(more);
            rest = tail;
            if length(&self.held, self.limit)? == Some(self.held.len()) {
                let whole = std::mem::take(&mut self.held);
                self.message(&whole, &mut tell)?;
                self.held = whole;
                self.held.clear();
            }
        }
        while let Some(total) = length(rest, self.limit)?
            && let Some((whole, tail)) = rest.split_at_checked(total)
        {
            self.message(whole, &mut tell)?;
            rest = tail;
        }
        self.held.extend_from_slice(rest);
        Ok(())
    }

    pub(super) fn finish(&mut self, tell: impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        if !self.held.is_empty() {
            return Err(corrupt("it ends in the middle of a message"));
        }
        match &mut self.payload {
            Payload::Sse(inner) => Ok(inner.finish(tell)?),
            Payload::Event | Payload::Chunk => Ok(()),
        }
    }

    fn message(&mut self, whole: &[u8], tell: &mut impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        let (checked, sum) = whole.split_at_checked(whole.len() - CHECKSUM).ok_or_else(|| corrupt("too short"))?;
        if word(sum) != Some(crc32fast::hash(checked)) {
            return Err(corrupt("a message's checksum is wrong"));
        }
        let headers = whole.get(4..8).and_then(word).unwrap_or(0) as usize;
        let body = checked.get(PRELUDE..).unwrap_or_default();
        let (headers, payload) = body.split_at_checked(headers).ok_or_else(|| corrupt("headers are too long"))?;
        let names = Names::read(headers)?;
        let event = names.event();
        let frame = |data| Frame { event: event.clone(), data, id: None };
        match &mut self.payload {
            _ if names.failed() => tell(Item::Frame(frame(Cow::Borrowed(payload)))),
            Payload::Event => tell(Item::Frame(frame(Cow::Borrowed(payload)))),
            Payload::Chunk => {
                let data = unwrapped(payload, &mut self.scratch)?;
                tell(Item::Frame(frame(Cow::Borrowed(data))));
            }
            Payload::Sse(inner) => inner.feed(payload, tell)?,
        }
        Ok(())
    }
}

/// The length of the message that begins here, once its prelude is whole.
fn length(bytes: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    let (checked, sum) = prelude.split_at_checked(PRELUDE - CHECKSUM).unwrap_or_default();
    if word(sum) != Some(crc32fast::hash(checked)) {
        return Err(corrupt("a prelude's checksum is wrong"));
    }
    let total = word(checked).unwrap_or(0) as usize;
    if total < PRELUDE + CHECKSUM {
        return Err(corrupt("a message is shorter than its frame"));
    }
    if total > limit {
        return Err(LineTooLong { limit }.into());
    }
    Ok(Some(total))
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|b| u32::from_be_bytes(*b))
}

fn corrupt(why: &str) -> FrameError {
    FrameError::Corrupt(why.to_owned())
}

/// The model's event inside a chunk's payload; a payload that holds none is told as it is.
fn unwrapped<'a>(payload: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], FrameError> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }
    let Ok(Chunk { bytes }) = serde_json::from_slice(payload) else { return Ok(payload) };
    scratch.clear();
    STANDARD.decode_vec(bytes.as_bytes(), scratch).map_err(|e| corrupt(&format!("a chunk is not base64: {e}")))?;
    Ok(scratch)
}

/// The headers that say what a message is.
#[derive(Debug, Default)]
struct Names<'a> {
    message: &'a str,
    event: &'a str,
    exception: &'a str,
    error: &'a str,
}

impl<'a> Names<'a> {
    fn read(headers: &'a [u8]) -> Result<Self, FrameError> {
        let mut names = Self::default();
        let mut rest = headers;
        while let Some((&size, after)) = rest.split_first() {
            let bad = || corrupt("a header is cut");
            let (name, after) = after.split_at_checked(size.into()).ok_or_else(bad)?;
            let (&kind, after) = after.split_first().ok_or_else(bad)?;
            // true, false, byte, short, integer, long, bytes, string, time, uuid
            let (skip, size) = match kind {
                0 | 1 => (0, 0),
                2 => (0, 1),
                3 => (0, 2),
                4 => (0, 4),
                5 | 8 => (0, 8),
                9 => (0, 16),
                6 | 7 => (2, after.first_chunk().map_or(0, |b| u16::from_be_bytes(*b)).into()),
                other => return Err(corrupt(&format!("a header of the unknown kind {other}"))),
            };
            let value = after.get(skip..skip + size).ok_or_else(bad)?;
            rest = after.get(skip + size..).unwrap_or_default();
            let text = || std::str::from_utf8(value).map_err(|_| corrupt("a header is not UTF-8"));
            match name {
                b":message-type" if kind == 7 => names.message = text()?,
                b":event-type" if kind == 7 => names.event = text()?,
                b":exception-type" if kind == 7 => names.exception = text()?,
                b":error-code" if kind == 7 => names.error = text()?,
                _ => {} // the content type, and whatever is new
            }
        }
        Ok(names)
    }

    fn failed(&self) -> bool {
        matches!(self.message, "exception" | "error")
    }

    fn event(&self) -> Option<Cow<'a, str>> {
        match self.message {
            "exception" => Some(Cow::Owned(format!("exception/{}", self.exception))),
            "error" => Some(Cow::Owned(format!("error/{}", self.error))),
            _ => Some(Cow::Borrowed(self.event)).filter(|e| !e.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as AWS writes it.
    fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut named = Vec::new();
        for (name, value) in headers {
            named.push(u8::try_from(name.len()).unwrap());
            named.extend_from_slice(name.as_bytes());
            named.push(7);
            named.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            named.extend_from_slice(value.as_bytes());
        }
        let total = u32::try_from(PRELUDE + named.len() + payload.len() + CHECKSUM).unwrap();
        let mut out = total.to_be_bytes().to_vec();
        out.extend_from_slice(&u32::try_from(named.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out.extend_from_slice(&named);
        out.extend_from_slice(payload);
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out
    }

    fn event(kind: &str, payload: &[u8]) -> Vec<u8> {
        message(&[(":message-type", "event"), (":event-type", kind), (":content-type", "application/json")], payload)
    }

    fn split(payload: Payload, bytes: &[u8], chunk: usize) -> Result<Vec<String>, FrameError> {
        let mut out = Vec::new();
        let mut splitter = Splitter::new(256, payload);
        let mut tell = |item: Item<'_>| {
            if let Item::Frame(f) = item {
                out.push(format!("{}|{}", f.event.unwrap_or_default(), String::from_utf8_lossy(&f.data)));
            }
        };
        for piece in bytes.chunks(chunk) {
            splitter.feed(piece, &mut tell)?;
        }
        splitter.finish(&mut tell)?;
        Ok(out)
    }

    #[test]
    fn every_cut_gives_the_same_messages() {
        let failed = [(":message-type", "exception"), (":exception-type", "throttlingException")];
        let stream = [
            event("messageStart", b"{\"role\":\"assistant\"}"),
            event("empty", b""),
            message(&failed, b"{\"message\":\"slow\"}"),
            message(&[(":message-type", "error"), (":error-code", "Internal")], b""),
        ]
        .concat();
        let expected = [
            "messageStart|{\"role\":\"assistant\"}",
            "empty|",
            "exception/throttlingException|{\"message\":\"slow\"}",
            "error/Internal|",
        ];
        for chunk in 1..=stream.len() {
            assert_eq!(split(Payload::Event, &stream, chunk).unwrap(), expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn chunks_are_unwrapped_and_exceptions_are_not() {
        let inner = STANDARD.encode("{\"type\":\"ping\"}");
        let failed = [(":message-type", "exception"), (":exception-type", "x")];
        let stream = [
            event("chunk", format!("{{\"bytes\":\"{inner}\",\"p\":\"abc\"}}").as_bytes()),
            event("chunk", b"{\"other\":1}"),
            message(&failed, b"{\"message\":\"no\"}"),
        ]
        .concat();
        let expected = ["chunk|{\"type\":\"ping\"}", "chunk|{\"other\":1}", "exception/x|{\"message\":\"no\"}"];
        for chunk in [1, 7, 1000] {
            assert_eq!(split(Payload::Chunk, &stream, chunk).unwrap(), expected);
        }
        assert!(split(Payload::Chunk, &event("chunk", b"{\"bytes\":\"?\"}"), 99).is_err());
    }

    #[test]
    fn events_inside_of_payloads_may_be_cut_anywhere() {
        let stream = [event("PayloadPart", b"data: {\"a\""), event("PayloadPart", b":1}\n\ndata:[DONE]\n\n")].concat();
        for chunk in 1..=stream.len() {
            let inner = Payload::Sse(Box::new(sse::Splitter::new(256)));
            assert_eq!(split(inner, &stream, chunk).unwrap(), ["|{\"a\":1}", "|[DONE]"]);
        }
    }

    #[test]
    fn headers_of_other_kinds_are_passed_over() {
        let mut named = Vec::new();
        for (kind, value) in [
            (0u8, &b""[..]),
            (1, b""),
            (2, b"1"),
            (3, b"12"),
            (4, b"1234"),
            (5, b"12345678"),
            (6, b"\0\x02ab"),
            (8, b"12345678"),
            (9, b"0123456789abcdef"),
        ] {
            named.extend_from_slice(&[1, b'x', kind]);
            named.extend_from_slice(value);
        }
        named.extend_from_slice(b"\x0b:event-type\x07\0\x02ok");
        assert_eq!(Names::read(&named).unwrap().event, "ok");
        for cut in 1..named.len() {
            let _ = Names::read(&named[..cut]); // an error or fewer headers, never a panic
        }
        assert!(Names::read(b"\x01x\x0a").is_err());
    }

    #[test]
    fn what_is_corrupt_is_an_error() {
        let good = event("e", b"payload");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            assert!(split(Payload::Event, &bad, 9).is_err(), "byte {at}");
        }
        assert!(split(Payload::Event, &good[..good.len() - 1], 9).is_err(), "cut");
        assert!(split(Payload::Event, b"HTTP/1.1 502 Bad Gateway", 9).is_err(), "no stream at all");
        let long = event("e", &[b'x'; 300]);
        assert!(matches!(split(Payload::Event, &long, 9), Err(FrameError::TooLong(_))));
    }
}
