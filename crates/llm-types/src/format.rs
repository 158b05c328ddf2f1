use std::fmt;

/// A language that requests and answers are written in. A provider speaks one or more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// OpenAI `POST /v1/chat/completions`.
    OpenAiChat,
    /// OpenAI `POST /v1/responses`.
    OpenAiResponses,
    /// OpenAI legacy `POST /v1/completions`.
    OpenAiCompletions,
    /// OpenAI `POST /v1/embeddings`.
    OpenAiEmbeddings,
    /// Anthropic `POST /v1/messages`.
    AnthropicMessages,
    /// Google `models/{model}:generateContent`.
    GeminiGenerate,
}

impl Format {
    /// The name used in tables, logs and fixtures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::OpenAiCompletions => "openai-completions",
            Self::OpenAiEmbeddings => "openai-embeddings",
            Self::AnthropicMessages => "anthropic-messages",
            Self::GeminiGenerate => "gemini-generate",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kind of a call, whatever language it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// A conversation is answered: chat, Messages, Responses, Gemini, legacy completions.
    Generate,
    /// Texts become vectors.
    Embed,
    /// The tokens of a conversation are counted, nothing is generated.
    CountTokens,
}

impl OperationKind {
    /// LiteLLM's `call_type` in spend rows and log records, for the asynchronous proxy path.
    #[must_use]
    pub const fn call_type(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Generate, Format::AnthropicMessages) => "anthropic_messages",
            (Self::Generate, Format::OpenAiResponses) => "aresponses",
            (Self::Generate, Format::OpenAiCompletions) => "atext_completion",
            (Self::Generate, Format::GeminiGenerate) => "agenerate_content",
            (Self::Embed, _) => "aembedding",
            (Self::CountTokens, _) => "token_counter",
            (Self::Generate, _) => "acompletion",
        }
    }
}
