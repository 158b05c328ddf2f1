//! Events of Anthropic Messages.

use llm_types::RawJson;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat::ChatHead;
use super::scan::string_after;
use super::{Edit, StreamRelay};

impl StreamRelay {
    pub(super) fn anthropic(&mut self, event: &[u8], data: &[u8]) -> Edit {
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
