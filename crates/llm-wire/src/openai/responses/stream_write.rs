//! Events of a stream, as bytes.

use bytes::{BufMut, BytesMut};

use super::response_decode::list_content;
use crate::openai::object::Obj;
use crate::top::{Top, write_str};

/// Ends of lines for some readers, none in JSON.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Writes the frame of events and numbers them.
#[derive(Debug)]
pub(super) struct Writer {
    sequence: u64,
    /// The model that the client asked for, quoted: LiteLLM writes it beside the type.
    model: Option<String>,
    /// Logprobs of the text that follows.
    logprobs: Option<String>,
}

impl Writer {
    pub(super) fn new(model: Option<&str>) -> Self {
        let quoted = |model: &str| {
            let mut out = BytesMut::new();
            write_str(model, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        Self { sequence: 0, model: model.map(quoted), logprobs: None }
    }

    /// Opens an event; drop what is handed out, then [`Self::close`].
    pub(super) fn event<'b>(&mut self, kind: &str, out: &'b mut BytesMut) -> Obj<'b> {
        out.put_slice(b"event: ");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\ndata: ");
        let mut obj = Obj::open(out);
        obj.str("type", kind);
        obj.u64("sequence_number", self.sequence);
        self.sequence += 1;
        if let Some(model) = &self.model {
            obj.text("model", model);
        }
        obj
    }

    /// Ends an event. Separators of lines that JSON allows are written as escapes: readers of event streams that end a
    /// line there, as Python's do, would lose the event that tells the whole answer.
    pub(super) fn close(out: &mut BytesMut) {
        let start = memchr::memrchr(b'\n', out).map_or(0, |at| at + 1);
        let line = out.get(start..).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
        if line.contains(BREAKS) {
            let mut escaped = line.to_owned();
            for (found, written) in BREAKS.iter().zip(["\\u0085", "\\u2028", "\\u2029"]) {
                escaped = escaped.replace(*found, written);
            }
            out.truncate(start);
            out.put_slice(escaped.as_bytes());
        }
        out.put_slice(b"\n\n");
    }

    /// Remembers logprobs for the text that follows.
    pub(super) fn logprobs(&mut self, json: &str) {
        let top: Top<'_> = serde_json::from_str(json).unwrap_or_default();
        self.logprobs = top.get("content").filter(|list| list_content(list).is_some()).map(str::to_owned);
    }

    /// Writes the logprobs that were remembered.
    pub(super) fn write_logprobs(&mut self, event: &mut Obj<'_>) {
        if let Some(list) = self.logprobs.take() {
            event.text("logprobs", &list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_lines_are_escaped() {
        let mut out = BytesMut::from("data: {\"a\":\"\u{2028}\"}\n\n");
        Writer::new(None).event("e", &mut out).str("text", "a\u{2028}b\u{85}–é");
        Writer::close(&mut out);
        let own = "{\"type\":\"e\",\"sequence_number\":0,\"text\":\"a\\u2028b\\u0085–é\"}\n\n";
        assert_eq!(out, format!("data: {{\"a\":\"\u{2028}\"}}\n\nevent: e\ndata: {own}"));
    }
}
