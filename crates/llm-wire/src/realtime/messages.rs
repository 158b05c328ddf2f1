//! Whole messages out of frames, and frames out of messages, for who has to hold one back or to put one in.
//! RFC 6455, sections 5.4 and 5.5.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use llm_types::{Error, Kind, Result};

use super::frames::Head;

/// The mask of frames of ours. It hides nothing: it is there for proxies on the way.
const MASK: [u8; 4] = [0x4c, 0x69, 0x76, 0x65];

/// A message, or a control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// 1 text, 2 bytes, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// What it says, without masks.
    pub payload: Bytes,
}

impl Message {
    /// True for what is said of the connection.
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.opcode >= 8
    }
}

/// Puts messages together.
#[derive(Debug, Default)]
pub struct Messages {
    held: BytesMut,
    message: BytesMut,
    opcode: u8,
}

impl Messages {
    /// Takes in bytes of one direction.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.held.extend_from_slice(chunk);
    }

    /// The next message, if all of it is there; `longest` in bytes.
    ///
    /// # Errors
    /// `TooLarge` for a longer one.
    pub fn next(&mut self, longest: usize) -> Result<Option<Message>> {
        while let Some(head) = Head::read(&self.held) {
            let control = head.opcode >= 8;
            let room = if control { longest } else { longest.saturating_sub(self.message.len()) };
            let length = usize::try_from(head.length).ok().filter(|length| *length <= room);
            let length = length.ok_or_else(|| Error::new(Kind::TooLarge, "a message of the session is too long"))?;
            if self.held.len() < head.start + length {
                break;
            }
            self.held.advance(head.start);
            let mut payload = self.held.split_to(length);
            if let Some(mask) = head.mask {
                payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
            }
            if control {
                return Ok(Some(Message { opcode: head.opcode, payload: payload.freeze() }));
            }
            if head.opcode != 0 {
                self.opcode = head.opcode;
            }
            self.message.unsplit(payload);
            if head.last {
                return Ok(Some(Message { opcode: self.opcode, payload: std::mem::take(&mut self.message).freeze() }));
            }
        }
        Ok(None)
    }

    /// Bytes behind the last message.
    #[must_use]
    pub fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.held).freeze()
    }
}

/// A message as one frame: `masked` as clients send it, or as servers do.
#[must_use]
pub fn frame(opcode: u8, payload: &[u8], masked: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(payload.len() + 14);
    let mask = if masked { 0x80 } else { 0 };
    out.put_u8(0x80 | opcode);
    match payload.len() {
        n @ 0..126 => out.put_u8(mask | u8::try_from(n).unwrap_or(0)),
        n @ 126..65536 => {
            out.put_u8(mask | 126);
            out.put_u16(u16::try_from(n).unwrap_or(0));
        }
        n => {
            out.put_u8(mask | 127);
            out.put_u64(n as u64);
        }
    }
    if masked {
        out.put_slice(&MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        out.put_slice(payload);
    }
    out.freeze()
}
