//! Openings: events that announce an answer and say nothing of it yet. As long as only such came, the call can still be
//! made elsewhere without the client noticing.

use llm_types::Format;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Events of Messages that only announce.
const MESSAGES: [&str; 2] = ["message_start", "ping"];
/// Events of Responses that only announce.
const RESPONSES: [&str; 5] = [
    "response.created",
    "response.queued",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
];
/// Items and blocks that are nothing before they grow. Others come whole or name a tool.
const GROWING: [&str; 3] = ["text", "thinking", "message"];

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Option<HashMap<&'a str, &'a RawValue>>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    item: Option<Block<'a>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gemini<'a> {
    #[serde(borrow, default)]
    candidates: Vec<Candidate<'a>>,
    #[serde(default)]
    prompt_feedback: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    #[serde(default)]
    finish_reason: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Vec<HashMap<&'a str, &'a RawValue>>,
}

/// True for the data of an event that only announces. What cannot be read counts as content: it goes on to the client.
pub(super) fn opens(format: Format, data: &[u8]) -> bool {
    match format {
        Format::AnthropicMessages => serde_json::from_slice::<Kind<'_>>(data).is_ok_and(|e| {
            MESSAGES.contains(&e.kind) || e.kind == "content_block_start" && e.content_block.is_some_and(|b| b.grows())
        }),
        Format::OpenAiResponses => serde_json::from_slice::<Kind<'_>>(data)
            .is_ok_and(|e| RESPONSES.contains(&e.kind) && e.item.is_none_or(|item| item.grows())),
        Format::GeminiGenerate => serde_json::from_slice::<Gemini<'_>>(data)
            .is_ok_and(|e| e.prompt_feedback.is_none() && e.candidates.iter().all(Candidate::says_nothing)),
        _ => serde_json::from_slice::<Chat<'_>>(data).is_ok_and(|e| e.choices.iter().all(Choice::says_nothing)),
    }
}

impl Block<'_> {
    fn grows(&self) -> bool {
        GROWING.contains(&self.kind) && self.text.is_none_or(nothing)
    }
}

impl Choice<'_> {
    fn says_nothing(&self) -> bool {
        let delta = self.delta.iter().flatten().all(|(key, value)| *key == "role" || nothing(value));
        delta && self.text.is_none_or(nothing) && self.finish_reason.is_none_or(nothing)
    }
}

impl Candidate<'_> {
    fn says_nothing(&self) -> bool {
        let parts = self.content.iter().flat_map(|c| &c.parts);
        self.finish_reason.is_none() && parts.flatten().all(|(_, value)| nothing(value))
    }
}

fn nothing(value: &RawValue) -> bool {
    matches!(value.get(), "null" | "\"\"" | "[]" | "{}" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_told_from_content() {
        use Format::{AnthropicMessages, GeminiGenerate, OpenAiChat, OpenAiResponses};
        let cases: &[(Format, &str, bool)] = &[
            (OpenAiChat, r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#, true),
            (OpenAiChat, r#"{"choices":[]}"#, true),
            (OpenAiChat, r#"{"choices":[{"delta":{"content":"a"}}]}"#, false),
            (OpenAiChat, r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#, false),
            (OpenAiChat, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, false),
            (OpenAiChat, r#"{"choices":[{"text":"a"}]}"#, false),
            (OpenAiChat, "[DONE]", false),
            (AnthropicMessages, r#"{"type":"message_start","message":{}}"#, true),
            (
                AnthropicMessages,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                true,
            ),
            (AnthropicMessages, r#"{"type":"content_block_start","content_block":{"type":"tool_use"}}"#, false),
            (AnthropicMessages, r#"{"type":"content_block_delta","delta":{}}"#, false),
            (OpenAiResponses, r#"{"type":"response.created","response":{}}"#, true),
            (OpenAiResponses, r#"{"type":"response.output_item.added","item":{"type":"message"}}"#, true),
            (OpenAiResponses, r#"{"type":"response.output_item.added","item":{"type":"function_call"}}"#, false),
            (OpenAiResponses, r#"{"type":"response.output_text.delta","delta":"a"}"#, false),
            (GeminiGenerate, r#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#, true),
            (GeminiGenerate, r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#, false),
            (GeminiGenerate, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, false),
        ];
        for (format, data, wanted) in cases {
            assert_eq!(opens(*format, data.as_bytes()), *wanted, "{format:?} {data}");
        }
    }
}
