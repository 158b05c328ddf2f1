//! Why an answer ended, in OpenAI's words. The table of foreign words is LiteLLM's: some providers that otherwise
//! speak OpenAI's format use them.

use llm_types::Format;
use llm_types::generate::{Finish, FinishReason};

/// Reads a `finish_reason`. Words nobody knows mean a plain end.
pub(crate) fn decode(word: &str) -> Finish {
    use FinishReason as R;
    let reason = match word {
        "length" | "max_tokens" | "MAX_TOKENS" | "compaction" => R::Length,
        "tool_calls" | "tool_use" => R::ToolCalls,
        "function_call" => R::FunctionCall,
        "content_filter"
        | "content_filtered"
        | "guardrail_intervened"
        | "ERROR_TOXIC"
        | "sensitive"
        | "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "OTHER"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "IMAGE_OTHER"
        | "NO_IMAGE"
        | "ESCALATION" => R::ContentFilter,
        "refusal" => R::Refusal,
        "stop_sequence" => R::StopSequence,
        _ => R::Stop,
    };
    Finish { reason, raw: Some((Format::OpenAiChat, word.to_owned())), stop_sequence: None }
}

/// The word of an upstream that speaks OpenAI's format but for this word. LiteLLM tells it beside the one it means.
pub(crate) fn foreign(finish: &Finish) -> Option<&str> {
    const KNOWN: [&str; 5] = ["stop", "length", "tool_calls", "function_call", "content_filter"];
    match &finish.raw {
        Some((Format::OpenAiChat, word)) if !KNOWN.contains(&word.as_str()) => Some(word),
        _ => None,
    }
}

/// The word that OpenAI's clients know.
pub(crate) const fn encode(reason: FinishReason) -> &'static str {
    use FinishReason as R;
    match reason {
        R::Stop | R::StopSequence | R::Pause => "stop",
        R::Length => "length",
        R::ToolCalls => "tool_calls",
        R::FunctionCall => "function_call",
        R::ContentFilter | R::Refusal => "content_filter",
    }
}
