//! Same-format forwarding: bytes go on as they came, with the model name spliced and the usage noticed.
//!
//! A [`StreamRelay`] cuts a stream at event borders only. What a client receives is what the upstream sent, but for
//! `model` (the name the client asked for), usage (written as LiteLLM writes it; left out when only we asked for it) and
//! what LiteLLM's clients look for elsewhere (refusals, the finish reason of tool calls). An error that the upstream hid
//! in its stream is noticed. One read of the upstream gives one write to the client. [`Whole`] says whether a whole
//! answer may be forwarded.

mod anthropic;
mod chat;
mod cut;
mod gemini;
mod opening;
mod responses;
pub(crate) mod scan;
mod whole;

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::generate::UsageReport;
use llm_types::{Format, RawJson};

use crate::gemini::Grounding;
use crate::sse::LineTooLong;
use scan::{data_line, string_value, whole_object};

pub use cut::Cutter;
pub use scan::first_event_end;
pub use whole::Whole;

/// What a relay noticed while it forwarded.
#[derive(Debug, Default)]
pub struct Seen {
    /// The upstream's usage objects, in order (Anthropic reports at the start and at the end).
    pub usage: Vec<RawJson>,
    /// What Gemini looked up; it stands beside the usage.
    pub(crate) grounding: Grounding,
    /// The upstream's id of the answer.
    pub id: Option<String>,
    /// The model as the upstream named it.
    pub model: Option<String>,
    /// A finish reason or the format's end marker was there: the answer is complete.
    pub finished: bool,
    /// The format's end marker was there.
    pub done: bool,
    /// An error event, raw. It is not forwarded: the client is told in the gateway's own words.
    pub error: Option<RawJson>,
    /// A choice ended because the host gave up. What it still tells of usage goes on, its end marker does not: the client is told
    /// of an error.
    pub gave_up: bool,
    /// An event was not a JSON object: the host broke off inside it.
    pub malformed: bool,
    /// A chunk of chat came: an end marker alone ends nothing.
    pub(crate) told: bool,
    /// Something came that is more than an opening: the client may not be asked to forget it.
    pub begun: bool,
    /// Bytes of visible text, for an estimate when no usage is reported.
    pub text_bytes: u64,
    /// Events with visible text.
    pub text_events: u64,
}

impl Seen {
    /// What was consumed; nothing when the upstream did not say it.
    #[must_use]
    pub fn report(&self, format: Format) -> Option<UsageReport> {
        crate::usage::with_grounding(format, &self.usage, self.grounding)
    }

    /// Tokens written, estimated: hosts send about one token an event, and about four bytes make a token.
    #[must_use]
    pub fn estimated_output_tokens(&self) -> u64 {
        self.text_events.max(self.text_bytes / 4)
    }
}

/// Forwards one stream of a format to a client of the same format.
#[derive(Debug)]
pub struct StreamRelay {
    format: Format,
    /// The model name to write, quoted; none to keep the upstream's.
    model: Option<Bytes>,
    /// The field with the upstream's model name as it stands in the events, and where it stood last.
    learned: Option<Learned>,
    hide_usage: bool,
    limit: usize,
    cutter: Cutter,
    seen: Seen,
    /// Bit per choice: it called tools.
    tools: u64,
}

impl StreamRelay {
    /// A relay for `format`. `model`: the name to write; `hide_usage`: the usage event was only asked for by us;
    /// `limit`: bound of one event in bytes.
    #[must_use]
    pub fn new(format: Format, model: Option<&str>, hide_usage: bool, limit: usize) -> Self {
        let model = model.map(|m| {
            let mut quoted = BytesMut::new();
            crate::top::write_str(m, &mut quoted);
            quoted.freeze()
        });
        Self {
            format,
            model,
            learned: None,
            hide_usage,
            limit,
            cutter: Cutter::default(),
            seen: Seen::default(),
            tools: 0,
        }
    }

    /// What was noticed so far.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What was noticed, taken out at the end; how far the answer is stays known, for what still comes behind its end.
    pub fn take_seen(&mut self) -> Seen {
        let Seen { finished, done, begun, gave_up, told, .. } = self.seen;
        std::mem::replace(&mut self.seen, Seen { finished, done, begun, gave_up, told, ..Seen::default() })
    }

    /// Takes what the upstream sent and gives what goes to the client now; may be empty.
    ///
    /// # Errors
    /// When one event is longer than the bound.
    pub fn chunk(&mut self, chunk: Bytes) -> Result<Bytes, LineTooLong> {
        let events = self.cutter.chunk(chunk);
        if self.cutter.held() > self.limit {
            return Err(LineTooLong { limit: self.limit });
        }
        Ok(self.events(events))
    }

    /// The upstream ended: what is left of an event without its empty line goes on too, with that line, when it is whole.
    pub fn finish(&mut self) -> Bytes {
        let rest = self.cutter.finish();
        let joined = scan::joined(&rest);
        let whole = data_line(joined.as_deref().unwrap_or(&rest)).is_none_or(|data| {
            let data = data.trim_ascii();
            data.is_empty() || data == b"[DONE]" || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
        });
        if !whole {
            self.seen.malformed = true;
            return Bytes::new();
        }
        let mut told = BytesMut::from(&*self.events(rest));
        if !told.is_empty() {
            told.put_slice(b"\n\n");
        }
        told.freeze()
    }

