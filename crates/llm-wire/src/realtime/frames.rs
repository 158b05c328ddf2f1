//! Frames of one direction, read for their events only. Nothing is checked: both ends do that.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memmem;

/// How much of an event tells what it is.
const HEAD: usize = 512;
/// The events that end an answer: of a realtime session, of a Responses one.
const MARKS: [&[u8]; 2] = [b"response.done", b"response.completed"];

/// The head of a frame. RFC 6455, section 5.2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// It is the last frame of its message.
    pub last: bool,
    /// 1 text, 2 bytes, 0 more of the same, from 8 on control.
    pub opcode: u8,
    /// What the payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Where the payload begins.
    pub start: usize,
    /// Bytes of the payload.
    pub length: u64,
}

impl Head {
    /// Reads the head that bytes begin with; nothing while it is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [first, second, more @ ..] = bytes else { return None };
        let short = second & 0x7f;
        let extra = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = if second & 0x80 != 0 { 4 } else { 0 };
        let (length, mask) = (more.get(..extra)?, more.get(extra..extra + masked)?);
        Some(Self {
            last: first & 0x80 != 0,
            opcode: first & 0x0f,
            mask: <[u8; 4]>::try_from(mask).ok(),
            start: 2 + extra + masked,
            length: if extra == 0 { u64::from(short) } else { length.iter().fold(0, |n, b| n << 8 | u64::from(*b)) },
        })
    }
}

/// Where in the stream of frames we are.
#[derive(Debug, Default)]
pub struct Frames {
    /// Bytes of a frame's head that came so far.
    head: BytesMut,
    /// Bytes of the payload that are still to come.
    left: u64,
    in_frame: bool,
    last: bool,
    text: bool,
    /// Messages of bytes are read like texts.
    binary: bool,
    control: bool,
    mask: Option<[u8; 4]>,
    at: usize,
    /// The message so far; nothing when it is not worth reading.
    message: Option<BytesMut>,
    closed: bool,
}

impl Frames {
    /// A reader that takes messages of bytes for texts, or not.
    #[must_use]
    pub fn reading_binary(binary: bool) -> Self {
        Self { binary, ..Self::default() }
    }

    /// Takes in bytes and tells the text messages that are small enough, or that end an answer. `small`: bytes of any
    /// message; `large`: of one that says at its beginning that it ends an answer.
    pub fn feed(&mut self, mut chunk: &[u8], small: usize, large: usize, mut tell: impl FnMut(&[u8])) {
        while !chunk.is_empty() {
            if !self.in_frame {
                chunk = self.head(chunk);
                if self.in_frame && self.left == 0 {
                    self.end(&mut tell);
                }
                continue;
            }
            let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len());
            let (piece, rest) = chunk.split_at(take);
            self.payload(piece, small, large);
            self.left -= take as u64;
            chunk = rest;
            if self.left == 0 {
                self.end(&mut tell);
            }
        }
    }

    /// True between two frames.
    #[must_use]
    pub fn at_border(&self) -> bool {
        !self.in_frame && self.head.is_empty()
    }

    /// A close frame went by.
    #[must_use]
    pub const fn closed(&self) -> bool {
        self.closed
    }

    /// Takes bytes of a head and gives what is left of the chunk.
    fn head<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let mut taken = 0;
        while let Some(byte) = chunk.get(taken) {
            self.head.put_u8(*byte);
            taken += 1;
            if self.begins() {
                break;
            }
        }
        chunk.get(taken..).unwrap_or_default()
    }

    /// True when the head is complete.
    fn begins(&mut self) -> bool {
        let Some(head) = Head::read(&self.head) else { return false };
        self.left = head.length;
        self.mask = head.mask;
        self.last = head.last;
        self.control = head.opcode >= 8;
        self.closed |= head.opcode == 8;
        if !self.control && head.opcode != 0 {
            self.text = head.opcode == 1 || self.binary && head.opcode == 2;
            self.message = self.text.then(BytesMut::new);
        }
        self.at = 0;
        self.in_frame = true;
        self.head.clear();
        true
    }

    fn payload(&mut self, piece: &[u8], small: usize, large: usize) {
        if self.control {
            return;
        }
        let Some(message) = &mut self.message else { return };
        let start = message.len();
        message.extend_from_slice(piece);
        if let Some(mask) = self.mask {
            let key = mask.iter().cycle().skip(self.at % 4);
            message.iter_mut().skip(start).zip(key).for_each(|(byte, key)| *byte ^= key);
        }
        self.at += piece.len();
        if message.len() > small {
            let head = message.get(..HEAD).unwrap_or(message);
            let ends = MARKS.iter().any(|mark| memmem::find(head, mark).is_some());
            if !ends || message.len() > large {
                self.message = None;
            }
        }
    }

    fn end(&mut self, tell: &mut impl FnMut(&[u8])) {
        self.in_frame = false;
        if self.control || !self.last {
            return;
        }
        if let Some(message) = self.message.take() {
            tell(&message);
        }
    }
}

/// A close frame of a server, with a code and a reason.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let reason = reason.get(..reason.floor_char_boundary(123)).unwrap_or_default();
    let mut out = BytesMut::with_capacity(reason.len() + 4);
    out.put_u8(0x88);
    out.put_u8(u8::try_from(reason.len() + 2).unwrap_or(125));
    out.put_u16(code);
    out.put_slice(reason.as_bytes());
    out.freeze()
}
