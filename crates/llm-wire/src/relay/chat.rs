//! Events of chat and of text completions.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::{Format, RawJson};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scan::{event_name, place, string_after, string_value, value_at};
use super::{Edit, Patch, StreamRelay};
use crate::openai::{finish, usage};
use crate::top::Top;

/// The fields of a chunk that matter here.
#[derive(Deserialize)]
pub(super) struct ChatHead<'a> {
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub choices: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

impl ChatHead<'_> {
    fn no_choices(&self) -> bool {
        self.choices.is_none_or(|c| c.get().bytes().all(|b| b"[] \t\r\n".contains(&b)))
    }
}

impl StreamRelay {
    pub(super) fn chat(&mut self, event: &[u8], data: &[u8]) -> Edit {
        if data.trim_ascii() == b"[DONE]" {
            if !self.seen.told {
                return Edit::Drop;
            }
            self.seen.done = true;
            self.seen.finished = true;
            return if self.seen.gave_up { Edit::Drop } else { Edit::Keep };
        }
        self.seen.told |= !data.trim_ascii().is_empty();
        if event_name(event) == Some(b"error") {
            // Some hosts tell errors by the name of the event alone.
            let top = Top::parse(data).unwrap_or_default();
            let said = top.get("error").filter(|e| *e != "null").map(str::as_bytes).unwrap_or(data);
            self.seen.error = Some(RawJson::parse(String::from_utf8_lossy(said)).unwrap_or_default());
            return Edit::Drop;
        }
        if let Some(text) = string_after(data, b"\"content\":") {
            self.seen.text_bytes += text as u64;
            self.seen.text_events += u64::from(text > 0);
        }
        let mut patches = Vec::new();
        let chat = self.format == Format::OpenAiChat;
        if chat {
            self.say_as_litellm(event, &mut patches);
        }
        if let Some((from, to)) = string_value(event, b"\"finish_reason\":") {
            self.seen.finished = true;
            let word = event.get(from..to).unwrap_or_default();
            let called = self.tools & choice_bit(event) != 0;
            let text = match word {
                b"\"error\"" => Some(b"null".as_slice()),
                _ if chat => finish_as_openai(word, called),
                _ => None,
            };
            self.seen.gave_up |= word == b"\"error\"";
            patches.extend(text.map(|text| Patch { from, to, text: Bytes::from_static(text) }));
        }
        let first = self.seen.id.is_none();
        if (first || value_at(data, b"\"usage\"").is_some() || memmem::find(data, b"\"error\"").is_some())
            && let Ok(head) = serde_json::from_slice::<ChatHead<'_>>(data)
            && self.head(&head, first, event, &mut patches)
        {
            return Edit::Drop;
        }
        if patches.is_empty() { self.model_edit(event) } else { Edit::Patches(patches) }
    }

    /// Notes what a chunk holds beside its choices. True when the client must not see it.
    fn head(&mut self, head: &ChatHead<'_>, first: bool, event: &[u8], patches: &mut Vec<Patch>) -> bool {
        if first {
            self.seen.id = Some(head.id.map(|i| i.get().trim_matches('"').to_owned()).unwrap_or_default());
            self.seen.model = head.model.and_then(|m| llm_types::json::raw_str(m.get())).map(|m| m.into_owned());
        }
        if let Some(error) = head.error.filter(|e| e.get() != "null") {
            // The client is told in its gateway's own words, by whoever drives the relay.
            self.seen.error = Some(RawJson::borrowed(error));
            return true;
        }
        let Some(raw) = head.usage.filter(|u| u.get() != "null") else { return false };
        self.seen.usage.clear();
        self.seen.usage.push(RawJson::borrowed(raw));
        if self.hide_usage && head.no_choices() {
            return true;
        }
        let text = if self.hide_usage { Bytes::from_static(b"null") } else { self.usage(raw) };
        patches.extend(place(event, raw.get()).map(|(from, to)| Patch { from, to, text }));
        false
    }

    /// The usage object as LiteLLM computes it for streams.
    fn usage(&self, raw: &RawValue) -> Bytes {
        let report = usage::decode(raw, self.format);
        let shape = usage::Shape { stream: true, tool_calls: self.tools != 0, ..usage::Shape::default() };
        let mut out = BytesMut::with_capacity(raw.get().len() + 96);
        usage::encode(&report, shape, &mut out);
        out.freeze()
    }

    /// Thoughts are `reasoning_content`, refusals lie below `provider_specific_fields`.
    fn say_as_litellm(&mut self, event: &[u8], patches: &mut Vec<Patch>) {
        const REASONING: &[u8] = b"\"reasoning\":";
        const REFUSAL: &[u8] = b"\"refusal\":";
        if let Some((open, _)) = string_value(event, REASONING)
            && let Some(key) = event.get(..open).and_then(|head| memmem::rfind(head, REASONING))
        {
            let own = string_value(event, b"\"reasoning_content\":").is_some();
            let name = if own { b"\"reasoning\"".as_slice() } else { b"\"reasoning_content\"" };
            patches.push(Patch { from: key, to: key + REASONING.len() - 1, text: Bytes::from_static(name) });
        }
        if let Some((open, end)) = string_value(event, REFUSAL)
            && end - open > 2
            && let Some(key) = event.get(..open).and_then(|head| memmem::rfind(head, REFUSAL))
        {
            let mut text = BytesMut::new();
            text.put_slice(b"\"provider_specific_fields\":{");
            text.put_slice(event.get(key..end).unwrap_or_default());
            text.put_u8(b'}');
            patches.push(Patch { from: key, to: end, text: text.freeze() });
        }
        if value_at(event, b"\"tool_calls\"").is_some_and(|at| event.get(at..at + 2) != Some(b"[]")) {
            self.tools |= choice_bit(event);
        }
    }
}

/// The quoted word that OpenAI's clients know for a quoted reason; nothing when it is one.
fn finish_as_openai(word: &[u8], called: bool) -> Option<&'static [u8]> {
    const KNOWN: [&[u8]; 4] = [b"\"length\"", b"\"tool_calls\"", b"\"content_filter\"", b"\"function_call\""];
    if word.len() <= 2 || KNOWN.contains(&word) {
        return None;
    }
    let word = std::str::from_utf8(word).unwrap_or_default().trim_matches('"');
    match finish::encode(finish::decode(word).reason) {
        "stop" if called => Some(b"\"tool_calls\""),
        "stop" if word == "stop" => None,
        "length" => Some(b"\"length\""),
        "tool_calls" => Some(b"\"tool_calls\""),
        "content_filter" => Some(b"\"content_filter\""),
        _ => Some(b"\"stop\""),
    }
}

/// The bit of the choice that a chunk belongs to: its first `index`.
fn choice_bit(event: &[u8]) -> u64 {
    let choices = memmem::find(event, b"\"choices\"").unwrap_or(0);
    let rest = event.get(choices..).unwrap_or_default();
    let digit = value_at(rest, b"\"index\"").and_then(|at| rest.get(at)).filter(|b| b.is_ascii_digit());
    1 << digit.map_or(0, |b| b - b'0')
}
