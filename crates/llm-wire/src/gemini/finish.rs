//! Why answers end.

use llm_types::generate::{Finish, FinishReason};

use super::FORMAT;

/// Reads a `finishReason`. `called`: the model called functions, which this format says nowhere.
pub(super) fn decode(word: &str, called: bool) -> Finish {
    use FinishReason as R;
    let reason = match word {
        _ if called => R::ToolCalls,
        "MAX_TOKENS" => R::Length,
        "SAFETY"
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
        _ => R::Stop, // STOP, broken function calls, and whatever is new: the answer did end
    };
    Finish { reason, raw: Some((FORMAT, word.to_owned())), stop_sequence: None }
}

/// The answer was taken back: clients of LiteLLM see none of it.
pub(crate) fn is_blocked(word: &str) -> bool {
    matches!(
        word,
        "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
    )
}

/// The word that this format's clients know.
pub(super) fn encode(finish: &Finish) -> &str {
    use FinishReason as R;
    if let Some((FORMAT, word)) = &finish.raw {
        return word;
    }
    match finish.reason {
        R::Stop | R::StopSequence | R::Pause | R::ToolCalls | R::FunctionCall => "STOP",
        R::Length => "MAX_TOKENS",
        R::ContentFilter | R::Refusal => "SAFETY",
    }
}
