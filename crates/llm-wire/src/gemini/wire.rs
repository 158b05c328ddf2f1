//! Borrowed views of replies, and what calls are called.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::wire::{Count, List, Text, view};

// A whole answer, or one event of a stream.
view!(lenient ReplyIn {
    candidates = "candidates": List<CandidateIn<'a>>,
    feedback = "promptFeedback": Option<&'a RawValue>,
    usage = "usageMetadata": Option<&'a RawValue>,
    model = "modelVersion": Text<'a>,
    id = "responseId": Text<'a>,
    error = "error": Option<&'a RawValue>,
});

view!(lenient CandidateIn {
    index = "index": Count,
    content = "content": ContentIn<'a>,
    finish = "finishReason": Text<'a>,
    logprobs = "logprobsResult": Option<&'a RawValue>,
});

view!(lenient ContentIn {
    role = "role": Text<'a>,
    parts = "parts": List<PartIn<'a>>,
});

view!(lenient PartIn {
    text = "text": Text<'a>,
    thought = "thought": Option<&'a RawValue>,
    signature = "thoughtSignature": Text<'a>,
    call = "functionCall": Option<CallIn<'a>>,
    inline = "inlineData": Option<InlineIn<'a>>,
});

view!(lenient CallIn {
    id = "id": Text<'a>,
    name = "name": Text<'a>,
    args = "args": Option<&'a RawValue>,
});

view!(lenient InlineIn {
    kind = "mimeType": Text<'a>,
    data = "data": Text<'a>,
});

view!(lenient FeedbackIn {
    reason = "blockReason": Text<'a>,
});

impl PartIn<'_> {
    pub(super) fn is_thought(&self) -> bool {
        self.thought.is_some_and(|t| t.get() == "true")
    }
}

/// Why the prompt was not answered, if it was not.
pub(super) fn block_reason(feedback: Option<&RawValue>) -> Option<String> {
    let view: FeedbackIn<'_> = serde_json::from_str(feedback?.get()).ok()?;
    view.reason.filled().map(str::to_owned)
}

/// `modelVersion` without what stands behind `@`.
pub(super) fn model_name<'a>(version: &'a Text<'_>) -> &'a str {
    version.filled().unwrap_or_default().split('@').next().unwrap_or_default()
}

/// Stands between the id of a call and its signature, in what chat clients get.
pub const THOUGHT: &str = "__thought__";

/// The id that a client sent back: the id proper, and the signature behind it.
#[must_use]
pub fn split_call_id(id: &str) -> (&str, Option<&str>) {
    match id.split_once(THOUGHT) {
        Some((id, signature)) => (id, Some(signature).filter(|s| !s.is_empty())),
        None => (id, None),
    }
}

/// The id of a call, with its signature behind it.
pub(super) fn call_id<'a>(id: Cow<'a, str>, signature: Option<&str>) -> Cow<'a, str> {
    match signature {
        Some(signature) => Cow::Owned(format!("{id}{THOUGHT}{signature}")),
        None => id,
    }
}

/// An id for the call number `at` of the answer `seed`. No two answers share one.
pub(super) fn invented_id(seed: &str, at: usize) -> String {
    format!("call_{}_{at}", bare(seed))
}

/// True for an id of [`invented_id`].
pub(super) fn is_invented(id: &str, seed: &str) -> bool {
    id.strip_prefix("call_").and_then(|rest| rest.strip_prefix(bare(seed))).is_some_and(|rest| rest.starts_with('_'))
}

fn bare(seed: &str) -> &str {
    seed.trim_start_matches("chatcmpl-").trim_start_matches("msg_").trim_start_matches("resp_")
}

/// JSON text as Python writes it, on one line with a space behind every comma and colon, so that arguments are the text
/// that LiteLLM's clients get. Numbers and strings keep their spelling.
pub(super) fn spaced(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 8);
    let (mut inside, mut escaped) = (false, false);
    for letter in json.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            ' ' | '\n' | '\r' | '\t' if !inside => continue,
            _ => {}
        }
        out.push(letter);
        if !inside && matches!(letter, ',' | ':') {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_spaced_as_in_python() {
        let text = "{\n  \"a\":1.0,\"b\": [true , null],\t\"c\":\"x, \\\"y\\\": z\"}";
        assert_eq!(spaced(text), r#"{"a": 1.0, "b": [true, null], "c": "x, \"y\": z"}"#);
    }

    #[test]
    fn ids_carry_signatures_and_invented_ones_are_known() {
        let id = invented_id("chatcmpl-1", 2);
        assert!(is_invented(&id, "1") && !is_invented("call_abc", "1"));
        let whole = call_id(Cow::Borrowed(&id), Some("sig"));
        assert_eq!(split_call_id(&whole), (id.as_str(), Some("sig")));
        assert_eq!(split_call_id("call_1"), ("call_1", None));
    }
}
