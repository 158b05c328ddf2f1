//! Which of the many things that Vertex AI serves a model is: LiteLLM's reading of its name.

use llm_types::{Format, OperationKind};

use crate::provider::Call;

/// A family of models: one address and one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Google's own, and those tuned from them.
    Gemini,
    /// Anthropic's: Messages by `rawPredict`.
    Claude,
    /// Models as a service behind one OpenAI endpoint.
    OpenApi,
    /// Mistral's chat by `rawPredict`.
    Mistral,
    /// AI21's chat by `rawPredict`.
    Ai21,
    /// An endpoint of the model garden that speaks OpenAI's language.
    Garden,
    /// An agent of the agent engine.
    Agent,
    /// Anything else: `predict`.
    Predict,
}

/// Publishers behind the common OpenAI endpoint.
const OPEN: [&str; 8] =
    ["meta/", "deepseek-ai", "qwen", "openai/gpt-oss-", "minimaxai/", "moonshotai/", "zai-org/", "google/gemma-"];

impl Family {
    pub(super) fn of(model: &str) -> Self {
        let starts = |names: &[&str]| names.iter().any(|n| model.starts_with(n));
        if starts(&["agent_engine/"]) {
            Self::Agent
        } else if is_number(model) {
            Self::Gemini
        } else if starts(&OPEN) {
            Self::OpenApi
        } else if starts(&["claude", "anthropic/claude"]) {
            Self::Claude
        } else if starts(&["mistral", "codestral"]) {
            Self::Mistral
        } else if starts(&["jamba", "ai21/jamba"]) {
            Self::Ai21
        } else if starts(&["openai/", "xai/", "gemma/"]) {
            Self::Garden
        } else if model.contains("gemini") || starts(&["gemma-", "imagen", "imagegeneration", "medlm-gemini"]) {
            Self::Gemini
        } else {
            Self::Predict
        }
    }

    /// The language of a conversation with it.
    pub(super) const fn chat_format(self) -> Option<Format> {
        match self {
            Self::Gemini => Some(Format::GeminiGenerate),
            Self::Claude => Some(Format::AnthropicMessages),
            Self::OpenApi | Self::Mistral | Self::Ai21 | Self::Garden => Some(Format::OpenAiChat),
            Self::Agent => Some(Format::VertexAgent),
            Self::Predict => None,
        }
    }

    /// The publisher in the path of a model that is named there.
    pub(super) const fn publisher(self) -> &'static str {
        match self {
            Self::Claude => "anthropic",
            Self::Mistral => "mistralai",
            Self::Ai21 => "ai21",
            _ => "google",
        }
    }

    /// What the model is asked to do, as the last part of the path.
    pub(super) fn verb(self, call: &Call<'_>) -> &'static str {
        let stream = call.stream;
        match (self, call.operation) {
            (_, OperationKind::Embed) => "predict",
            _ if call.format == Format::VertexImagen => "predict",
            (Self::Gemini, OperationKind::CountTokens) => "countTokens",
            (Self::Gemini, _) if stream => "streamGenerateContent",
            (Self::Gemini, _) => "generateContent",
            (Self::Claude | Self::Mistral | Self::Ai21, OperationKind::Generate) if stream => "streamRawPredict",
            (Self::Claude | Self::Mistral | Self::Ai21, _) => "rawPredict",
            _ => "predict",
        }
    }
}

/// The id of an endpoint: tuned models are called by it.
pub(super) fn is_number(model: &str) -> bool {
    !model.is_empty() && model.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_family() {
        for (model, family) in [
            ("gemini-2.5-pro", Family::Gemini),
            ("1234567890", Family::Gemini),
            ("claude-sonnet-4@20250514", Family::Claude),
            ("meta/llama-3.3-70b-instruct-maas", Family::OpenApi),
            ("deepseek-ai/deepseek-v3.1-maas", Family::OpenApi),
            ("openai/gpt-oss-120b-maas", Family::OpenApi),
            ("openai/1234567890", Family::Garden),
            ("xai/grok-4.1-fast-reasoning", Family::Garden),
            ("mistral-large@2411-001", Family::Mistral),
            ("codestral-2501", Family::Mistral),
            ("jamba-1.5-mini@001", Family::Ai21),
            ("agent_engine/1", Family::Agent),
            ("text-unicorn@001", Family::Predict),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }
}
