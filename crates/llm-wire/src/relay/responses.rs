//! Events of Responses. They go on as they came: what clients look for stands in them.

use llm_types::RawJson;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat::ChatHead;
use super::scan::{string_after, string_value};
use super::{Edit, StreamRelay};

/// The fields of an event that matter here.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<ChatHead<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// How an answer ends; nothing follows.
const ENDS: [&[u8]; 2] = [b"\"response.completed\"", b"\"response.incomplete\""];
/// Events that tell a failure.
const FAILURES: [&[u8]; 2] = [b"\"response.failed\"", b"\"error\""];

impl StreamRelay {
    pub(super) fn responses(&mut self, data: &[u8]) -> Edit {
        if data.trim_ascii() == b"[DONE]" {
            self.seen.done = true;
            return Edit::Keep;
        }
        if let Some(text) = string_after(data, b"\"delta\":") {
            self.seen.text_bytes += text as u64;
            self.seen.text_events += u64::from(text > 0);
            return Edit::Keep;
        }
        let said = |kind: &[u8]| memmem::find(data, kind).is_some();
        let ended = ENDS.iter().any(|kind| said(kind));
        let kind = string_value(data, b"\"type\":").and_then(|(from, to)| data.get(from..to));
        let failed = said(b"\"response.failed\"") || kind == Some(b"\"error\"");
        if self.seen.id.is_some() && !ended && !failed {
            return Edit::Keep;
        }
        let Ok(head) = serde_json::from_slice::<Head<'_>>(data) else { return Edit::Keep };
        if let Some(response) = &head.response {
            self.note(response);
        }
        // The words may stand in a client's metadata, which is told again.
        let named = head.kind.map(|k| k.get().as_bytes());
        self.seen.finished |= ended && named.is_none_or(|kind| ENDS.contains(&kind));
        if failed && named.is_none_or(|kind| FAILURES.contains(&kind)) {
            let error = head.response.and_then(|r| r.error).or(head.error).filter(|e| e.get() != "null");
            let whole = || RawJson::parse(String::from_utf8_lossy(data)).unwrap_or_default();
            // The client is told in its gateway's own words, by whoever drives the relay.
            self.seen.error = Some(error.map_or_else(whole, RawJson::borrowed));
            return Edit::Drop;
        }
        Edit::Keep
    }

    fn note(&mut self, response: &ChatHead<'_>) {
        if self.seen.id.is_none() {
            self.seen.id = response.id.map(|i| i.get().trim_matches('"').to_owned());
            self.seen.model = response.model.and_then(|m| llm_types::json::raw_str(m.get())).map(|m| m.into_owned());
        }
        if let Some(raw) = response.usage.filter(|u| u.get() != "null") {
            self.seen.usage.clear();
            self.seen.usage.push(RawJson::borrowed(raw));
        }
    }
}
