//! Same-format forwarding: bytes go on as they came, with the model name spliced and the usage noticed.
//!
//! A [`StreamRelay`] cuts a stream at event borders only. What a client receives is what the upstream sent, but for
//! three things: `model` is the name the client asked for, a usage event that only we asked for is left out, and an
//! error the upstream hid in its stream is noticed. One read of the upstream gives one write to the client.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::{Format, RawJson};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::sse::LineTooLong;

/// What a relay noticed while it forwarded.
#[derive(Debug, Default)]
pub struct Seen {
    /// The upstream's usage objects, in order (Anthropic reports at the start and at the end).
    pub usage: Vec<RawJson>,
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
    /// Bytes of visible text, for an estimate when no usage is reported.
    pub text_bytes: u64,
    /// Events with visible text.
    pub text_events: u64,
}

impl Seen {
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
    /// The upstream's model name as it stands in the events, quoted, and where it stood last.
    learned: Option<(Vec<u8>, usize)>,
    hide_usage: bool,
    limit: usize,
    tail: BytesMut,
    seen: Seen,
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
        Self { format, model, learned: None, hide_usage, limit, tail: BytesMut::new(), seen: Seen::default() }
    }

    /// What was noticed so far.
    #[must_use]
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What was noticed, taken out at the end.
    pub fn take_seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }

    /// Takes what the upstream sent and gives what goes to the client now; may be empty.
    ///
    /// # Errors
    /// When one event is longer than the bound.
    pub fn chunk(&mut self, chunk: Bytes) -> Result<Bytes, LineTooLong> {
        let input = if self.tail.is_empty() {
            chunk
        } else {
            self.tail.extend_from_slice(&chunk);
            self.tail.split().freeze()
        };
        let whole = events_end(&input);
        if input.len() - whole > self.limit {
            return Err(LineTooLong { limit: self.limit });
        }
        self.tail.extend_from_slice(input.get(whole..).unwrap_or_default());
        let events = input.slice(..whole);
        Ok(self.events(events))
    }

    /// The upstream ended: what is left of an event without its empty line goes on too.
    pub fn finish(&mut self) -> Bytes {
        let rest = self.tail.split().freeze();
        if rest.is_empty() { rest } else { self.events(rest) }
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
            let edit = self.event(event);
            if !matches!(edit, Edit::Keep) {
                out.reserve(bytes.len() - copied + 64);
                out.put_slice(bytes.get(copied..at).unwrap_or_default());
                copied = at + len;
                if let (Edit::Model { from, to }, Some(model)) = (edit, &self.model) {
                    out.put_slice(event.get(..from).unwrap_or_default());
                    out.put_slice(model);
                    out.put_slice(event.get(to..).unwrap_or_default());
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
        match self.format {
            Format::AnthropicMessages => self.anthropic(event, data),
            _ => self.chat(event, data),
        }
    }

    fn chat(&mut self, event: &[u8], data: &[u8]) -> Edit {
        if data.trim_ascii() == b"[DONE]" {
            self.seen.done = true;
            self.seen.finished = true;
            return Edit::Keep;
        }
        if let Some(text) = string_after(data, b"\"content\":") {
            self.seen.text_bytes += text as u64;
            self.seen.text_events += u64::from(text > 0);
        }
        if !self.seen.finished && string_after(data, b"\"finish_reason\":").is_some() {
            self.seen.finished = true;
        }
        let first = self.seen.id.is_none();
        if first || memmem::find(data, b"\"usage\"").is_some() || memmem::find(data, b"\"error\"").is_some() {
            if let Ok(head) = serde_json::from_slice::<ChatHead<'_>>(data) {
                if first {
                    self.seen.id = Some(head.id.map(|i| i.get().trim_matches('"').to_owned()).unwrap_or_default());
                    self.seen.model =
                        head.model.and_then(|m| llm_types::json::raw_str(m.get())).map(|m| m.into_owned());
                }
                if let Some(error) = head.error.filter(|e| e.get() != "null") {
                    // The client is told in its gateway's own words, by whoever drives the relay.
                    self.seen.error = Some(RawJson::borrowed(error));
                    return Edit::Drop;
                }
                if let Some(usage) = head.usage.filter(|u| u.get() != "null") {
                    self.seen.usage.clear();
                    self.seen.usage.push(RawJson::borrowed(usage));
                    let empty = head.choices.is_none_or(|c| c.get().bytes().all(|b| b"[] \t\r\n".contains(&b)));
                    if self.hide_usage && empty {
                        return Edit::Drop;
                    }
                }
            }
        }
        self.model_edit(event)
    }

    fn anthropic(&mut self, event: &[u8], data: &[u8]) -> Edit {
        let start = memmem::find(data, b"\"message_start\"").is_some();
        if start || memmem::find(data, b"\"usage\"").is_some() || memmem::find(data, b"\"error\"").is_some() {
            if let Ok(head) = serde_json::from_slice::<AnthropicHead<'_>>(data) {
                match head.kind {
                    "message_start" => {
                        if let Some(message) = head.message {
                            self.seen.id = message.id.map(|i| i.get().trim_matches('"').to_owned());
                            self.seen.model =
                                message.model.and_then(|m| llm_types::json::raw_str(m.get())).map(|m| m.into_owned());
                            self.seen.usage.extend(message.usage.map(RawJson::borrowed));
                        }
                        return self.model_edit(event);
                    }
                    "message_delta" => {
                        self.seen.usage.extend(head.usage.map(RawJson::borrowed));
                        self.seen.finished |= string_after(data, b"\"stop_reason\":").is_some();
                    }
                    "error" => {
                        self.seen.error = head.error.map(RawJson::borrowed);
                        return Edit::Drop;
                    }
                    _ => {}
                }
            }
        } else if memmem::find(data, b"\"message_stop\"").is_some() {
            self.seen.done = true;
            self.seen.finished = true;
        } else if let Some(text) = string_after(data, b"\"text\":") {
            self.seen.text_bytes += text as u64;
            self.seen.text_events += u64::from(text > 0);
        }
        Edit::Keep
    }

    /// Where the upstream's model name stands in the event, when another one has to stand there.
    fn model_edit(&mut self, event: &[u8]) -> Edit {
        if self.model.is_none() {
            return Edit::Keep;
        }
        if let Some((name, at)) = &self.learned
            && event.get(*at..*at + name.len()) == Some(name)
        {
            return Edit::Model { from: *at, to: *at + name.len() };
        }
        let Some((from, to)) = string_value(event, b"\"model\":") else { return Edit::Keep };
        let name = event.get(from..to).unwrap_or_default();
        if self.model.as_deref() == Some(name) {
            return Edit::Keep;
        }
        self.learned = Some((name.to_vec(), from));
        Edit::Model { from, to }
    }
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    Keep,
    Drop,
    Model { from: usize, to: usize },
}

