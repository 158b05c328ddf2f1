//! Views of messages, shared by requests and replies.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::wire::{Content, Count, List, Str, Text, view};
use crate::top::Top;

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
    function_call = "function_call": Option<Box<FunctionView<'a>>>,
    refusal = "refusal": Text<'a>,
    reasoning_content = "reasoning_content": Text<'a>,
    reasoning = "reasoning": Text<'a>,
    thinking_blocks = "thinking_blocks": List<ThinkingView<'a>>,
    specific = "provider_specific_fields": Option<&'a RawValue>,
});

impl<'a> MessageView<'a> {
    /// The refusal: OpenAI's field, or LiteLLM's place for it; and the rest of LiteLLM's fields, if there is any.
    pub(crate) fn take_refusal(&mut self) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
        let own = self.refusal.0.take().filter(|t| !t.is_empty());
        let Some(raw) = self.specific.take() else { return (own, None) };
        let Ok(top) = serde_json::from_str::<Top<'a>>(raw.get()) else { return (own, Some(Cow::Borrowed(raw.get()))) };
        let refusal = own.or_else(|| top.str("refusal"));
        if refusal.is_none() {
            return (None, Some(Cow::Borrowed(raw.get())));
        }
        let more = top.iter().any(|(key, _)| key != "refusal");
        let rest = more.then(|| top.edited(&[("refusal", None)]));
        (refusal, rest.map(|r| Cow::Owned(String::from_utf8_lossy(&r).into_owned())))
    }
}

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

impl FunctionView<'_> {
    /// Some providers write an empty object, or empty texts.
    pub(crate) fn says_anything(&self) -> bool {
        self.name.filled().is_some() || !self.arguments.text().is_empty()
    }
}

view!(lenient CustomView {
    name = "name": Text<'a>,
    input = "input": Text<'a>,
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
    pub(crate) fn text(&self) -> Cow<'a, str> {
        let Some(raw) = self.0 else { return Cow::Borrowed("") };
        llm_types::json::raw_str(raw.get()).unwrap_or(Cow::Borrowed(raw.get()))
    }
}
