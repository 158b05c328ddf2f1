//! The first message of a client, held until it is whole: it says which model a session is for, and may have to say it in
//! another way.

use bytes::Bytes;
use llm_types::{Error, Json, Result};

use super::messages::{Messages, frame};

/// Bytes of a first message, at the most.
const LONGEST: usize = 1 << 20;

/// Holds what a client says until its first message is whole.
#[derive(Debug, Default)]
pub struct Opening(Messages);

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
        self.0.feed(chunk);
        loop {
            let next = self.0.next(LONGEST).map_err(|_| Error::bad_request("the first message is too long"))?;
            let Some(message) = next else { return Ok(None) };
            match message.opcode {
                8 => return Err(Error::bad_request("the session was closed before it began")),
                9.. => {}
                opcode => {
                    let (text, rest) = (message.payload, self.0.rest());
                    return Ok(Some(First { text, binary: opcode == 2, rest }));
                }
            }
        }
    }
}

/// A message of a client as one frame.
#[must_use]
pub fn client_frame(text: &[u8], binary: bool) -> Bytes {
    frame(if binary { 2 } else { 1 }, text, true)
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
