//! What a request asks for, read leniently from any format.

use serde_json::{Value, json};

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

/// Reads a conversation of messages with roles, tool results among them, and tools that are functions: what OpenAI's
/// shape and those made after it have in common. `read` names the fields that the model reads.
pub(crate) fn conversation(prompt: &mut Prompt, body: &Value, read: &[&str]) {
    let messages = body.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let last_user = messages.iter().rev().find(|m| text_field(m, "role") == Some("user"));
    if let Some(content) = last_user.and_then(|m| m.get("content")) {
        prompt.set_user_text(&text_of(content));
    }
    if let Some(last) = messages.last().filter(|m| text_field(m, "role") == Some("tool")) {
        prompt.tool_result = last.get("content").map(text_of);
    }
    prompt.characters = read.iter().filter_map(|key| body.get(key)).map(characters).sum();
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    prompt.tools = tools.filter_map(|tool| tool.get("function")).filter_map(function).collect();
}

fn function(function: &Value) -> Option<Tool> {
    let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"}));
    Some(Tool { name: text_field(function, "name")?.to_owned(), schema })
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