#[derive(Deserialize)]
struct ChatHead<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    choices: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AnthropicHead<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    message: Option<ChatHead<'a>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Where the last whole event of `bytes` ends: behind its empty line.
fn events_end(bytes: &[u8]) -> usize {
    let lf = memmem::rfind(bytes, b"\n\n").map(|at| at + 2);
    let crlf = memmem::rfind(bytes, b"\r\n\r\n").map(|at| at + 4);
    let cr = if lf.is_none() && crlf.is_none() { memmem::rfind(bytes, b"\r\r").map(|at| at + 2) } else { None };
    lf.max(crlf).max(cr).unwrap_or(0)
}

/// Where the first event of `bytes` ends: behind its empty line.
fn first_event_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line_end = memchr::memchr2(b'\n', b'\r', bytes.get(at..)?)? + at;
        let next = match bytes.get(line_end..) {
            Some([b'\r', b'\n', ..]) => line_end + 2,
            _ => line_end + 1,
        };
        if line_end == at && at > 0 {
            return Some(next);
        }
        at = next;
    }
}

/// The content of the first `data` line of an event.
fn data_line(event: &[u8]) -> Option<&[u8]> {
    let mut rest = event;
    loop {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if let Some(data) = line.strip_prefix(b"data:") {
            return Some(data.strip_prefix(b" ").unwrap_or(data));
        }
        rest = tail.get(1..)?;
    }
}

