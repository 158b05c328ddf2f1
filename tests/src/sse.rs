//! Server-sent events and what they add up to.

use std::collections::BTreeMap;

use serde_json::Value;

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event:` name.
    pub name: Option<String>,
    /// The `data:` lines, joined.
    pub data: String,
}

impl Event {
    /// The data as JSON; `Null` when it is not JSON (`[DONE]`).
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_default()
    }

    /// OpenAI's end marker, Anthropic's last event or Gemini's finish reason.
    pub fn is_end(&self) -> bool {
        self.data == "[DONE]"
            || self.name.as_deref() == Some("message_stop")
            || self.json().pointer("/candidates/0/finishReason").is_some()
    }

    /// An error in any format: an event of its own, or a response that failed.
    pub fn is_error(&self) -> bool {
        matches!(self.name.as_deref(), Some("error" | "response.failed")) || self.json().get("error").is_some()
    }

    /// What an error event says: its `error`, or that of the response that failed.
    pub fn error(&self) -> Value {
        let json = self.json();
        json.get("error").or_else(|| json.pointer("/response/error")).cloned().unwrap_or_default()
    }

    /// Reads one block of lines; comments alone give nothing.
    pub(crate) fn parse(block: &str) -> Option<Self> {
        let values = |field: &str| -> Vec<&str> {
            let lines = block.lines().filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
            lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect()
        };
        let (name, data) = (values("event"), values("data"));
        if name.is_empty() && data.is_empty() {
            return None;
        }
        Some(Self { name: name.first().map(|n| (*n).to_owned()), data: data.join("\n") })
    }
}

/// All events of a whole text.
pub fn events(text: &str) -> Vec<Event> {
    text.replace("\r\n", "\n").split("\n\n").filter_map(Event::parse).collect()
}

/// The text of choice 0 of a stream, whatever its format.
pub fn joined_text(events: &[Event]) -> String {
    let texts = events.iter().filter_map(|event| {
        let json = event.json();
        let chat =
            json.pointer("/choices/0/delta/content").filter(|_| json.pointer("/choices/0/index") == Some(&0.into()));
        let responses = json.get("delta").filter(|_| json.get("type") == Some(&"response.output_text.delta".into()));
        let gemini = json.pointer("/candidates/0/content/parts/0/text");
        let text = chat.or_else(|| json.pointer("/delta/text")).or(responses).or(gemini);
        text.and_then(Value::as_str).map(str::to_owned)
    });
    texts.collect()
}

/// Tool calls of a chat stream as (name, arguments), or of a messages stream, in order.
pub fn joined_tool_calls(events: &[Event]) -> Vec<(String, String)> {
    let mut calls: BTreeMap<u64, (String, String)> = BTreeMap::new();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    for json in events.iter().map(Event::json) {
        for delta in json.pointer("/choices/0/delta/tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let call = calls.entry(delta.get("index").and_then(Value::as_u64).unwrap_or(0)).or_default();
            call.0.push_str(&text(delta.pointer("/function/name")));
            call.1.push_str(&text(delta.pointer("/function/arguments")));
        }
        let index = json.get("index").and_then(Value::as_u64).unwrap_or(0);
        if json.pointer("/content_block/type").and_then(Value::as_str) == Some("tool_use") {
            calls.entry(index).or_default().0 = text(json.pointer("/content_block/name"));
        }
        if let Some(piece) = json.pointer("/delta/partial_json") {
            calls.entry(index).or_default().1.push_str(&text(Some(piece)));
        }
    }
    calls.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_events() {
        let text = ": keep-alive\n\nevent: a\ndata: {\"x\":1}\n\ndata: one\ndata: two\n\n";
        let seen = events(text);
        assert_eq!(seen[0], Event { name: Some("a".into()), data: "{\"x\":1}".into() });
        assert_eq!(seen[1].data, "one\ntwo");
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn tool_calls_are_joined_by_index() {
        let chat = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n\
                    data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]}}]}\n\n";
        assert_eq!(joined_tool_calls(&events(chat)), [("f".to_owned(), "{}".to_owned())]);
        let messages = "data: {\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"name\":\"g\"}}\n\n\
                        data: {\"index\":1,\"delta\":{\"partial_json\":\"{\\\"a\\\":1}\"}}\n\n";
        assert_eq!(joined_tool_calls(&events(messages)), [("g".to_owned(), "{\"a\":1}".to_owned())]);
    }
}
