//! Events of Gemini: every one is a whole answer that holds what is new.

use llm_types::RawJson;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scan::{place, string_after};
use super::{Edit, Patch, StreamRelay};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default)]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model_version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    candidates: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl StreamRelay {
    pub(super) fn gemini(&mut self, event: &[u8], data: &[u8]) -> Edit {
        let Ok(head) = serde_json::from_slice::<Head<'_>>(data) else {
            if !data.trim_ascii().starts_with(b"{") {
                return Edit::Keep; // nothing, or an end marker
            }
            self.seen.malformed = true;
            return Edit::Drop;
        };
        if let Some(error) = head.error.filter(|e| e.get() != "null") {
            self.seen.error = Some(RawJson::borrowed(error));
            return Edit::Drop;
        }
        let text = |raw: Option<&RawValue>| raw.and_then(|r| llm_types::json::raw_str(r.get())).map(Into::into);
        if self.seen.id.is_none() {
            self.seen.id = text(head.response_id);
        }
        if self.seen.model.is_none() {
            self.seen.model = text(head.model_version);
        }
        if let Some(usage) = head.usage_metadata {
            // the last one counts
            self.seen.usage.clear();
            self.seen.usage.push(RawJson::borrowed(usage));
        }
        if let Some(candidates) = head.candidates
            && memmem::find(data, b"\"groundingMetadata\"").is_some()
        {
            self.seen.grounding.add_candidates(candidates.get()); // searches are billed
        }
        self.seen.finished |=
            string_after(data, b"\"finishReason\":").is_some() || string_after(data, b"\"blockReason\":").is_some();
        if let Some(length) = string_after(data, b"\"text\":") {
            self.seen.text_bytes += length as u64;
            self.seen.text_events += 1;
        }
        match (&self.model, head.model_version.and_then(|m| place(event, m.get()))) {
            (Some(model), Some((from, to))) => Edit::Patches(vec![Patch { from, to, text: model.clone() }]),
            _ => Edit::Keep,
        }
    }
}
