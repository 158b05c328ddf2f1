//! Streams of bare text: every piece of the network is a piece of the answer, whose end is the connection's.

use std::borrow::Cow;

use llm_types::stream::{EventSink, Start};
use llm_types::{Kind, json};

use super::failed;
use crate::brackets::Brackets;
use crate::codec::{ReplyContext, StreamDecoder};
use crate::sse::Frame;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Bare {
    brackets: Brackets,
    provider: String,
    /// The beginning of a letter whose end has not come yet.
    cut: Vec<u8>,
    came: bool,
}

impl Bare {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self { brackets: Brackets::default(), provider: ctx.provider.clone(), cut: Vec::new(), came: false }
    }

    fn say(&mut self, bytes: &[u8], sink: &mut dyn EventSink) {
        let whole = whole_letters(bytes);
        let (now, later) = bytes.split_at_checked(whole).unwrap_or((bytes, b""));
        self.brackets.text(String::from_utf8_lossy(now), sink);
        self.cut = later.to_vec();
    }
}

/// The length of the bytes without a letter that is cut at their end.
fn whole_letters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => e.valid_up_to(),
        _ => bytes.len(),
    }
}

impl StreamDecoder for Bare {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.brackets.over() {
            return;
        }
        if !self.came
            && let Some(said) = error_in(&frame.data)
        {
            return self.brackets.fail(failed(Kind::Api, &self.provider, &said), sink);
        }
        self.came = true;
        self.brackets.start(Start::default, sink);
        if self.cut.is_empty() {
            return self.say(&frame.data, sink);
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(&frame.data);
        self.say(&bytes, sink);
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.brackets.over() {
            return;
        }
        if !self.came {
            let text = "the stream ended before the answer began";
            return self.brackets.fail(failed(Kind::MidStream, &self.provider, text), sink);
        }
        let cut = std::mem::take(&mut self.cut);
        self.brackets.text(String::from_utf8_lossy(&cut), sink);
        self.brackets.complete(sink);
    }
}

/// The error of a whole reply that came in place of the stream.
fn error_in(data: &[u8]) -> Option<String> {
    let top: crate::top::Top<'_> = serde_json::from_slice(data).ok()?;
    let said = top.get("error").or_else(|| top.get("detail")).filter(|e| *e != "null")?;
    Some(json::raw_str(said).unwrap_or(Cow::Borrowed(said)).into_owned())
}
