//! Views of messages, shared by requests and replies.

use serde_json::value::RawValue;

use crate::openai::wire::{Content, Count, List, Str, Text, view};

view!(strict MessageIn {
    role = "role": Option<Str<'a>>,
    content = "content": Content<'a>,
    name = "name": Option<Str<'a>>,
    tool_calls = "tool_calls": Option<Vec<&'a RawValue>>,
    tool_call_id = "tool_call_id": Option<Str<'a>>,
    function_call = "function_call": Option<&'a RawValue>,
    refusal = "refusal": Option<Str<'a>>,
    reasoning_content = "reasoning_content": Text<'a>,
    reasoning = "reasoning": Text<'a>,
    thinking_blocks = "thinking_blocks": List<ThinkingView<'a>>,
    cache_control = "cache_control": Option<&'a RawValue>,
});

// A message or a delta of a reply.
view!(lenient MessageView {
    role = "role": Text<'a>,
    content = "content": Content<'a>,
    tool_calls = "tool_calls": List<ToolCallView<'a>>,
    function_call = "function_call": FunctionView<'a>,
    refusal = "refusal": Text<'a>,
    reasoning_content = "reasoning_content": Text<'a>,
    reasoning = "reasoning": Text<'a>,
    thinking_blocks = "thinking_blocks": List<ThinkingView<'a>>,
});

view!(lenient ToolCallView {
    index = "index": Count,
    id = "id": Text<'a>,
    kind = "type": Text<'a>,
    function = "function": FunctionView<'a>,
    custom = "custom": CustomView<'a>,
    cache_control = "cache_control": Option<&'a RawValue>,
});

view!(lenient FunctionView {
    name = "name": Text<'a>,
    arguments = "arguments": Arguments<'a>,
});

view!(lenient CustomView {
    name = "name": Text<'a>,
});

view!(lenient ThinkingView {
    kind = "type": Text<'a>,
    thinking = "thinking": Content<'a>,
    signature = "signature": Text<'a>,
    data = "data": Text<'a>,
    cache_control = "cache_control": Option<&'a RawValue>,
});

/// Arguments of a call: a string, or (from careless providers) the JSON itself.
#[derive(Debug, Default)]
pub(crate) struct Arguments<'a>(Option<&'a RawValue>);

impl<'a> serde::Deserialize<'a> for Arguments<'a> {
    fn deserialize<D: serde::Deserializer<'a>>(d: D) -> Result<Self, D::Error> {
        Option::deserialize(d).map(Self)
    }
}

impl<'a> Arguments<'a> {
    /// The arguments as JSON text; empty when there are none.
    pub(crate) fn text(&self) -> std::borrow::Cow<'a, str> {
        let Some(raw) = self.0 else { return std::borrow::Cow::Borrowed("") };
        llm_types::json::raw_str(raw.get()).unwrap_or(std::borrow::Cow::Borrowed(raw.get()))
    }
}
