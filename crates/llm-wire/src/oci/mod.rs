//! OCI Generative AI: `POST /20231130/actions/chat` in two languages, `POST /20231130/actions/embedText`.
//!
//! - [`OciChat`]: `chatRequest: {apiFormat: "GENERIC", messages, ..}`, chat in large letters and other names.
//! - [`OciCohere`]: `chatRequest: {apiFormat: "COHERE", message, chatHistory, preambleOverride, ..}`.
//! - [`OciEmbed`]: `{inputs, truncate, inputType, outputDimensions}`, at most 96 texts.
//!
//! Compartment and serving mode stand beside them: they are the provider's to add. Streams are SSE of the same pieces.
//! Wire facts: <https://docs.oracle.com/en-us/iaas/api/#/en/generative-ai-inference/20231130/ChatResult/Chat>.

mod cohere;
mod embed;
mod generic;

use llm_types::generate::{Finish, FinishReason, UsageReport};
use llm_types::{Error, Format};

use crate::codec::ReplyView;
use crate::dialect;
use crate::openai::errors::{of_status, provider_name};
use crate::openai::usage::plain;
use crate::openai::wire::{Count, view};

pub use cohere::OciCohere;
pub use embed::OciEmbed;
pub use generic::OciChat;

view!(lenient UsageIn {
    prompt = "promptTokens": Count,
    completion = "completionTokens": Count,
});

impl UsageIn<'_> {
    /// The report, when anything was counted.
    fn report(&self) -> Option<UsageReport> {
        self.prompt.0.or(self.completion.0)?;
        Some(plain(self.prompt.0.unwrap_or(0), self.completion.0.unwrap_or(0)))
    }
}

/// The host's word for why an answer ended, in large or small letters.
fn finish(word: &str, format: Format) -> Finish {
    let reason = match word.to_ascii_uppercase().as_str() {
        "LENGTH" | "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALLS" | "TOOL_CALL" => FinishReason::ToolCalls,
        "STOP_SEQUENCE" => FinishReason::StopSequence,
        "ERROR_TOXIC" | "CONTENT_FILTER" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    };
    Finish { raw: Some((format, word.to_owned())), ..Finish::new(reason) }
}

/// `{code, message}`.
fn error(reply: &ReplyView<'_>) -> Error {
    dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
}