    /// Forwards whole events. Without an edit the bytes are shared, not copied.
    fn events(&mut self, bytes: Bytes) -> Bytes {
        let mut out = BytesMut::new();
        let mut copied = 0; // up to here the input stands in `out`
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let len = first_event_end(rest).unwrap_or(rest.len());
            let event = rest.get(..len).unwrap_or(rest);
            let joined = scan::joined(event);
            let event = joined.as_deref().unwrap_or(event);
            let edit = self.event(event);
            if joined.is_some() || !matches!(edit, Edit::Keep) {
                out.reserve(bytes.len() - copied + 64);
                out.put_slice(bytes.get(copied..at).unwrap_or_default());
                copied = at + len;
                match edit {
                    Edit::Keep => out.put_slice(event),
                    Edit::Drop => {}
                    Edit::Model { from, to } => self.put_model(event, from, to, &mut out),
                    Edit::Patches(patches) => self.put_patches(event, patches, &mut out),
                }
            }
            at += len.max(1);
        }
        if copied == 0 && out.is_empty() {
            return bytes;
        }
        out.put_slice(bytes.get(copied..).unwrap_or_default());
        out.freeze()
    }

    fn event(&mut self, event: &[u8]) -> Edit {
        let Some(data) = data_line(event) else { return Edit::Keep };
        if !whole_object(data) {
            // The host broke off inside an event: nothing behind it can be trusted.
            self.seen.malformed = true;
            return Edit::Drop;
        }
        if self.ended(data) {
            return Edit::Drop;
        }
        let edit = self.read(event, data);
        if !self.seen.begun && self.seen.error.is_none() && !self.seen.gave_up {
            self.seen.begun = !opening::opens(self.format, data);
        }
        edit
    }

    /// Nothing belongs behind the end of an answer; some hosts tell it twice.
    fn ended(&self, data: &[u8]) -> bool {
        match self.format {
            Format::OpenAiResponses => self.seen.done || self.seen.finished && data.trim_ascii() != b"[DONE]",
            Format::GeminiGenerate => false, // its last event is one like the others
            _ => self.seen.done,
        }
    }

    fn read(&mut self, event: &[u8], data: &[u8]) -> Edit {
        match self.format {
            Format::AnthropicMessages => self.anthropic(event, data),
            Format::OpenAiResponses => self.responses(data),
            Format::GeminiGenerate => self.gemini(event, data),
            _ => self.chat(event, data),
        }
    }

    fn put_model(&self, event: &[u8], from: usize, to: usize, out: &mut BytesMut) {
        let Some(model) = &self.model else { return out.put_slice(event) };
        out.put_slice(event.get(..from).unwrap_or_default());
        out.put_slice(model);
        out.put_slice(event.get(to..).unwrap_or_default());
    }

    /// Writes an event with its patches and the model's name.
    fn put_patches(&mut self, event: &[u8], mut patches: Vec<Patch>, out: &mut BytesMut) {
        if let Edit::Model { from, to } = self.model_edit(event)
            && let Some(model) = &self.model
        {
            patches.push(Patch { from, to, text: model.clone() });
        }
        patches.sort_by_key(|p| p.from);
        let mut at = 0;
        for patch in patches {
            out.put_slice(event.get(at..patch.from).unwrap_or_default());
            out.put_slice(&patch.text);
            at = patch.to;
        }
        out.put_slice(event.get(at..).unwrap_or_default());
    }

    /// Where the upstream's model name stands in the event, when another one has to stand there.
    fn model_edit(&mut self, event: &[u8]) -> Edit {
        if self.model.is_none() {
            return Edit::Keep;
        }
        if let Some(Learned { field, at, name }) = &self.learned
            && event.get(*at..*at + field.len()) == Some(field)
        {
            return Edit::Model { from: at + field.len() - name, to: at + field.len() };
        }
        let Some((from, to)) = string_value(event, MODEL) else { return Edit::Keep };
        let name = event.get(from..to).unwrap_or_default();
        if self.model.as_deref() == Some(name) {
            return Edit::Keep;
        }
        if let Some(at) = event.get(..from).and_then(|head| memchr::memmem::rfind(head, MODEL)) {
            let field = event.get(at..to).unwrap_or_default().to_vec();
            self.learned = Some(Learned { field, at, name: name.len() });
        }
        Edit::Model { from, to }
    }
}

const MODEL: &[u8] = b"\"model\":";

/// A field of an event.
#[derive(Debug)]
struct Learned {
    field: Vec<u8>,
    at: usize,
    /// The length of its value, in quotes.
    name: usize,
}

/// What becomes of an event.
#[derive(Debug)]
enum Edit {
    Keep,
    Drop,
    Model { from: usize, to: usize },
    Patches(Vec<Patch>),
}

/// Bytes in place of a slice of the event.
#[derive(Debug)]
struct Patch {
    from: usize,
    to: usize,
    text: Bytes,
}

#[cfg(test)]
mod tests;