/// The quoted string behind the first unescaped `key` (which holds its colon): where its quotes stand.
fn string_value(json: &[u8], key: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    let at = loop {
        let at = memmem::find(json.get(from..)?, key)? + from;
        if at == 0 || json.get(at - 1) != Some(&b'\\') {
            break at + key.len();
        }
        from = at + key.len();
    };
    let open = at + json.get(at..)?.iter().take_while(|b| **b == b' ').count();
    (json.get(open) == Some(&b'"')).then_some(())?;
    let mut end = open + 1;
    loop {
        end += memchr::memchr2(b'"', b'\\', json.get(end..)?)?;
        if json.get(end) == Some(&b'"') {
            return Some((open, end + 1));
        }
        end += 2;
    }
}

/// Length of the string behind `key`; nothing when there is no string (null, absent).
fn string_after(json: &[u8], key: &[u8]) -> Option<usize> {
    string_value(json, key).map(|(open, end)| end - open - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = concat!(
        ": hello\n\n",
        "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"delta\":{\"content\":\"say \\\"model\\\":\\\"x\\\"\"},\"finish_reason\":null}]}\r\n\r\n",
        "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{},\"finish_reason\": \"stop\"}],\"model\": \"gpt-4o-2024\"}\n\n",
        "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    );

    fn relay(text: &str, size: usize, model: Option<&str>, hide: bool) -> (String, Seen) {
        let mut r = StreamRelay::new(Format::OpenAiChat, model, hide, 4096);
        let mut out = Vec::new();
        for c in text.as_bytes().chunks(size) {
            out.extend_from_slice(&r.chunk(Bytes::copy_from_slice(c)).unwrap());
        }
        out.extend_from_slice(&r.finish());
        (String::from_utf8(out).unwrap(), r.take_seen())
    }

    #[test]
    fn nothing_to_edit_means_the_same_bytes() {
        for size in [1, 2, 3, 7, 50, 10_000] {
            assert_eq!(relay(CHAT, size, None, false).0, CHAT, "chunks of {size}");
        }
        let mut r = StreamRelay::new(Format::OpenAiChat, None, false, 4096);
        let chunk = Bytes::from_static(CHAT.as_bytes());
        assert_eq!(r.chunk(chunk.clone()).unwrap().as_ptr(), chunk.as_ptr(), "shared, not copied");
    }

    #[test]
    fn the_model_is_spliced_and_our_usage_event_hidden() {
        for size in [1, 5, 64, 10_000] {
            let (text, seen) = relay(CHAT, size, Some("mine"), true);
            assert_eq!(text.matches("\"mine\"").count(), 3, "chunks of {size}: {text}");
            assert!(!text.contains("gpt-4o-2024") && !text.contains("usage") && text.ends_with("data: [DONE]\n\n"));
            assert!(text.contains("say \\\"model\\\":\\\"x\\\""));
            assert_eq!(seen.usage.first().unwrap().get(), "{\"prompt_tokens\":1,\"completion_tokens\":2}");
            assert!(seen.finished && seen.done);
            assert_eq!((seen.id.as_deref(), seen.model.as_deref()), (Some("c1"), Some("gpt-4o-2024")));
        }
    }

    #[test]
    fn a_cut_stream_is_not_finished_and_an_error_is_noticed() {
        let cut = CHAT.split("data: {\"id\":\"c1\",\"choices\"").next().unwrap();
        assert!(!relay(cut, 9, None, false).1.finished);
        let (_, seen) = relay("data: {\"error\":{\"message\":\"no\"}}\n\n", 100, None, false);
        assert_eq!(seen.error.unwrap().get(), "{\"message\":\"no\"}");
    }

    #[test]
    fn anthropic_streams_report_usage_twice() {
        let text = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":3}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let mut r = StreamRelay::new(Format::AnthropicMessages, Some("mine"), false, 4096);
        let out = r.chunk(Bytes::from_static(text.as_bytes())).unwrap();
        assert_eq!(std::str::from_utf8(&out).unwrap(), text.replace("claude-x", "mine"));
        let seen = r.take_seen();
        assert_eq!((seen.usage.len(), seen.finished, seen.done, seen.text_bytes), (2, true, true, 5));
    }

    #[test]
    fn endless_events_are_refused() {
        let mut r = StreamRelay::new(Format::OpenAiChat, None, false, 16);
        assert!(r.chunk(Bytes::from_static(b"data: 0123456789abcdef0123")).is_err());
    }
}
