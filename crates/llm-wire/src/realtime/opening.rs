//! The first message of a client, held until it is whole: it says which model a session is for, and may have to say it in
//! another way.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use llm_types::{Error, Json, Result};

use super::frames::Head;

/// Bytes of a first message, at the most.
const LONGEST: usize = 1 << 20;
/// The mask of frames of ours. It hides nothing: it is there for proxies on the way.
const MASK: [u8; 4] = [0x4c, 0x69, 0x76, 0x65];

/// Holds what a client says until its first message is whole.
#[derive(Debug, Default)]
pub struct Opening {
    held: BytesMut,
    message: BytesMut,
    opcode: u8,
}

/// A first message.
#[derive(Debug)]
pub struct First {
    /// Its text.
    pub text: Bytes,
    /// It was sent as bytes, not as text.
    pub binary: bool,
    /// What the client said behind it.
    pub rest: Bytes,
}

impl Opening {
    /// Takes in what the client sent. Pings and the like that come before are lost with it: a client that pings before it
    /// has said anything gets its pong later.
    ///
    /// # Errors
    /// `BadRequest` for a first message that is too long, or a session that is closed before it.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Option<First>> {
        self.held.extend_from_slice(chunk);
        while let Some(head) = Head::read(&self.held) {
            let room = LONGEST.saturating_sub(self.message.len());
            let length = usize::try_from(head.length).ok().filter(|length| *length <= room);
            let length = length.ok_or_else(|| Error::bad_request("the first message is too long"))?;
            if self.held.len() < head.start + length {
                break;
            }
            self.held.advance(head.start);
            let payload = self.held.split_to(length);
            match head.opcode {
                8 => return Err(Error::bad_request("the session was closed before it began")),
                9.. => continue,
                opcode => {
                    if opcode != 0 {
                        self.opcode = opcode;
                    }
                }
            }
            let key = head.mask.unwrap_or_default();
            self.message.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            if head.last {
                let text = std::mem::take(&mut self.message).freeze();
                let rest = std::mem::take(&mut self.held).freeze();
                return Ok(Some(First { text, binary: self.opcode == 2, rest }));
            }
        }
        Ok(None)
    }
}

/// A message of a client as one frame.
#[must_use]
pub fn client_frame(text: &[u8], binary: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(text.len() + 14);
    out.put_u8(if binary { 0x82 } else { 0x81 });
    match text.len() {
        n @ 0..126 => out.put_u8(0x80 | u8::try_from(n).unwrap_or(0)),
        n @ 126..65536 => {
            out.put_u8(0x80 | 126);
            out.put_u16(u16::try_from(n).unwrap_or(0));
        }
        n => {
            out.put_u8(0x80 | 127);
            out.put_u64(n as u64);
        }
    }
    out.put_slice(&MASK);
    out.extend(text.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    out.freeze()
}

/// The model that a first message of Gemini's Live API names, without the resource that it stands in.
#[must_use]
pub fn live_model(first: &[u8]) -> Option<String> {
    let message: Json = serde_json::from_slice(first).ok()?;
    let named = message.get("setup")?.text("model")?;
    Some(named.rsplit('/').next().unwrap_or(named).to_owned())
}

/// The message with another model. Nothing else in it changes.
///
/// # Errors
/// `BadRequest` when it is no setup.
pub fn with_live_model(first: &[u8], model: &str) -> Result<Vec<u8>> {
    let no_setup = || Error::bad_request("the first message of a session has to be a setup that names a model");
    let mut message: Json = serde_json::from_slice(first).map_err(|_| no_setup())?;
    let setup = message.get_mut("setup").filter(|s| s.as_object().is_some()).ok_or_else(no_setup)?;
    setup.set("model", model);
    Ok(message.to_string().into_bytes())
}
