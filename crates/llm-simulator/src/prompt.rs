//! What a request asks for, read leniently from any format.

use serde_json::Value;

/// The parts of a request that shape the answer.
#[derive(Debug, Default)]
pub(crate) struct Prompt {
    pub(crate) model: String,
    /// Text of the last user message, without a marker.
    pub(crate) user_text: String,
    /// Inside of the marker found there.
    pub(crate) marker: Option<String>,
    /// The conversation ends with the result of a tool: its text.
    pub(crate) tool_result: Option<String>,
    /// Characters of everything the model reads.
    pub(crate) characters: usize,
    pub(crate) tools: Vec<Tool>,
    pub(crate) forced: Forced,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) stops: Vec<String>,
    pub(crate) output: Output,
    pub(crate) thinking: bool,
    pub(crate) stream: bool,
}

#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// Whether a tool must be called.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Forced {
    #[default]
    No,
    Any,
    Named(String),
}

/// The shape of the answer's text.
#[derive(Debug, Default)]
pub(crate) enum Output {
    #[default]
    Text,
    /// Any JSON object.
    Json,
    Schema(Value),
}

impl Prompt {
    /// Sets the user text, taking out a marker.
    pub(crate) fn set_user_text(&mut self, text: &str) {
        match crate::marker::find(text) {
            Some((inside, rest)) => {
                self.marker = Some(inside.to_owned());
                self.user_text = rest;
            }
            None => self.user_text = text.to_owned(),
        }
    }
}

/// The text of a message content: a string, or the `text` of its parts joined by a blank.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

/// Characters of all texts below a value; what the token estimate counts.
pub(crate) fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(fields) => fields.values().map(characters).sum(),
        _ => 0,
    }
}

/// A string or a list of strings.
pub(crate) fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// A text field of an object.
pub(crate) fn text_field<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
