// Generated from data/providers.toml by `cargo xtask codegen`. Do not edit.

use llm_types::{Field as F, FieldSet, Format, OperationKind};

use crate::provider::{Compatible, Provider};
use crate::quirk::{Quirk as Q, Quirks};
use crate::row::{Auth, BLANK, Cap, Header, ModelName, Paths, ProviderRow, RowFormat, Task};

/// The parameter set `cohere`.
pub(crate) const COHERE_PARAMS: FieldSet = FieldSet::of(&[
    F::Stream,
    F::Temperature,
    F::MaxTokens,
    F::MaxCompletionTokens,
    F::TopP,
    F::FrequencyPenalty,
    F::PresencePenalty,
    F::Stop,
    F::N,
    F::Tools,
    F::ToolChoice,
    F::Seed,
    F::ExtraHeaders,
]);

/// The parameter set `ollama`.
pub(crate) const OLLAMA_PARAMS: FieldSet = FieldSet::of(&[
    F::MaxTokens,
    F::MaxCompletionTokens,
    F::Stream,
    F::TopP,
    F::Temperature,
    F::Seed,
    F::FrequencyPenalty,
    F::Stop,
    F::Tools,
    F::ToolChoice,
    F::Functions,
    F::ResponseFormat,
    F::ReasoningEffort,
]);

/// The parameter set `openai`.
pub(crate) const OPENAI_PARAMS: FieldSet = FieldSet::of(&[
    F::FrequencyPenalty,
    F::LogitBias,
    F::Logprobs,
    F::TopLogprobs,
    F::MaxTokens,
    F::MaxCompletionTokens,
    F::Modalities,
    F::Prediction,
    F::N,
    F::PresencePenalty,
    F::Seed,
    F::Stop,
    F::Stream,
    F::StreamOptions,
    F::Temperature,
    F::TopP,
    F::Tools,
    F::ToolChoice,
    F::FunctionCall,
    F::Functions,
    F::MaxRetries,
    F::ExtraHeaders,
    F::ParallelToolCalls,
    F::Audio,
    F::WebSearchOptions,
    F::ServiceTier,
    F::SafetyIdentifier,
    F::PromptCacheKey,
    F::PromptCacheRetention,
    F::Store,
    F::ResponseFormat,
]);

/// The parameter set `tools`.
pub(crate) const TOOLS_PARAMS: FieldSet =
    FieldSet::of(&[F::Tools, F::ToolChoice, F::FunctionCall, F::Functions, F::ParallelToolCalls]);

/// The parameter set `vertex`.
pub(crate) const VERTEX_PARAMS: FieldSet = FieldSet::of(&[
    F::Temperature,
    F::TopP,
    F::MaxTokens,
    F::MaxCompletionTokens,
    F::Stream,
    F::Tools,
    F::ToolChoice,
    F::Stop,
    F::ParallelToolCalls,
    F::ResponseFormat,
    F::WebSearchOptions,
]);

pub(crate) static A2A: ProviderRow = ProviderRow {
    id: "a2a",
    display_name: "A2A (Agent-to-Agent)",
    auth: Auth::BearerOptional,
    format: RowFormat::Own,
    chat_format: Format::A2a,
    supported: FieldSet::of(&[F::Stream, F::Temperature, F::MaxTokens, F::TopP]),
    paths: Paths { chat: Some(""), ..Paths::NONE },
    ..BLANK
};

pub(crate) static A2A_AGENT: ProviderRow = ProviderRow {
    id: "a2a_agent",
    display_name: "A2A Agent",
    auth: Auth::None,
    format: RowFormat::NotServed("a mark of LiteLLM's registry; agents are called as a2a/NAME with their api_base"),
    ..BLANK
};

pub(crate) static ABLITERATION: ProviderRow = ProviderRow {
    id: "abliteration",
    display_name: "Abliteration",
    api_base: Some("https://api.abliteration.ai/v1"),
    api_key_env: &["ABLITERATION_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.abliteration.ai/v1"],
    ..BLANK
};

pub(crate) static AGENTCORE: ProviderRow = ProviderRow {
    id: "agentcore",
    display_name: "AWS AgentCore web search",
    api_base_env: &["AGENTCORE_GATEWAY_URL"],
    api_key_env: &["AGENTCORE_GATEWAY_TOKEN"],
    auth: Auth::Computed("sigv4"),
    tasks: &[Task { operation: OperationKind::Search, format: Format::AgentCoreSearch, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static AI21: ProviderRow = ProviderRow {
    id: "ai21",
    display_name: "AI21",
    api_base: Some("https://api.ai21.com/studio/v1"),
    api_base_env: &["AI21_API_BASE"],
    api_key_env: &["AI21_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::Tools,
        F::ResponseFormat,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Temperature,
        F::Stop,
        F::N,
        F::Stream,
        F::Seed,
        F::ToolChoice,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static AI21_CHAT: ProviderRow = ProviderRow {
    id: "ai21_chat",
    display_name: "AI21 Chat",
    api_base: Some("https://api.ai21.com/studio/v1"),
    api_base_env: &["AI21_API_BASE"],
    api_key_env: &["AI21_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::Tools,
        F::ResponseFormat,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Temperature,
        F::Stop,
        F::N,
        F::Stream,
        F::Seed,
        F::ToolChoice,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.ai21.com/studio/v1"],
    ..BLANK
};

pub(crate) static AIHUBMIX: ProviderRow = ProviderRow {
    id: "aihubmix",
    display_name: "Aihubmix",
    api_base: Some("https://aihubmix.com/v1"),
    api_base_env: &["AIHUBMIX_API_BASE"],
    api_key_env: &["AIHUBMIX_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["aihubmix.com/v1"],
    ..BLANK
};

pub(crate) static AIML: ProviderRow = ProviderRow {
    id: "aiml",
    display_name: "AI/ML API",
    api_base: Some("https://api.aimlapi.com/v1"),
    api_base_env: &["AIML_API_BASE"],
    api_key_env: &["AIML_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::AimlImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::KeepCacheControl, Q::KeepDeveloper, Q::ToolImagesStay, Q::DropEffort]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["api.aimlapi.com/v1"],
    ..BLANK
};

pub(crate) static AIOHTTP_OPENAI: ProviderRow = ProviderRow {
    id: "aiohttp_openai",
    display_name: "Aiohttp Openai",
    api_key_env: &["OPENAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ErrorTypeByStatus, Q::StreamErrorByCode, Q::ExplicitStream]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static ALEPH_ALPHA: ProviderRow = ProviderRow {
    id: "aleph_alpha",
    display_name: "Aleph Alpha",
    api_base: Some("https://api.aleph-alpha.com/complete"),
    api_base_env: &["ALEPH_ALPHA_API_BASE"],
    api_key_env: &["ALEPH_ALPHA_API_KEY", "ALEPHALPHA_API_KEY"],
    format: RowFormat::Own,
    chat_format: Format::AlephAlpha,
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::Stream,
        F::TopP,
        F::Temperature,
        F::PresencePenalty,
        F::FrequencyPenalty,
        F::N,
        F::Stop,
    ]),
    paths: Paths { chat: Some(""), ..Paths::NONE },
    ..BLANK
};

pub(crate) static AMAZON_NOVA: ProviderRow = ProviderRow {
    id: "amazon_nova",
    display_name: "Amazon Nova",
    api_base: Some("https://api.nova.amazon.com/v1"),
    api_base_env: &["AMAZON_NOVA_API_BASE"],
    api_key_env: &["AMAZON_NOVA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::TopP,
        F::Temperature,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Metadata,
        F::Stop,
        F::Stream,
        F::StreamOptions,
        F::Tools,
        F::ToolChoice,
        F::ReasoningEffort,
    ]),
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::ErrorTypeByStatus,
        Q::ExplicitStream,
        Q::KeepCacheControl,
        Q::OwnMessageFields,
        Q::StreamErrorIsApi,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.nova.amazon.com/v1"],
    ..BLANK
};

pub(crate) static ANTHROPIC: ProviderRow = ProviderRow {
    id: "anthropic",
    display_name: "Anthropic",
    api_base: Some("https://api.anthropic.com"),
    api_base_env: &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"],
    api_key_env: &["ANTHROPIC_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    format: RowFormat::Anthropic,
    supported: FieldSet::of(&[
        F::Stream,
        F::Stop,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Tools,
        F::ToolChoice,
        F::ExtraHeaders,
        F::ParallelToolCalls,
        F::ResponseFormat,
        F::User,
        F::WebSearchOptions,
        F::Speed,
        F::ContextManagement,
        F::CacheControl,
        F::Thinking,
        F::ReasoningEffort,
    ]),
    quirks: Quirks::of(&[Q::CountsPrompts]),
    paths: Paths { messages: Some("/v1/messages"), ..Paths::NONE },
    clean_reply: true,
    hosts: &["api.anthropic.com"],
    bare_models: &["claude-*"],
    ..BLANK
};

pub(crate) static ANTHROPIC_TEXT: ProviderRow = ProviderRow {
    id: "anthropic_text",
    display_name: "Anthropic Text",
    api_base: Some("https://api.anthropic.com"),
    api_base_env: &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"],
    api_key_env: &["ANTHROPIC_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    headers: &[Header { name: "anthropic-version", value: "2023-06-01" }],
    format: RowFormat::Own,
    chat_format: Format::AnthropicComplete,
    supported: FieldSet::of(&[
        F::Stream,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Stop,
        F::Temperature,
        F::TopP,
        F::ExtraHeaders,
        F::User,
    ]),
    paths: Paths { chat: Some("/v1/complete"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static ANYSCALE: ProviderRow = ProviderRow {
    id: "anyscale",
    display_name: "Anyscale",
    api_base: Some("https://api.endpoints.anyscale.com/v1"),
    api_base_env: &["ANYSCALE_API_BASE"],
    api_key_env: &["ANYSCALE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.endpoints.anyscale.com/v1"],
    ..BLANK
};

pub(crate) static APERTIS: ProviderRow = ProviderRow {
    id: "apertis",
    display_name: "Apertis",
    api_base: Some("https://api.stima.tech/v1"),
    api_key_env: &["STIMA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.stima.tech/v1"],
    ..BLANK
};

pub(crate) static APISERPENT: ProviderRow = ProviderRow {
    id: "apiserpent",
    display_name: "apiserpent",
    api_base: Some("https://apiserpent.com"),
    api_base_env: &["APISERPENT_API_BASE"],
    api_key_env: &["APISERPENT_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task { operation: OperationKind::Search, format: Format::ApiSerpent, path: "/api/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static ASSEMBLYAI: ProviderRow = ProviderRow {
    id: "assemblyai",
    display_name: "AssemblyAI",
    api_base: Some("https://llm-gateway.assemblyai.com/v1"),
    api_key_env: &["ASSEMBLYAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Transcribe,
            format: Format::AssemblyAi,
            path: "/v2/upload",
            base: Some("https://api.assemblyai.com"),
            takes: Some(&["language"]),
            auth: Some(Auth::Header { name: "authorization", value: "{key}" }),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    quirks: Quirks::of(&[Q::ErrorTypeByStatus]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["llm-gateway.assemblyai.com/v1"],
    ..BLANK
};

pub(crate) static AUTO_ROUTER: ProviderRow = ProviderRow {
    id: "auto_router",
    display_name: "Auto Router",
    auth: Auth::None,
    format: RowFormat::NotServed("a router of models, no host"),
    ..BLANK
};

pub(crate) static AWS_POLLY: ProviderRow = ProviderRow {
    id: "aws_polly",
    display_name: "AWS - Polly",
    auth: Auth::Computed("sigv4"),
    tasks: &[Task { operation: OperationKind::Speech, format: Format::AwsPolly, path: "/v1/speech", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static AWS_TEXTRACT: ProviderRow = ProviderRow {
    id: "aws_textract",
    display_name: "Aws Textract",
    auth: Auth::Computed("sigv4"),
    tasks: &[Task { operation: OperationKind::Ocr, format: Format::Textract, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static AZURE: ProviderRow = ProviderRow {
    id: "azure",
    display_name: "Azure",
    api_base_env: &["AZURE_API_BASE"],
    api_key_env: &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
    auth: Auth::Header { name: "api-key", value: "{key}" },
    tasks: &[
        Task { operation: OperationKind::ImageEdit, format: Format::AzureImages, path: "images/edits", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::AzureImages,
            path: "images/generations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "audio/speech", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Video, format: Format::OpenAiVideos, path: "videos", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(FieldSet::of(&[
        F::MaxRetries,
        F::ServiceTier,
        F::SafetyIdentifier,
        F::PromptCacheRetention,
    ])),
    supported_if: &[
        (
            Cap::Like(&["o_series/", "o1", "o3", "o4-mini"]),
            FieldSet::of(&[F::ServiceTier, F::SafetyIdentifier, F::PromptCacheRetention]),
        ),
        (Cap::Like(&["gpt-5", "gpt5_series/"]), FieldSet::of(&[F::ServiceTier, F::SafetyIdentifier])),
        (Cap::Unlike(&["o_series/", "o1", "o3", "o4-mini"]), FieldSet::of(&[F::User])),
    ],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::ReasoningFamilies,
        Q::EmbedBase64,
        Q::ErrorTypeByStatus,
        Q::ErrorParam,
        Q::KeepCacheControl,
        Q::EmbedTokens,
        Q::CacheRetention,
        Q::TypedRemovals,
    ]),
    paths: Paths {
        chat: Some("chat/completions"),
        embeddings: Some("embeddings"),
        responses: Some("responses"),
        ..Paths::NONE
    },
    ..BLANK
};

pub(crate) static AZURE_AI: ProviderRow = ProviderRow {
    id: "azure_ai",
    display_name: "Azure AI",
    api_base_env: &["AZURE_AI_API_BASE"],
    api_key_env: &["AZURE_AI_API_KEY"],
    tasks: &[
        Task { operation: OperationKind::ImageEdit, format: Format::AzureImages, path: "/images/edits", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::AzureImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Ocr,
            format: Format::MistralOcrInline,
            path: "/providers/mistral/azure/ocr",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Rerank,
            format: Format::CohereRerank,
            path: "/v1/rerank",
            takes: Some(&["top_n", "rank_fields", "return_documents", "max_chunks_per_doc"]),
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
    ],
    supported: OPENAI_PARAMS,
    supported_if: &[(
        Cap::Like(&["claude"]),
        FieldSet::of(&[F::Thinking, F::ReasoningEffort, F::ContextManagement, F::CacheControl, F::Speed, F::User]),
    )],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[
        Q::CountsPrompts,
        Q::ExplicitStream,
        Q::StripReasoning,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::KeepCacheControl,
        Q::StripMessageCacheControl,
        Q::EmbedTokens,
        Q::FlattenUnlessMedia,
        Q::ToolImagesStay,
    ]),
    betas: &[
        ("advanced-tool-use-2025-11-20", "advanced-tool-use-2025-11-20"),
        ("code-execution-2025-08-25", "code-execution-2025-08-25"),
        ("computer-use-2024-10-22", "computer-use-2024-10-22"),
        ("computer-use-2025-01-24", "computer-use-2025-01-24"),
        ("computer-use-2025-11-24", "computer-use-2025-11-24"),
        ("context-1m-2025-08-07", "context-1m-2025-08-07"),
        ("context-management-2025-06-27", "context-management-2025-06-27"),
        ("effort-2025-11-24", "effort-2025-11-24"),
        ("files-api-2025-04-14", "files-api-2025-04-14"),
        ("interleaved-thinking-2025-05-14", "interleaved-thinking-2025-05-14"),
        ("mcp-client-2025-04-04", "mcp-client-2025-04-04"),
        ("mcp-client-2025-11-20", "mcp-client-2025-11-20"),
        ("prompt-caching-scope-2026-01-05", "prompt-caching-scope-2026-01-05"),
        ("skills-2025-10-02", "skills-2025-10-02"),
        ("structured-outputs-2025-11-13", "structured-outputs-2025-11-13"),
        ("web-fetch-2025-09-10", "web-fetch-2025-09-10"),
        ("web-search-2025-03-05", "web-search-2025-03-05"),
    ],
    paths: Paths {
        chat: Some("/chat/completions"),
        embeddings: Some("/embeddings"),
        messages: Some("/anthropic/v1/messages"),
        ..Paths::NONE
    },
    ..BLANK
};

pub(crate) static AZURE_SPEECH: ProviderRow = ProviderRow {
    id: "azure_speech",
    display_name: "Azure Speech",
    api_key_env: &["AZURE_SPEECH_API_KEY"],
    auth: Auth::Header { name: "ocp-apim-subscription-key", value: "{key}" },
    tasks: &[
        Task {
            operation: OperationKind::Speech,
            format: Format::AzureSpeech,
            path: "/cognitiveservices/v1",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::AzureSpeech,
            path: "/speechtotext/transcriptions:transcribe",
            takes: Some(&["language"]),
            ..Task::BLANK
        },
    ],
    ..BLANK
};

pub(crate) static AZURE_TEXT: ProviderRow = ProviderRow {
    id: "azure_text",
    display_name: "Azure Text",
    api_base_env: &["AZURE_API_BASE"],
    api_key_env: &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
    auth: Auth::Header { name: "api-key", value: "{key}" },
    supported: OPENAI_PARAMS
        .minus(FieldSet::of(&[
            F::MaxCompletionTokens,
            F::Modalities,
            F::Prediction,
            F::ParallelToolCalls,
            F::Audio,
            F::WebSearchOptions,
            F::ServiceTier,
            F::SafetyIdentifier,
            F::PromptCacheKey,
            F::PromptCacheRetention,
            F::Store,
        ]))
        .union(FieldSet::of(&[F::User])),
    stream_usage: true,
    quirks: Quirks::of(&[Q::JoinPrompts, Q::ErrorTypeByStatus, Q::KeepCacheControl, Q::EmbedTokens]),
    paths: Paths { completions: Some("completions"), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static BASETEN: ProviderRow = ProviderRow {
    id: "baseten",
    display_name: "Baseten",
    api_base: Some("https://inference.baseten.co/v1"),
    api_key_env: &["BASETEN_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::ResponseFormat,
        F::Seed,
        F::Stop,
        F::Stream,
        F::Temperature,
        F::TopP,
        F::ToolChoice,
        F::Tools,
        F::User,
        F::PresencePenalty,
        F::FrequencyPenalty,
        F::StreamOptions,
    ]),
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["inference.baseten.co/v1"],
    ..BLANK
};

pub(crate) static BEDROCK: ProviderRow = ProviderRow {
    id: "bedrock",
    display_name: "AWS - Bedrock",
    api_base_env: &["AWS_BEDROCK_RUNTIME_ENDPOINT"],
    api_key_env: &["AWS_BEARER_TOKEN_BEDROCK"],
    auth: Auth::Computed("sigv4"),
    format: RowFormat::Own,
    chat_format: Format::BedrockConverse,
    embed_format: Format::BedrockEmbed,
    tasks: &[
        Task { operation: OperationKind::ImageEdit, format: Format::BedrockImages, path: "invoke", ..Task::BLANK },
        Task { operation: OperationKind::Image, format: Format::BedrockImages, path: "invoke", ..Task::BLANK },
        Task { operation: OperationKind::Rerank, format: Format::BedrockRerank, path: "rerank", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Stream,
        F::StreamOptions,
        F::Stop,
        F::Temperature,
        F::TopP,
        F::ExtraHeaders,
        F::ResponseFormat,
        F::ServiceTier,
        F::ParallelToolCalls,
    ]),
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::Dimensions, F::EncodingFormat]),
    betas: &[
        ("advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"),
        ("compact-2026-01-12", "compact-2026-01-12"),
        ("computer-use-2025-01-24", "computer-use-2025-01-24"),
        ("computer-use-2025-11-24", "computer-use-2025-11-24"),
        ("context-1m-2025-08-07", "context-1m-2025-08-07"),
        ("context-management-2025-06-27", "context-management-2025-06-27"),
        ("dangerous-tool-use-2026-09-03", "dangerous-tool-use-2026-09-03"),
        ("effort-2025-11-24", "effort-2025-11-24"),
        ("fine-grained-tool-streaming-2025-05-14", "fine-grained-tool-streaming-2025-05-14"),
        ("thinking-binding-controls-2026-08-01", "thinking-binding-controls-2026-08-01"),
        ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
    ],
    paths: Paths { chat: Some("converse"), embeddings: Some("invoke"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static BEDROCK_MANTLE: ProviderRow = ProviderRow {
    id: "bedrock_mantle",
    display_name: "Bedrock Mantle",
    api_base: Some(
        "https://bedrock-mantle.{param:aws_region_name|env:BEDROCK_MANTLE_REGION|env:AWS_REGION_NAME|env:AWS_REGION|us-east-1}.api.aws/v1",
    ),
    api_base_env: &["BEDROCK_MANTLE_API_BASE"],
    api_key_env: &["BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"],
    headers: &[Header { name: "openai-project", value: "{param:aws_bedrock_project_id}" }],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ErrorTypeByStatus, Q::StreamErrorByCode, Q::ExplicitStream, Q::OwnMessageFields]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static BING_GROUNDING: ProviderRow = ProviderRow {
    id: "bing_grounding",
    display_name: "Bing grounding (Azure)",
    api_base_env: &["BING_GROUNDING_PROJECT_ENDPOINT"],
    tasks: &[Task {
        operation: OperationKind::Search,
        format: Format::BingGrounding,
        path: "/openai/v1/responses",
        ..Task::BLANK
    }],
    ..BLANK
};

pub(crate) static BLACK_FOREST_LABS: ProviderRow = ProviderRow {
    id: "black_forest_labs",
    display_name: "Black Forest Labs",
    api_base: Some("https://api.bfl.ai"),
    api_base_env: &["BFL_API_BASE"],
    api_key_env: &["BFL_API_KEY", "BLACK_FOREST_LABS_API_KEY"],
    auth: Auth::Header { name: "x-key", value: "{key}" },
    tasks: &[
        Task { operation: OperationKind::ImageEdit, format: Format::BflImages, path: "", ..Task::BLANK },
        Task { operation: OperationKind::Image, format: Format::BflImages, path: "", ..Task::BLANK },
    ],
    ..BLANK
};

pub(crate) static BRAVE: ProviderRow = ProviderRow {
    id: "brave",
    display_name: "Brave Search",
    api_base: Some("https://api.search.brave.com/res/v1/web/search"),
    api_base_env: &["BRAVE_API_BASE"],
    api_key_env: &["BRAVE_API_KEY"],
    auth: Auth::Header { name: "x-subscription-token", value: "{key}" },
    tasks: &[Task { operation: OperationKind::Search, format: Format::BraveSearch, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static BYTEZ: ProviderRow = ProviderRow {
    id: "bytez",
    display_name: "Bytez",
    api_base: Some("https://api.bytez.com/models/v2"),
    api_key_env: &["BYTEZ_API_KEY"],
    auth: Auth::Header { name: "authorization", value: "Key {key}" },
    format: RowFormat::Own,
    chat_format: Format::Bytez,
    supported: FieldSet::of(&[
        F::Stream,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Temperature,
        F::TopP,
        F::N,
        F::MaxRetries,
    ]),
    paths: Paths { chat: Some("/{model}"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static CEREBRAS: ProviderRow = ProviderRow {
    id: "cerebras",
    display_name: "Cerebras",
    api_base: Some("https://api.cerebras.ai/v1"),
    api_base_env: &["CEREBRAS_API_BASE"],
    api_key_env: &["CEREBRAS_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::ResponseFormat,
        F::Seed,
        F::Stop,
        F::Stream,
        F::Temperature,
        F::TopP,
        F::ToolChoice,
        F::Tools,
        F::User,
        F::MaxRetries,
        F::ExtraHeaders,
    ]),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.cerebras.ai/v1"],
    ..BLANK
};

pub(crate) static CHARITY_ENGINE: ProviderRow = ProviderRow {
    id: "charity_engine",
    display_name: "Charity Engine",
    api_base: Some("https://api.charityengine.services/remotejobs/v2/inference"),
    api_key_env: &["CHARITY_ENGINE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ErrorTypeByStatus]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.charityengine.services/remotejobs/v2/inference"],
    ..BLANK
};

pub(crate) static CHATGPT: ProviderRow = ProviderRow {
    id: "chatgpt",
    display_name: "ChatGPT Subscription",
    api_base: Some("https://chatgpt.com/backend-api/codex"),
    api_base_env: &["CHATGPT_API_BASE", "OPENAI_CHATGPT_API_BASE"],
    auth: Auth::Computed("oauth_device"),
    format: RowFormat::Own,
    chat_format: Format::StreamedResponses,
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    stream_usage: true,
    paths: Paths { chat: Some("/responses"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static CHUTES: ProviderRow = ProviderRow {
    id: "chutes",
    display_name: "Chutes",
    api_base: Some("https://llm.chutes.ai/v1"),
    api_key_env: &["CHUTES_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["llm.chutes.ai/v1"],
    ..BLANK
};

pub(crate) static CLARIFAI: ProviderRow = ProviderRow {
    id: "clarifai",
    display_name: "Clarifai",
    api_base: Some("https://api.clarifai.com/v2/ext/openai/v1"),
    api_key_env: &["CLARIFAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::ResponseFormat,
        F::Stream,
        F::Temperature,
        F::TopP,
        F::ToolChoice,
        F::Tools,
        F::PresencePenalty,
        F::FrequencyPenalty,
        F::StreamOptions,
    ]),
    stream_usage: true,
    model_name: ModelName::Dotted("https://clarifai.com/{}/{}/models/{}"),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.clarifai.com/v2/ext/openai/v1"],
    ..BLANK
};

pub(crate) static CLOUDFLARE: ProviderRow = ProviderRow {
    id: "cloudflare",
    display_name: "Cloudflare AI Workers",
    api_base: Some("https://api.cloudflare.com/client/v4/accounts/{env:CLOUDFLARE_ACCOUNT_ID}/ai/v1"),
    api_base_env: &["CLOUDFLARE_API_BASE"],
    api_key_env: &["CLOUDFLARE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::ExplicitStream, Q::RunBase, Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static CODESTRAL: ProviderRow = ProviderRow {
    id: "codestral",
    display_name: "Codestral",
    api_base: Some("https://codestral.mistral.ai/v1"),
    api_base_env: &["CODESTRAL_API_BASE"],
    api_key_env: &["CODESTRAL_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Tools,
        F::ToolChoice,
        F::Seed,
        F::Stop,
        F::ResponseFormat,
        F::ParallelToolCalls,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens"), (F::Seed, "random_seed")],
    quirks: Quirks::of(&[
        Q::RequiredIsAny,
        Q::NoNamedChoice,
        Q::FlattenText,
        Q::StripNames,
        Q::StripReasoning,
        Q::DropEmptyTurns,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["codestral.mistral.ai/v1"],
    ..BLANK
};

pub(crate) static COGNITION: ProviderRow = ProviderRow {
    id: "cognition",
    display_name: "Cognition",
    api_base: Some("https://api.cognition.ai/v1"),
    api_base_env: &["COGNITION_API_BASE"],
    api_key_env: &["COGNITION_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.cognition.ai/v1"],
    ..BLANK
};

pub(crate) static COHERE: ProviderRow = ProviderRow {
    id: "cohere",
    display_name: "Cohere",
    api_base: Some("https://api.cohere.com"),
    api_base_env: &["COHERE_API_BASE"],
    api_key_env: &["COHERE_API_KEY", "CO_API_KEY"],
    format: RowFormat::Own,
    chat_format: Format::CohereChatV2,
    embed_format: Format::CohereEmbed,
    tasks: &[Task {
        operation: OperationKind::Rerank,
        format: Format::CohereRerank,
        path: "/v2/rerank",
        takes: Some(&["top_n", "rank_fields", "return_documents", "max_chunks_per_doc", "max_tokens_per_doc"]),
        ..Task::BLANK
    }],
    supported: COHERE_PARAMS,
    embed_supported: FieldSet::of(&[F::EncodingFormat, F::Dimensions, F::InputType]),
    paths: Paths { chat: Some("/v2/chat"), embeddings: Some("/v2/embed"), ..Paths::NONE },
    bare_models: &["embed-english-*", "embed-multilingual-*"],
    ..BLANK
};

pub(crate) static COHERE_CHAT: ProviderRow = ProviderRow {
    id: "cohere_chat",
    display_name: "Cohere Chat",
    api_base: Some("https://api.cohere.com"),
    api_base_env: &["COHERE_API_BASE"],
    api_key_env: &["COHERE_API_KEY", "CO_API_KEY"],
    format: RowFormat::Own,
    chat_format: Format::CohereChatV2,
    embed_format: Format::CohereEmbed,
    tasks: &[Task {
        operation: OperationKind::Rerank,
        format: Format::CohereRerank,
        path: "/v2/rerank",
        takes: Some(&["top_n", "rank_fields", "return_documents", "max_chunks_per_doc", "max_tokens_per_doc"]),
        ..Task::BLANK
    }],
    supported: COHERE_PARAMS,
    embed_supported: FieldSet::of(&[F::EncodingFormat, F::Dimensions, F::InputType]),
    paths: Paths { chat: Some("/v2/chat"), embeddings: Some("/v2/embed"), ..Paths::NONE },
    bare_models: &["command-*"],
    ..BLANK
};

pub(crate) static COMETAPI: ProviderRow = ProviderRow {
    id: "cometapi",
    display_name: "CometAPI",
    api_base: Some("https://api.cometapi.com/v1"),
    api_base_env: &["COMETAPI_API_BASE"],
    api_key_env: &["COMETAPI_KEY", "COMETAPI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::ExplicitStream, Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["api.cometapi.com/v1"],
    ..BLANK
};

pub(crate) static COMPACTIFAI: ProviderRow = ProviderRow {
    id: "compactifai",
    display_name: "CompactifAI",
    api_base: Some("https://api.compactif.ai/v1"),
    api_key_env: &["COMPACTIFAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::ExplicitStream, Q::ErrorTypeByStatus, Q::StreamErrorByCode, Q::OwnMessageFields]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.compactif.ai/v1"],
    ..BLANK
};

pub(crate) static CRUSOE: ProviderRow = ProviderRow {
    id: "crusoe",
    display_name: "Crusoe",
    api_base: Some("https://managed-inference-api-proxy.crusoecloud.com/v1"),
    api_base_env: &["CRUSOE_API_BASE"],
    api_key_env: &["CRUSOE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["managed-inference-api-proxy.crusoecloud.com/v1"],
    ..BLANK
};

pub(crate) static CURSOR: ProviderRow = ProviderRow {
    id: "cursor",
    display_name: "Cursor BYOK",
    api_base: Some("https://api.cursor.com"),
    api_base_env: &["CURSOR_API_BASE"],
    auth: Auth::Computed("basic"),
    format: RowFormat::NotServed("no models: its own interface is passed on below /cursor"),
    ..BLANK
};

pub(crate) static CUSTOM: ProviderRow = ProviderRow {
    id: "custom",
    display_name: "Custom",
    auth: Auth::None,
    format: RowFormat::NotServed("code in Python; a host is declared under providers in the configuration"),
    ..BLANK
};

pub(crate) static CUSTOM_OPENAI: ProviderRow = ProviderRow {
    id: "custom_openai",
    display_name: "Custom OpenAI",
    api_base_env: &["OPENAI_API_BASE"],
    api_key_env: &["OPENAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::ImageEdit,
            format: Format::OpenAiImages,
            path: "/images/edits",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::ImageVariation,
            format: Format::OpenAiImages,
            path: "/images/variations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Moderate,
            format: Format::OpenAiModerations,
            path: "/moderations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Video, format: Format::OpenAiVideos, path: "/videos", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static DARKBLOOM: ProviderRow = ProviderRow {
    id: "darkbloom",
    display_name: "Darkbloom",
    api_base: Some("https://api.darkbloom.dev/v1"),
    api_base_env: &["DARKBLOOM_API_BASE"],
    api_key_env: &["DARKBLOOM_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.darkbloom.dev/v1"],
    ..BLANK
};

pub(crate) static DASHSCOPE: ProviderRow = ProviderRow {
    id: "dashscope",
    display_name: "Dashscope",
    api_base: Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
    api_base_env: &["DASHSCOPE_API_BASE"],
    api_key_env: &["DASHSCOPE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::QwenImages,
            path: "^/api/v1/services/aigc/multimodal-generation/generation",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Rerank,
            format: Format::JinaRerank,
            path: "/reranks",
            base: Some("https://dashscope.aliyuncs.com/compatible-api/v1"),
            takes: Some(&["top_n", "return_documents"]),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::KeepCacheControl]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    hosts: &["dashscope.aliyuncs.com/compatible-mode/v1"],
    ..BLANK
};

pub(crate) static DATABRICKS: ProviderRow = ProviderRow {
    id: "databricks",
    display_name: "Databricks",
    api_base_env: &["DATABRICKS_API_BASE"],
    api_key_env: &["DATABRICKS_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::Stop,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::N,
        F::ResponseFormat,
        F::Tools,
        F::ToolChoice,
        F::ReasoningEffort,
        F::Thinking,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::StripReasoning,
        Q::ReasoningParts,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::KeepCacheControl,
        Q::CacheControlInContent,
        Q::StripToolCacheControl,
        Q::StripStrict,
        Q::NamesOfUsersOnly,
        Q::StripEmptyContent,
        Q::UnprocessableIsBad,
        Q::FillToolParameters,
    ]),
    quirks_like: &[(
        &["claude"],
        Quirks::of(&[
            Q::SchemaByTool,
            Q::SchemaBesideTools,
            Q::SchemaFormatOnly,
            Q::EffortToThinking,
            Q::StripSchemaUri,
        ]),
    )],
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    block_proof: Some(""),
    ..BLANK
};

pub(crate) static DATAFORSEO: ProviderRow = ProviderRow {
    id: "dataforseo",
    display_name: "DataForSEO",
    api_base: Some("https://api.dataforseo.com/v3/serp/google/organic/live/advanced"),
    api_base_env: &["DATAFORSEO_API_BASE"],
    api_key_env: &["DATAFORSEO_LOGIN", "DATAFORSEO_PASSWORD"],
    tasks: &[Task { operation: OperationKind::Search, format: Format::DataForSeo, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static DATAROBOT: ProviderRow = ProviderRow {
    id: "datarobot",
    display_name: "DataRobot",
    api_base: Some("https://app.datarobot.com/api/v2/genai/llmgw/chat/completions"),
    api_base_env: &["DATAROBOT_ENDPOINT"],
    api_key_env: &["DATAROBOT_API_TOKEN"],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ExplicitStream, Q::ErrorTypeByStatus, Q::StreamErrorByCode, Q::OwnMessageFields]),
    paths: Paths { chat: Some("/"), ..Paths::NONE },
    hosts: &["app.datarobot.com/api/v2/genai/llmgw/chat/completions"],
    ..BLANK
};

pub(crate) static DEEPGRAM: ProviderRow = ProviderRow {
    id: "deepgram",
    display_name: "Deepgram",
    api_base: Some("https://api.deepgram.com/v1"),
    api_base_env: &["DEEPGRAM_API_BASE"],
    api_key_env: &["DEEPGRAM_API_KEY"],
    auth: Auth::Header { name: "authorization", value: "Token {key}" },
    tasks: &[Task {
        operation: OperationKind::Transcribe,
        format: Format::DeepgramListen,
        path: "/listen",
        takes: Some(&["language"]),
        ..Task::BLANK
    }],
    ..BLANK
};

pub(crate) static DEEPINFRA: ProviderRow = ProviderRow {
    id: "deepinfra",
    display_name: "DeepInfra",
    api_base: Some("https://api.deepinfra.com/v1/openai"),
    api_base_env: &["DEEPINFRA_API_BASE"],
    api_key_env: &["DEEPINFRA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Rerank,
            format: Format::DeepInfraRerank,
            path: "/inference/{model}",
            base: Some("https://api.deepinfra.com/v1"),
            takes: Some(&["instruction", "service_tier", "webhook"]),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::FrequencyPenalty,
        F::FunctionCall,
        F::Functions,
        F::LogitBias,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::N,
        F::PresencePenalty,
        F::Stop,
        F::Temperature,
        F::TopP,
        F::ResponseFormat,
        F::Tools,
        F::ToolChoice,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ToolChoiceAutoOnly, Q::FlattenToolResults, Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.deepinfra.com/v1/openai"],
    ..BLANK
};

pub(crate) static DEEPSEEK: ProviderRow = ProviderRow {
    id: "deepseek",
    display_name: "Deepseek",
    api_base: Some("https://api.deepseek.com/beta"),
    api_base_env: &["DEEPSEEK_API_BASE"],
    api_key_env: &["DEEPSEEK_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::Thinking, F::ReasoningEffort])),
    stream_usage: true,
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::ThinkingSwitch,
        Q::FlattenContent,
        Q::StripToolCacheControl,
        Q::FillReasoning,
        Q::FunctionsOnly,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
    ]),
    paths: Paths { chat: Some("/chat/completions"), messages: Some("../anthropic/v1/messages"), ..Paths::NONE },
    hosts: &["api.deepseek.com/beta", "api.deepseek.com/v1", "api.deepseek.com"],
    ..BLANK
};

pub(crate) static DOCKER_MODEL_RUNNER: ProviderRow = ProviderRow {
    id: "docker_model_runner",
    display_name: "Docker Model Runner",
    api_base: Some("http://localhost:22088/engines/llama.cpp"),
    api_base_env: &["DOCKER_MODEL_RUNNER_API_BASE"],
    api_key_env: &["DOCKER_MODEL_RUNNER_API_KEY"],
    auth: Auth::BearerOptional,
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::FlattenContent]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static DOTPROMPT: ProviderRow = ProviderRow {
    id: "dotprompt",
    display_name: "Dotprompt",
    auth: Auth::None,
    format: RowFormat::NotServed("a store of prompts, no host"),
    ..BLANK
};

pub(crate) static DUCKDUCKGO: ProviderRow = ProviderRow {
    id: "duckduckgo",
    display_name: "DuckDuckGo",
    api_base: Some("https://api.duckduckgo.com"),
    api_base_env: &["DUCKDUCKGO_API_BASE"],
    auth: Auth::None,
    tasks: &[Task { operation: OperationKind::Search, format: Format::DuckDuckGo, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static EDENAI: ProviderRow = ProviderRow {
    id: "edenai",
    display_name: "Eden AI",
    api_base: Some("https://api.edenai.run/v3"),
    api_base_env: &["EDENAI_API_BASE"],
    api_key_env: &["EDENAI_API_KEY"],
    tasks: &[
        Task { operation: OperationKind::Video, format: Format::JsonVideos, path: "/videos", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::ExplicitStream, Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["api.edenai.run/v3"],
    ..BLANK
};

pub(crate) static ELEVENLABS: ProviderRow = ProviderRow {
    id: "elevenlabs",
    display_name: "ElevenLabs",
    api_base: Some("https://api.elevenlabs.io"),
    api_base_env: &["ELEVENLABS_API_BASE"],
    api_key_env: &["ELEVENLABS_API_KEY"],
    auth: Auth::Header { name: "xi-api-key", value: "{key}" },
    tasks: &[
        Task {
            operation: OperationKind::Speech,
            format: Format::ElevenLabs,
            path: "/v1/text-to-speech",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::ElevenLabs,
            path: "/v1/speech-to-text",
            takes: Some(&["language", "temperature"]),
            ..Task::BLANK
        },
    ],
    ..BLANK
};

pub(crate) static EMPIRIOLABS: ProviderRow = ProviderRow {
    id: "empiriolabs",
    display_name: "Empiriolabs",
    api_base: Some("https://api.empiriolabs.ai/v1"),
    api_base_env: &["EMPIRIOLABS_API_BASE"],
    api_key_env: &["EMPIRIOLABS_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.empiriolabs.ai/v1"],
    ..BLANK
};

pub(crate) static EMPOWER: ProviderRow = ProviderRow {
    id: "empower",
    display_name: "Empower",
    api_base: Some("https://app.empower.dev/api/v1"),
    api_base_env: &["EMPOWER_API_BASE"],
    api_key_env: &["EMPOWER_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["app.empower.dev/api/v1"],
    ..BLANK
};

pub(crate) static EXA_AI: ProviderRow = ProviderRow {
    id: "exa_ai",
    display_name: "Exa AI",
    api_base: Some("https://api.exa.ai"),
    api_base_env: &["EXA_API_BASE"],
    api_key_env: &["EXA_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task { operation: OperationKind::Search, format: Format::ExaSearch, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static FAL_AI: ProviderRow = ProviderRow {
    id: "fal_ai",
    display_name: "Fal AI",
    api_base: Some("https://fal.run"),
    api_base_env: &["FAL_AI_API_BASE"],
    api_key_env: &["FAL_AI_API_KEY"],
    auth: Auth::Header { name: "authorization", value: "Key {key}" },
    tasks: &[
        Task { operation: OperationKind::ImageEdit, format: Format::FalImages, path: "", ..Task::BLANK },
        Task { operation: OperationKind::Image, format: Format::FalImages, path: "", ..Task::BLANK },
        Task {
            operation: OperationKind::Video,
            format: Format::FalVideos,
            path: "",
            base: Some("https://queue.fal.run"),
            ..Task::BLANK
        },
    ],
    ..BLANK
};

pub(crate) static FASTCRW: ProviderRow = ProviderRow {
    id: "fastcrw",
    display_name: "fastcrw",
    api_base: Some("https://fastcrw.com/api/v1"),
    api_base_env: &["CRW_API_BASE"],
    api_key_env: &["CRW_API_KEY"],
    tasks: &[Task { operation: OperationKind::Search, format: Format::FastCrwSearch, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static FEATHERLESS_AI: ProviderRow = ProviderRow {
    id: "featherless_ai",
    display_name: "Featherless AI",
    api_base: Some("https://api.featherless.ai/v1"),
    api_base_env: &["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"],
    api_key_env: &["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::FrequencyPenalty,
        F::FunctionCall,
        F::Functions,
        F::LogitBias,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::N,
        F::PresencePenalty,
        F::Stop,
        F::Temperature,
        F::TopP,
    ]),
    supported_if: &[(Cap::Tools, FieldSet::of(&[F::Tools, F::ToolChoice]))],
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.featherless.ai/v1"],
    ..BLANK
};

pub(crate) static FIRECRAWL: ProviderRow = ProviderRow {
    id: "firecrawl",
    display_name: "Firecrawl",
    api_base: Some("https://api.firecrawl.dev/v2"),
    api_base_env: &["FIRECRAWL_API_BASE"],
    api_key_env: &["FIRECRAWL_API_KEY"],
    tasks: &[Task {
        operation: OperationKind::Search,
        format: Format::FirecrawlSearch,
        path: "/search",
        ..Task::BLANK
    }],
    ..BLANK
};

pub(crate) static FIREWORKS_AI: ProviderRow = ProviderRow {
    id: "fireworks_ai",
    display_name: "Fireworks AI",
    api_base: Some("https://api.fireworks.ai/inference/v1"),
    api_base_env: &["FIREWORKS_API_BASE"],
    api_key_env: &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"],
    tasks: &[
        Task {
            operation: OperationKind::Rerank,
            format: Format::FireworksRerank,
            path: "/rerank",
            model: Some("fireworks/{model}"),
            takes: Some(&["top_n", "return_documents"]),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            leaves: &["language", "response_format", "timestamp_granularities"],
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS
        .minus(FieldSet::of(&[
            F::Modalities,
            F::ToolChoice,
            F::FunctionCall,
            F::Functions,
            F::MaxRetries,
            F::ExtraHeaders,
            F::Audio,
            F::WebSearchOptions,
            F::SafetyIdentifier,
            F::PromptCacheRetention,
            F::Store,
        ]))
        .union(FieldSet::of(&[F::TopK, F::User, F::Echo])),
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
        (Cap::Tools, FieldSet::of(&[F::ToolChoice])),
    ],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::Dimensions]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::RequiredIsAny,
        Q::ToolsOverFormat,
        Q::ThinkingOverEffort,
        Q::ThinkTags,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::StripStrict,
        Q::RefuseFiles,
        Q::OwnMessageFields,
        Q::StripThinkingBlocks,
    ]),
    model_name: ModelName::Short("accounts/fireworks/models/{model}"),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        responses: Some("/responses"),
        ..Paths::NONE
    },
    hosts: &["api.fireworks.ai/inference/v1"],
    ..BLANK
};

pub(crate) static FRIENDLIAI: ProviderRow = ProviderRow {
    id: "friendliai",
    display_name: "FriendliAI",
    api_base: Some("https://api.friendli.ai/serverless/v1"),
    api_base_env: &["FRIENDLI_API_BASE"],
    api_key_env: &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.friendli.ai/serverless/v1", "api.friendli.ai/serverless/v1", "inference.friendli.ai/v1"],
    ..BLANK
};

pub(crate) static GALADRIEL: ProviderRow = ProviderRow {
    id: "galadriel",
    display_name: "Galadriel",
    api_base: Some("https://api.galadriel.com/v1"),
    api_base_env: &["GALADRIEL_API_BASE"],
    api_key_env: &["GALADRIEL_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.galadriel.com/v1"],
    ..BLANK
};

pub(crate) static GDC: ProviderRow = ProviderRow {
    id: "gdc",
    display_name: "Gdc",
    auth: Auth::Computed("gcp_oauth"),
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static GEMINI: ProviderRow = ProviderRow {
    id: "gemini",
    display_name: "Google AI Studio - Gemini",
    api_base: Some("https://generativelanguage.googleapis.com"),
    api_base_env: &["GEMINI_API_BASE"],
    api_key_env: &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    auth: Auth::Header { name: "x-goog-api-key", value: "{key}" },
    format: RowFormat::Own,
    chat_format: Format::GeminiGenerate,
    embed_format: Format::GeminiEmbed,
    tasks: &[Task {
        operation: OperationKind::Video,
        format: Format::GeminiVideos,
        path: "/models/{model}:predictLongRunning",
        ..Task::BLANK
    }],
    supported: FieldSet::of(&[
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Stream,
        F::Tools,
        F::ToolChoice,
        F::Functions,
        F::ResponseFormat,
        F::N,
        F::Stop,
        F::Logprobs,
        F::Modalities,
        F::ParallelToolCalls,
        F::WebSearchOptions,
        F::IncludeServerSideToolInvocations,
        F::ServiceTier,
        F::FrequencyPenalty,
        F::PresencePenalty,
    ]),
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
        (Cap::Like(&["gemini-3", "gemini-4"]), FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
    ],
    embed_supported: FieldSet::of(&[F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::EmbedInputList, Q::EmbedFloats]),
    paths: Paths {
        chat: Some("/models/{model}:generateContent"),
        embeddings: Some("/models/{model}:batchEmbedContents"),
        ..Paths::NONE
    },
    clean_reply: true,
    ..BLANK
};

pub(crate) static GIGACHAT: ProviderRow = ProviderRow {
    id: "gigachat",
    display_name: "GigaChat",
    api_base: Some("https://gigachat.devices.sberbank.ru/api/v1"),
    api_base_env: &["GIGACHAT_API_BASE"],
    api_key_env: &["GIGACHAT_CREDENTIALS", "GIGACHAT_API_KEY"],
    auth: Auth::Computed("oauth_client_credentials"),
    format: RowFormat::Own,
    chat_format: Format::GigaChat,
    embed_format: Format::GigaChatEmbed,
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Stop,
        F::Tools,
        F::ToolChoice,
        F::Functions,
        F::FunctionCall,
        F::ResponseFormat,
    ]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static GITHUB: ProviderRow = ProviderRow {
    id: "github",
    display_name: "GitHub Models",
    api_base: Some("https://models.inference.ai.azure.com"),
    api_base_env: &["GITHUB_API_BASE"],
    api_key_env: &["GITHUB_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])),
        (Cap::Like(&["gpt-4", "gpt-5", "o1", "o3", "o4"]), FieldSet::of(&[F::User])),
    ],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    clean_reply: true,
    hosts: &["models.inference.ai.azure.com"],
    ..BLANK
};

pub(crate) static GITHUB_COPILOT: ProviderRow = ProviderRow {
    id: "github_copilot",
    display_name: "GitHub Copilot",
    api_base: Some("https://api.githubcopilot.com"),
    api_base_env: &["GITHUB_COPILOT_API_BASE"],
    auth: Auth::Computed("oauth_device"),
    supported: OPENAI_PARAMS,
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])),
        (Cap::Like(&["claude"]), FieldSet::of(&[F::Thinking])),
    ],
    stream_usage: true,
    quirks: Quirks::of(&[Q::SystemIsAssistant]),
    paths: Paths {
        chat: Some("/chat/completions"),
        embeddings: Some("/embeddings"),
        responses: Some("/responses"),
        ..Paths::NONE
    },
    ..BLANK
};

pub(crate) static GMI: ProviderRow = ProviderRow {
    id: "gmi",
    display_name: "GMI Cloud",
    api_base: Some("https://api.gmi-serving.com/v1"),
    api_key_env: &["GMI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.gmi-serving.com/v1"],
    ..BLANK
};

pub(crate) static GOOGLE_PSE: ProviderRow = ProviderRow {
    id: "google_pse",
    display_name: "Google PSE",
    api_base: Some("https://www.googleapis.com/customsearch/v1"),
    api_base_env: &["GOOGLE_PSE_API_BASE"],
    api_key_env: &["GOOGLE_PSE_API_KEY"],
    auth: Auth::Query("key={key}&cx={param:search_engine_id|env:GOOGLE_PSE_ENGINE_ID}"),
    tasks: &[Task { operation: OperationKind::Search, format: Format::GooglePse, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static GRADIENT_AI: ProviderRow = ProviderRow {
    id: "gradient_ai",
    display_name: "GradientAI",
    api_base: Some("https://inference.do-ai.run"),
    api_base_env: &["GRADIENT_AI_AGENT_ENDPOINT"],
    api_key_env: &["GRADIENT_AI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/api/v1/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/api/v1/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/api/v1/audio/translations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Speech,
            format: Format::OpenAiAudio,
            path: "/api/v1/audio/speech",
            ..Task::BLANK
        },
    ],
    supported: FieldSet::of(&[
        F::FrequencyPenalty,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::PresencePenalty,
        F::Stop,
        F::Stream,
        F::StreamOptions,
        F::Temperature,
        F::TopP,
    ]),
    stream_usage: true,
    quirks: Quirks::of(&[Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/api/v1/chat/completions"), ..Paths::NONE },
    hosts: &["inference.do-ai.run"],
    ..BLANK
};

pub(crate) static GROQ: ProviderRow = ProviderRow {
    id: "groq",
    display_name: "Groq AI",
    api_base: Some("https://api.groq.com/openai/v1"),
    api_base_env: &["GROQ_API_BASE"],
    api_key_env: &["GROQ_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            takes: Some(&["language", "prompt", "response_format", "temperature"]),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(FieldSet::of(&[F::MaxRetries, F::WebSearchOptions])),
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])),
        (Cap::Like(&["gpt-oss"]), FieldSet::of(&[F::WebSearchOptions])),
    ],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::SchemaByTool,
        Q::OwnServiceTier,
        Q::ThinkTags,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::OwnMessageFields,
    ]),
    quirks_like: &[(&["gpt-oss"], Quirks::of(&[Q::BrowserSearch]))],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.groq.com/openai/v1"],
    ..BLANK
};

pub(crate) static HELICONE: ProviderRow = ProviderRow {
    id: "helicone",
    display_name: "Helicone",
    api_base: Some("https://ai-gateway.helicone.ai"),
    api_key_env: &["HELICONE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["ai-gateway.helicone.ai"],
    ..BLANK
};

pub(crate) static HEROKU: ProviderRow = ProviderRow {
    id: "heroku",
    display_name: "Heroku",
    api_base_env: &["HEROKU_API_BASE"],
    api_key_env: &["HEROKU_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/v1/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/v1/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/v1/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/v1/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::ExplicitStream, Q::FlattenContent, Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/v1/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static HOSTED_VLLM: ProviderRow = ProviderRow {
    id: "hosted_vllm",
    display_name: "Hosted VLLM",
    api_base_env: &["HOSTED_VLLM_API_BASE"],
    api_key_env: &["HOSTED_VLLM_API_KEY"],
    auth: Auth::BearerOptional,
    tasks: &[
        Task {
            operation: OperationKind::Rerank,
            format: Format::VllmRerank,
            path: "/rerank",
            takes: Some(&[
                "top_n",
                "rank_fields",
                "return_documents",
                "max_tokens_per_doc",
                "instruction",
                "truncate_prompt_tokens",
                "truncation_side",
                "max_tokens_per_query",
            ]),
            ..Task::BLANK
        },
        Task { operation: OperationKind::Video, format: Format::OpenAiVideos, path: "/videos", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::StripAdditionalProperties,
        Q::ThinkingToEffort,
        Q::StripReasoning,
        Q::EmbedInputList,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::EmbedTokens,
    ]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        responses: Some("/responses"),
        ..Paths::NONE
    },
    clean_reply: true,
    ..BLANK
};

pub(crate) static HUGGINGFACE: ProviderRow = ProviderRow {
    id: "huggingface",
    display_name: "Huggingface",
    api_base: Some("https://router.huggingface.co"),
    api_base_env: &["HF_API_BASE", "HUGGINGFACE_API_BASE"],
    api_key_env: &["HUGGINGFACE_API_KEY", "HF_TOKEN"],
    embed_format: Format::TeiEmbed,
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/v1/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Rerank,
            format: Format::TeiRerank,
            path: "/rerank",
            base: Some("https://api-inference.huggingface.co"),
            takes: Some(&["top_n", "return_documents", "truncate", "truncation_direction", "raw_scores"]),
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/v1/audio/speech", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/v1/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/v1/audio/translations",
            ..Task::BLANK
        },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::MaxRetriesInBody,
        Q::OverlapBase,
        Q::ThinkTags,
        Q::ErrorTypeByStatus,
        Q::KeepCacheControl,
        Q::ToolImagesStay,
        Q::StreamErrorIsApi,
    ]),
    paths: Paths {
        chat: Some("/v1/chat/completions"),
        embeddings: Some("/hf-inference/pipeline/feature-extraction/{model}"),
        ..Paths::NONE
    },
    hosts: &["router.huggingface.co"],
    ..BLANK
};

pub(crate) static HUMANLOOP: ProviderRow = ProviderRow {
    id: "humanloop",
    display_name: "Humanloop",
    auth: Auth::None,
    format: RowFormat::NotServed("a store of prompts, no host"),
    ..BLANK
};

pub(crate) static HYPERBOLIC: ProviderRow = ProviderRow {
    id: "hyperbolic",
    display_name: "Hyperbolic",
    api_base: Some("https://api.hyperbolic.xyz/v1"),
    api_base_env: &["HYPERBOLIC_API_BASE"],
    api_key_env: &["HYPERBOLIC_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::FrequencyPenalty,
        F::PresencePenalty,
        F::Stop,
        F::N,
        F::Tools,
        F::ToolChoice,
        F::ResponseFormat,
        F::Seed,
        F::User,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.hyperbolic.xyz/v1"],
    ..BLANK
};

pub(crate) static INCEPTION: ProviderRow = ProviderRow {
    id: "inception",
    display_name: "Inception",
    api_base: Some("https://api.inceptionlabs.ai/v1"),
    api_base_env: &["INCEPTION_API_BASE"],
    api_key_env: &["INCEPTION_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Temperature,
        F::Stop,
        F::Tools,
        F::ToolChoice,
        F::Stream,
        F::StreamOptions,
        F::ResponseFormat,
        F::ReasoningEffort,
    ]),
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.inceptionlabs.ai/v1"],
    ..BLANK
};

pub(crate) static INFINITY: ProviderRow = ProviderRow {
    id: "infinity",
    display_name: "Infinity",
    api_base_env: &["INFINITY_API_BASE"],
    api_key_env: &["INFINITY_API_KEY"],
    tasks: &[Task {
        operation: OperationKind::Rerank,
        format: Format::InfinityRerank,
        path: "/rerank",
        takes: Some(&["top_n", "rank_fields", "return_documents", "max_chunks_per_doc"]),
        ..Task::BLANK
    }],
    embed_supported: FieldSet::of(&[F::EncodingFormat, F::Dimensions]),
    renames: &[(F::Dimensions, "output_dimension")],
    paths: Paths { embeddings: Some("/embeddings"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static JINA_AI: ProviderRow = ProviderRow {
    id: "jina_ai",
    display_name: "Jina AI",
    api_base: Some("https://api.jina.ai/v1"),
    api_base_env: &["JINA_AI_API_BASE"],
    api_key_env: &["JINA_AI_API_KEY", "JINA_API_KEY", "JINA_AI_TOKEN"],
    tasks: &[Task {
        operation: OperationKind::Rerank,
        format: Format::JinaRerank,
        path: "^/v1/rerank",
        takes: Some(&["top_n", "return_documents"]),
        ..Task::BLANK
    }],
    embed_supported: FieldSet::of(&[F::Dimensions]),
    quirks: Quirks::of(&[Q::EmbedInputList]),
    paths: Paths { embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["api.jina.ai/v1"],
    ..BLANK
};

pub(crate) static LAMBDA_AI: ProviderRow = ProviderRow {
    id: "lambda_ai",
    display_name: "Lambda AI",
    api_base: Some("https://api.lambda.ai/v1"),
    api_base_env: &["LAMBDA_API_BASE"],
    api_key_env: &["LAMBDA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.lambda.ai/v1"],
    ..BLANK
};

pub(crate) static LANGFLOW: ProviderRow = ProviderRow {
    id: "langflow",
    display_name: "Langflow",
    api_base: Some("http://localhost:7860"),
    api_base_env: &["LANGFLOW_API_BASE"],
    api_key_env: &["LANGFLOW_API_KEY"],
    auth: Auth::None,
    headers: &[Header { name: "x-api-key", value: "{key}" }],
    format: RowFormat::Own,
    chat_format: Format::Langflow,
    supported: FieldSet::of(&[F::Stream]),
    paths: Paths { chat: Some("/api/v1/run/{model}"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static LANGFUSE: ProviderRow = ProviderRow {
    id: "langfuse",
    display_name: "Langfuse",
    auth: Auth::None,
    format: RowFormat::NotServed("a store of prompts, no host"),
    ..BLANK
};

pub(crate) static LANGGRAPH: ProviderRow = ProviderRow {
    id: "langgraph",
    display_name: "LangGraph",
    api_base: Some("http://localhost:2024"),
    api_base_env: &["LANGGRAPH_API_BASE"],
    api_key_env: &["LANGGRAPH_API_KEY"],
    auth: Auth::BearerOptional,
    format: RowFormat::Own,
    chat_format: Format::LangGraph,
    supported: FieldSet::of(&[F::Stream]),
    paths: Paths { chat: Some("/runs/wait"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static LEMONADE: ProviderRow = ProviderRow {
    id: "lemonade",
    display_name: "Lemonade",
    api_base: Some("http://localhost:8000/api/v1"),
    api_base_env: &["LEMONADE_API_BASE"],
    api_key_env: &["LEMONADE_API_KEY"],
    auth: Auth::BearerOptional,
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::ExplicitStream,
        Q::OwnMessageFields,
        Q::KeepDeveloper,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static LIBERTAI: ProviderRow = ProviderRow {
    id: "libertai",
    display_name: "LibertAI",
    api_base: Some("https://api.libertai.io/v1"),
    api_base_env: &["LIBERTAI_API_BASE"],
    api_key_env: &["LIBERTAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.libertai.io/v1"],
    ..BLANK
};

pub(crate) static LINKUP: ProviderRow = ProviderRow {
    id: "linkup",
    display_name: "Linkup",
    api_base: Some("https://api.linkup.so/v1"),
    api_base_env: &["LINKUP_API_BASE"],
    api_key_env: &["LINKUP_API_KEY"],
    tasks: &[Task { operation: OperationKind::Search, format: Format::LinkupSearch, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static LITELLM_AGENT: ProviderRow = ProviderRow {
    id: "litellm_agent",
    display_name: "Litellm Agent",
    auth: Auth::None,
    format: RowFormat::NotServed("a mark of LiteLLM's, no host"),
    ..BLANK
};

pub(crate) static LITELLM_PROXY: ProviderRow = ProviderRow {
    id: "litellm_proxy",
    display_name: "LiteLLM Proxy",
    api_base_env: &["LITELLM_PROXY_API_BASE"],
    api_key_env: &["LITELLM_PROXY_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::ImageEdit,
            format: Format::OpenAiImages,
            path: "/images/edits",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Moderate,
            format: Format::OpenAiModerations,
            path: "/moderations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Rerank, format: Format::CohereRerank, path: "/v1/rerank", ..Task::BLANK },
        Task { operation: OperationKind::Video, format: Format::OpenAiVideos, path: "/videos", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[
        F::User,
        F::ReasoningEffort,
        F::Thinking,
        F::IncludeServerSideToolInvocations,
        F::Verbosity,
    ])),
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::KeepCacheControl, Q::KeepThoughtIds, Q::ToolImagesStay]),
    paths: Paths {
        chat: Some("/chat/completions"),
        embeddings: Some("/embeddings"),
        responses: Some("/responses"),
        ..Paths::NONE
    },
    clean_reply: true,
    ..BLANK
};

pub(crate) static LLAMAFILE: ProviderRow = ProviderRow {
    id: "llamafile",
    display_name: "Llamafile",
    api_base: Some("http://127.0.0.1:8080/v1"),
    api_base_env: &["LLAMAFILE_API_BASE"],
    api_key_env: &["LLAMAFILE_API_KEY"],
    auth: Auth::BearerOptional,
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    clean_reply: true,
    ..BLANK
};

pub(crate) static LLAMAGATE: ProviderRow = ProviderRow {
    id: "llamagate",
    display_name: "LlamaGate",
    api_base: Some("https://api.llamagate.dev/v1"),
    api_key_env: &["LLAMAGATE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.llamagate.dev/v1"],
    ..BLANK
};

pub(crate) static LM_STUDIO: ProviderRow = ProviderRow {
    id: "lm_studio",
    display_name: "LM Studio",
    api_base_env: &["LM_STUDIO_API_BASE"],
    api_key_env: &["LM_STUDIO_API_KEY"],
    auth: Auth::BearerOptional,
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static MANUS: ProviderRow = ProviderRow {
    id: "manus",
    display_name: "Manus",
    api_base: Some("https://api.manus.im"),
    api_base_env: &["MANUS_API_BASE"],
    api_key_env: &["MANUS_API_KEY"],
    auth: Auth::Header { name: "api_key", value: "{key}" },
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::VersionedBase]),
    paths: Paths { responses: Some("/responses"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static MARITALK: ProviderRow = ProviderRow {
    id: "maritalk",
    display_name: "Maritalk",
    api_base: Some("https://chat.maritaca.ai/api"),
    api_base_env: &["MARITALK_API_BASE"],
    api_key_env: &["MARITALK_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::FrequencyPenalty,
        F::PresencePenalty,
        F::TopP,
        F::TopK,
        F::Temperature,
        F::MaxTokens,
        F::N,
        F::Stop,
        F::Stream,
        F::StreamOptions,
        F::Tools,
        F::ToolChoice,
    ]),
    stream_usage: true,
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::ErrorTypeByStatus,
        Q::OwnMessageFields,
        Q::KeepCacheControl,
        Q::StreamErrorIsApi,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["chat.maritaca.ai/api"],
    ..BLANK
};

pub(crate) static META: ProviderRow = ProviderRow {
    id: "meta",
    display_name: "Meta",
    api_base: Some("https://api.meta.ai/v1"),
    api_base_env: &["META_API_BASE"],
    api_key_env: &["META_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.meta.ai/v1"],
    ..BLANK
};

pub(crate) static META_LLAMA: ProviderRow = ProviderRow {
    id: "meta_llama",
    display_name: "Meta - Llama API",
    api_base: Some("https://api.llama.com/compat/v1"),
    api_base_env: &["LLAMA_API_BASE"],
    api_key_env: &["LLAMA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::SchemaFormatOnly]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.llama.com/compat/v1"],
    ..BLANK
};

pub(crate) static MILVUS: ProviderRow = ProviderRow {
    id: "milvus",
    display_name: "Milvus",
    api_base_env: &["MILVUS_API_BASE"],
    api_key_env: &["MILVUS_API_KEY"],
    ..BLANK
};

pub(crate) static MINIMAX: ProviderRow = ProviderRow {
    id: "minimax",
    display_name: "Minimax",
    api_base: Some("https://api.minimax.io/v1"),
    api_base_env: &["MINIMAX_API_BASE"],
    api_key_env: &["MINIMAX_API_KEY"],
    tasks: &[
        Task { operation: OperationKind::Speech, format: Format::MiniMaxSpeech, path: "/v1/t2a_v2", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::Thinking])),
    stream_usage: true,
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::KeepCacheControl,
        Q::OverlapBase,
    ]),
    paths: Paths { chat: Some("/chat/completions"), messages: Some("../anthropic/v1/messages"), ..Paths::NONE },
    hosts: &["api.minimax.io/v1"],
    ..BLANK
};

pub(crate) static MISTRAL: ProviderRow = ProviderRow {
    id: "mistral",
    display_name: "Mistral AI API",
    api_base: Some("https://api.mistral.ai/v1"),
    api_base_env: &["MISTRAL_AZURE_API_BASE", "MISTRAL_API_BASE"],
    api_key_env: &["MISTRAL_AZURE_API_KEY", "MISTRAL_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Moderate,
            format: Format::OpenAiModerations,
            path: "/moderations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Ocr, format: Format::MistralOcr, path: "/ocr", ..Task::BLANK },
        Task { operation: OperationKind::Speech, format: Format::MistralSpeech, path: "/audio/speech", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::MistralAudio,
            path: "/audio/transcriptions",
            takes: Some(&["language", "temperature", "response_format", "timestamp_granularities"]),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Tools,
        F::ToolChoice,
        F::Seed,
        F::Stop,
        F::ResponseFormat,
        F::ParallelToolCalls,
    ]),
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])),
        (Cap::Like(&["magistral"]), FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
    ],
    embed_supported: FieldSet::of(&[F::EncodingFormat]),
    renames: &[(F::MaxCompletionTokens, "max_tokens"), (F::Seed, "random_seed")],
    quirks: Quirks::of(&[
        Q::VersionedBase,
        Q::RequiredIsAny,
        Q::NoNamedChoice,
        Q::FlattenText,
        Q::StripNames,
        Q::StripCallIndex,
        Q::StripReasoning,
        Q::DropEmptyTurns,
        Q::EmptyIsNull,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::StripSchemaUri,
        Q::FileIdInPart,
    ]),
    quirks_like: &[(&["magistral"], Quirks::of(&[Q::ThinksUnasked]))],
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    block_proof: Some("mistral"),
    hosts: &["api.mistral.ai/v1"],
    ..BLANK
};

pub(crate) static MODELSCOPE: ProviderRow = ProviderRow {
    id: "modelscope",
    display_name: "Modelscope",
    api_base: Some("https://api-inference.modelscope.cn/v1"),
    api_base_env: &["MODELSCOPE_API_BASE"],
    api_key_env: &["MODELSCOPE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::FlattenAllText]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api-inference.modelscope.cn/v1"],
    ..BLANK
};

pub(crate) static MONGODB: ProviderRow = ProviderRow {
    id: "mongodb",
    display_name: "Mongodb",
    api_key_env: &["MONGODB_SIDECAR_API_KEY"],
    format: RowFormat::NotServed("it is reached by a driver of its own, not over HTTP"),
    ..BLANK
};

pub(crate) static MOONSHOT: ProviderRow = ProviderRow {
    id: "moonshot",
    display_name: "Moonshot",
    api_base: Some("https://api.moonshot.ai/v1"),
    api_base_env: &["MOONSHOT_API_BASE"],
    api_key_env: &["MOONSHOT_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(FieldSet::of(&[F::Functions])),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::TemperatureToOne, Q::RequiredInWords, Q::FlattenAllText]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.moonshot.ai/v1"],
    ..BLANK
};

pub(crate) static MORPH: ProviderRow = ProviderRow {
    id: "morph",
    display_name: "Morph",
    api_base: Some("https://api.morphllm.com/v1"),
    api_base_env: &["MORPH_API_BASE"],
    api_key_env: &["MORPH_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[F::Stream]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.morphllm.com/v1"],
    ..BLANK
};

pub(crate) static NADIR: ProviderRow = ProviderRow {
    id: "nadir",
    display_name: "Nadir",
    api_base: Some("https://api.getnadir.com/v1"),
    api_base_env: &["NADIR_API_BASE"],
    api_key_env: &["NADIR_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::ExtraHeaders,
        F::FrequencyPenalty,
        F::MaxRetries,
        F::MaxTokens,
        F::PresencePenalty,
        F::ResponseFormat,
        F::Stream,
        F::Temperature,
        F::TopP,
    ]),
    quirks: Quirks::of(&[Q::ExplicitStream, Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.getnadir.com/v1"],
    ..BLANK
};

pub(crate) static NANO_GPT: ProviderRow = ProviderRow {
    id: "nano-gpt",
    display_name: "NanoGPT",
    api_base: Some("https://nano-gpt.com/api/v1"),
    api_key_env: &["NANOGPT_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["nano-gpt.com/api/v1"],
    ..BLANK
};

pub(crate) static NEBIUS: ProviderRow = ProviderRow {
    id: "nebius",
    display_name: "Nebius AI Studio",
    api_base: Some("https://api.studio.nebius.ai/v1"),
    api_base_env: &["NEBIUS_API_BASE"],
    api_key_env: &["NEBIUS_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ThinkTags, Q::EmbedTokens]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    hosts: &["api.studio.nebius.ai/v1"],
    ..BLANK
};

pub(crate) static NEOSANTARA: ProviderRow = ProviderRow {
    id: "neosantara",
    display_name: "Neosantara",
    api_base: Some("https://api.neosantara.xyz/v1"),
    api_base_env: &["NEOSANTARA_API_BASE"],
    api_key_env: &["NEOSANTARA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ErrorTypeByStatus]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.neosantara.xyz/v1"],
    ..BLANK
};

pub(crate) static NIMBLE: ProviderRow = ProviderRow {
    id: "nimble",
    display_name: "nimble",
    api_base: Some("https://sdk.nimbleway.com/v2"),
    api_base_env: &["NIMBLE_API_BASE"],
    api_key_env: &["NIMBLE_API_KEY"],
    tasks: &[Task { operation: OperationKind::Search, format: Format::NimbleSearch, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static NLP_CLOUD: ProviderRow = ProviderRow {
    id: "nlp_cloud",
    display_name: "NLP Cloud",
    api_base: Some("https://api.nlpcloud.io/v1/gpu"),
    api_base_env: &["NLP_CLOUD_API_BASE"],
    api_key_env: &["NLP_CLOUD_API_KEY"],
    auth: Auth::Header { name: "authorization", value: "Token {key}" },
    headers: &[Header { name: "accept", value: "application/json" }],
    format: RowFormat::Own,
    chat_format: Format::NlpCloud,
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::Stream,
        F::Temperature,
        F::TopP,
        F::PresencePenalty,
        F::FrequencyPenalty,
        F::N,
        F::Stop,
    ]),
    paths: Paths { chat: Some("/{model}/generation"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static NOVITA: ProviderRow = ProviderRow {
    id: "novita",
    display_name: "Novita AI",
    api_base: Some("https://api.novita.ai/v3/openai"),
    api_base_env: &["NOVITA_API_BASE"],
    api_key_env: &["NOVITA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.novita.ai/v3/openai"],
    ..BLANK
};

pub(crate) static NSCALE: ProviderRow = ProviderRow {
    id: "nscale",
    display_name: "Nscale",
    api_base: Some("https://inference.api.nscale.com/v1"),
    api_base_env: &["NSCALE_API_BASE"],
    api_key_env: &["NSCALE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::N,
        F::Temperature,
        F::TopP,
        F::Stream,
        F::Logprobs,
        F::TopLogprobs,
        F::FrequencyPenalty,
        F::PresencePenalty,
        F::ResponseFormat,
        F::Stop,
        F::LogitBias,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["inference.api.nscale.com/v1"],
    ..BLANK
};

pub(crate) static NVIDIA_NIM: ProviderRow = ProviderRow {
    id: "nvidia_nim",
    display_name: "Nvidia NIM",
    api_base: Some("https://integrate.api.nvidia.com/v1"),
    api_base_env: &["NVIDIA_NIM_API_BASE"],
    api_key_env: &["NVIDIA_NIM_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Rerank,
            format: Format::NimRerank,
            path: "/v1/retrieval/{model}/reranking",
            base: Some("https://ai.api.nvidia.com"),
            takes: Some(&["top_n", "truncate"]),
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
    ],
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::TopP,
        F::FrequencyPenalty,
        F::PresencePenalty,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Stop,
        F::Seed,
        F::Tools,
        F::ToolChoice,
        F::ParallelToolCalls,
        F::ResponseFormat,
    ]),
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["integrate.api.nvidia.com/v1"],
    ..BLANK
};

pub(crate) static NVIDIA_RIVA: ProviderRow = ProviderRow {
    id: "nvidia_riva",
    display_name: "Nvidia Riva",
    api_base_env: &["NVIDIA_RIVA_API_BASE"],
    auth: Auth::Computed("grpc_metadata_bearer"),
    format: RowFormat::NotServed("it speaks gRPC only"),
    ..BLANK
};

pub(crate) static OCI: ProviderRow = ProviderRow {
    id: "oci",
    display_name: "OCI",
    api_base: Some("https://inference.generativeai.{param:oci_region|env:OCI_REGION|us-ashburn-1}.oci.oraclecloud.com"),
    auth: Auth::Computed("oci_signature"),
    format: RowFormat::Own,
    chat_format: Format::OciChat,
    embed_format: Format::OciEmbed,
    supported: FieldSet::of(&[
        F::Stream,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Temperature,
        F::Tools,
        F::FrequencyPenalty,
        F::Logprobs,
        F::LogitBias,
        F::N,
        F::PresencePenalty,
        F::ReasoningEffort,
        F::Seed,
        F::Stop,
        F::ToolChoice,
        F::TopP,
        F::ResponseFormat,
    ]),
    embed_supported: FieldSet::of(&[F::Dimensions]),
    paths: Paths {
        chat: Some("/20231130/actions/chat"),
        embeddings: Some("/20231130/actions/embedText"),
        ..Paths::NONE
    },
    ..BLANK
};

pub(crate) static OLLAMA: ProviderRow = ProviderRow {
    id: "ollama",
    display_name: "Ollama",
    api_base: Some("http://localhost:11434"),
    api_base_env: &["OLLAMA_API_BASE"],
    api_key_env: &["OLLAMA_API_KEY"],
    auth: Auth::BearerOptional,
    format: RowFormat::Own,
    chat_format: Format::OllamaGenerate,
    embed_format: Format::OllamaEmbed,
    supported: OLLAMA_PARAMS,
    embed_supported: FieldSet::of(&[F::Dimensions]),
    paths: Paths { chat: Some("/api/generate"), embeddings: Some("/api/embed"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static OLLAMA_CHAT: ProviderRow = ProviderRow {
    id: "ollama_chat",
    display_name: "Ollama Chat",
    api_base: Some("http://localhost:11434"),
    api_base_env: &["OLLAMA_API_BASE"],
    api_key_env: &["OLLAMA_API_KEY"],
    auth: Auth::BearerOptional,
    format: RowFormat::Own,
    chat_format: Format::OllamaChat,
    embed_format: Format::OllamaEmbed,
    supported: OLLAMA_PARAMS,
    embed_supported: FieldSet::of(&[F::Dimensions]),
    paths: Paths { chat: Some("/api/chat"), embeddings: Some("/api/embed"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static OOBABOOGA: ProviderRow = ProviderRow {
    id: "oobabooga",
    display_name: "Oobabooga",
    auth: Auth::None,
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/v1/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/v1/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/v1/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/v1/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::ExplicitStream]),
    paths: Paths { chat: Some("/v1/chat/completions"), embeddings: Some("/v1/embeddings"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static OPENAI: ProviderRow = ProviderRow {
    id: "openai",
    display_name: "OpenAI",
    api_base: Some("https://api.openai.com/v1"),
    api_base_env: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    api_key_env: &["OPENAI_API_KEY"],
    headers: &[
        Header { name: "openai-organization", value: "{param:organization|env:OPENAI_ORGANIZATION}" },
        Header { name: "openai-project", value: "{param:project|env:OPENAI_PROJECT}" },
    ],
    tasks: &[
        Task {
            operation: OperationKind::ImageEdit,
            format: Format::OpenAiImages,
            path: "/images/edits",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::ImageVariation,
            format: Format::OpenAiImages,
            path: "/images/variations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Moderate,
            format: Format::OpenAiModerations,
            path: "/moderations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiWhisper,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Video, format: Format::OpenAiVideos, path: "/videos", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    supported_if: &[(Cap::Known, FieldSet::of(&[F::User])), (Cap::Unknown, FieldSet::of(&[F::ReasoningEffort]))],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[
        Q::CountsPrompts,
        Q::ReasoningFamilies,
        Q::MessagesAsResponses,
        Q::KeepCacheControlAbroad,
        Q::EmbedTokens,
        Q::TypedLookups,
        Q::TypedRemovals,
        Q::CacheRetention,
    ]),
    paths: Paths {
        chat: Some("/chat/completions"),
        embeddings: Some("/embeddings"),
        responses: Some("/responses"),
        ..Paths::NONE
    },
    clean_reply: true,
    hosts: &["api.openai.com/v1"],
    bare_models: &[
        "*",
        "gpt-*",
        "o1*",
        "o3*",
        "o4*",
        "chatgpt-*",
        "ft:gpt-*",
        "ft:o*",
        "text-embedding-3-*",
        "text-embedding-ada-002",
        "dall-e-*",
        "whisper-1",
        "tts-1*",
        "gpt-image*",
        "codex-*",
        "computer-use-*",
    ],
    ..BLANK
};

pub(crate) static OPENAI_LIKE: ProviderRow = ProviderRow {
    id: "openai_like",
    display_name: "OpenAI-like",
    api_base_env: &["OPENAI_LIKE_API_BASE"],
    api_key_env: &["OPENAI_LIKE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::EmbedTokens]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static OPENROUTER: ProviderRow = ProviderRow {
    id: "openrouter",
    display_name: "OpenRouter",
    api_base: Some("https://openrouter.ai/api/v1"),
    api_base_env: &["OPENROUTER_API_BASE"],
    api_key_env: &["OPENROUTER_API_KEY", "OR_API_KEY"],
    headers: &[
        Header { name: "http-referer", value: "{env:OR_SITE_URL|https://litellm.ai}" },
        Header { name: "x-title", value: "{env:OR_APP_NAME|liteLLM}" },
    ],
    tasks: &[
        Task {
            operation: OperationKind::ImageEdit,
            format: Format::ChatImages,
            path: "/chat/completions",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Image, format: Format::ChatImages, path: "/chat/completions", ..Task::BLANK },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::UsageInclude,
        Q::EffortMaxIsXhigh,
        Q::EmbedInputList,
        Q::ErrorTypeByStatus,
        Q::StreamErrorIsApi,
        Q::ForgetsAnswers,
        Q::HeadersOfChat,
    ]),
    quirks_like: &[(
        &["claude", "gemini", "minimax", "glm", "z-ai"],
        Quirks::of(&[Q::KeepCacheControl, Q::CacheControlInContent]),
    )],
    paths: Paths {
        chat: Some("/chat/completions"),
        embeddings: Some("/embeddings"),
        responses: Some("/responses"),
        ..Paths::NONE
    },
    hosts: &["openrouter.ai/api/v1"],
    bare_models: &["openrouter/auto", "openrouter/free", "openrouter/bodybuilder"],
    ..BLANK
};

pub(crate) static OVHCLOUD: ProviderRow = ProviderRow {
    id: "ovhcloud",
    display_name: "OVHCloud AI Endpoints",
    api_base: Some("https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
    api_base_env: &["OVHCLOUD_API_BASE"],
    api_key_env: &["OVHCLOUD_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Transcribe,
            format: Format::PlainAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::ExplicitStream, Q::ErrorTypeByStatus, Q::StreamErrorByCode]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["oai.endpoints.kepler.ai.cloud.ovh.net/v1"],
    ..BLANK
};

pub(crate) static PARALLEL_AI: ProviderRow = ProviderRow {
    id: "parallel_ai",
    display_name: "Parallel AI",
    api_base: Some("https://api.parallel.ai"),
    api_base_env: &["PARALLEL_AI_API_BASE"],
    api_key_env: &["PARALLEL_AI_API_KEY", "PARALLEL_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task {
        operation: OperationKind::Search,
        format: Format::ParallelSearch,
        path: "/v1/search",
        ..Task::BLANK
    }],
    ..BLANK
};

pub(crate) static PARASAIL: ProviderRow = ProviderRow {
    id: "parasail",
    display_name: "Parasail",
    api_base: Some("https://api.parasail.io/v1"),
    api_base_env: &["PARASAIL_API_BASE"],
    api_key_env: &["PARASAIL_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.parasail.io/v1"],
    ..BLANK
};

pub(crate) static PERPLEXITY: ProviderRow = ProviderRow {
    id: "perplexity",
    display_name: "Perplexity AI",
    api_base: Some("https://api.perplexity.ai"),
    api_base_env: &["PERPLEXITY_API_BASE"],
    api_key_env: &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
    tasks: &[
        Task { operation: OperationKind::Search, format: Format::Search, path: "/search", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::FrequencyPenalty,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::PresencePenalty,
        F::ResponseFormat,
        F::Stream,
        F::Temperature,
        F::TopP,
        F::MaxRetries,
        F::ExtraHeaders,
        F::WebSearchOptions,
    ]),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    embed_supported: FieldSet::of(&[F::Dimensions, F::EncodingFormat]),
    quirks: Quirks::of(&[Q::ThinkTags]),
    paths: Paths {
        chat: Some("/chat/completions"),
        embeddings: Some("/v1/embeddings"),
        responses: Some("/v1/responses"),
        ..Paths::NONE
    },
    hosts: &["api.perplexity.ai"],
    ..BLANK
};

pub(crate) static PETALS: ProviderRow = ProviderRow {
    id: "petals",
    display_name: "Petals",
    auth: Auth::None,
    format: RowFormat::Own,
    chat_format: Format::Petals,
    supported: FieldSet::of(&[F::MaxTokens, F::Temperature, F::TopP, F::Stream]),
    paths: Paths { chat: Some(""), ..Paths::NONE },
    ..BLANK
};

pub(crate) static PG_VECTOR: ProviderRow = ProviderRow {
    id: "pg_vector",
    display_name: "PG Vector",
    api_base_env: &["PG_VECTOR_API_BASE"],
    api_key_env: &["PG_VECTOR_API_KEY"],
    ..BLANK
};

pub(crate) static PINSTRIPES: ProviderRow = ProviderRow {
    id: "pinstripes",
    display_name: "Pinstripes",
    api_base: Some("https://pinstripes.io/v1"),
    api_base_env: &["PINSTRIPES_API_BASE"],
    api_key_env: &["PINSTRIPES_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["pinstripes.io/v1"],
    ..BLANK
};

pub(crate) static POE: ProviderRow = ProviderRow {
    id: "poe",
    display_name: "Poe",
    api_base: Some("https://api.poe.com/v1"),
    api_key_env: &["POE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.poe.com/v1"],
    ..BLANK
};

pub(crate) static PREDIBASE: ProviderRow = ProviderRow {
    id: "predibase",
    display_name: "Predibase",
    api_base: Some("https://serving.app.predibase.com"),
    api_base_env: &["PREDIBASE_API_BASE"],
    api_key_env: &["PREDIBASE_API_KEY"],
    format: RowFormat::Own,
    chat_format: Format::TgiGenerate,
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::MaxCompletionTokens,
        F::MaxTokens,
        F::TopP,
        F::Stop,
        F::N,
        F::ResponseFormat,
    ]),
    paths: Paths { chat: Some("/generate"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static PUBLICAI: ProviderRow = ProviderRow {
    id: "publicai",
    display_name: "PublicAI",
    api_base: Some("https://api.publicai.co/v1"),
    api_base_env: &["PUBLICAI_API_BASE"],
    api_key_env: &["PUBLICAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::FlattenContent]),
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.publicai.co/v1"],
    ..BLANK
};

pub(crate) static QWEN_AI_PLATFORM: ProviderRow = ProviderRow {
    id: "qwen_ai_platform",
    display_name: "Qianwen AI Platform",
    api_base: Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
    api_base_env: &["QWEN_AI_PLATFORM_API_BASE"],
    api_key_env: &["QWEN_AI_PLATFORM_API_KEY", "DASHSCOPE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::QwenImages,
            path: "^/api/v1/services/aigc/multimodal-generation/generation",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::KeepCacheControl]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    ..BLANK
};

pub(crate) static QWENCLOUD: ProviderRow = ProviderRow {
    id: "qwencloud",
    display_name: "QwenCloud",
    api_base: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    api_base_env: &["QWENCLOUD_API_BASE"],
    api_key_env: &["QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::QwenImages,
            path: "^/api/v1/services/aigc/multimodal-generation/generation",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort]))],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::KeepCacheControl]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    hosts: &["dashscope-intl.aliyuncs.com/compatible-mode/v1"],
    ..BLANK
};

pub(crate) static RAGFLOW: ProviderRow = ProviderRow {
    id: "ragflow",
    display_name: "RAGFlow",
    api_base_env: &["RAGFLOW_API_BASE"],
    api_key_env: &["RAGFLOW_API_KEY"],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    paths: Paths { chat: Some("/api/v1/chats_openai/{model}/chat/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static RECRAFT: ProviderRow = ProviderRow {
    id: "recraft",
    display_name: "Recraft",
    api_base: Some("https://external.api.recraft.ai"),
    api_base_env: &["RECRAFT_API_BASE"],
    api_key_env: &["RECRAFT_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::ImageEdit,
            format: Format::RecraftImages,
            path: "/v1/images/imageToImage",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::RecraftImages,
            path: "/v1/images/generations",
            ..Task::BLANK
        },
    ],
    ..BLANK
};

pub(crate) static REDUCTO: ProviderRow = ProviderRow {
    id: "reducto",
    display_name: "Reducto",
    api_base: Some("https://platform.reducto.ai"),
    api_key_env: &["REDUCTO_API_KEY"],
    tasks: &[Task { operation: OperationKind::Ocr, format: Format::ReductoParse, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static REPLICATE: ProviderRow = ProviderRow {
    id: "replicate",
    display_name: "Replicate",
    api_base: Some("https://api.replicate.com/v1"),
    api_base_env: &["REPLICATE_API_BASE"],
    api_key_env: &["REPLICATE_API_KEY", "REPLICATE_API_TOKEN"],
    auth: Auth::Header { name: "authorization", value: "Token {key}" },
    format: RowFormat::Own,
    chat_format: Format::Replicate,
    supported: FieldSet::of(&[
        F::Stream,
        F::Temperature,
        F::MaxTokens,
        F::TopP,
        F::Stop,
        F::Seed,
        F::Tools,
        F::ToolChoice,
        F::Functions,
        F::FunctionCall,
    ]),
    paths: Paths { chat: Some("/predictions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static RUNWAYML: ProviderRow = ProviderRow {
    id: "runwayml",
    display_name: "RunwayML",
    api_base: Some("https://api.dev.runwayml.com/v1"),
    api_base_env: &["RUNWAYML_API_BASE"],
    api_key_env: &["RUNWAYML_API_SECRET", "RUNWAYML_API_KEY"],
    headers: &[Header { name: "x-runway-version", value: "2024-11-06" }],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::RunwayImages,
            path: "/v1/text_to_image",
            base: Some("https://api.dev.runwayml.com"),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Speech,
            format: Format::RunwaySpeech,
            path: "/v1/text_to_speech",
            base: Some("https://api.dev.runwayml.com"),
            ..Task::BLANK
        },
        Task { operation: OperationKind::Video, format: Format::RunwayVideos, path: "", ..Task::BLANK },
    ],
    ..BLANK
};

pub(crate) static S3_VECTORS: ProviderRow =
    ProviderRow { id: "s3_vectors", display_name: "AWS S3 Vectors", auth: Auth::Computed("sigv4"), ..BLANK };

pub(crate) static SAGEMAKER: ProviderRow = ProviderRow {
    id: "sagemaker",
    display_name: "AWS - Sagemaker",
    auth: Auth::Computed("sigv4"),
    format: RowFormat::Own,
    chat_format: Format::SageMaker,
    embed_format: Format::SageMakerEmbed,
    supported: FieldSet::of(&[F::Stream, F::Temperature, F::MaxTokens, F::MaxCompletionTokens, F::TopP, F::Stop, F::N]),
    embed_supported: FieldSet::of(&[F::Dimensions, F::EncodingFormat]),
    paths: Paths { chat: Some("invocations"), embeddings: Some("invocations"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static SAGEMAKER_CHAT: ProviderRow = ProviderRow {
    id: "sagemaker_chat",
    display_name: "Sagemaker Chat",
    auth: Auth::Computed("sigv4"),
    supported: OPENAI_PARAMS,
    stream_usage: true,
    quirks: Quirks::of(&[Q::ExplicitStream, Q::OwnMessageFields]),
    paths: Paths { chat: Some("invocations"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static SAGEMAKER_NOVA: ProviderRow = ProviderRow {
    id: "sagemaker_nova",
    display_name: "Sagemaker Nova",
    auth: Auth::Computed("sigv4"),
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    stream_usage: true,
    quirks: Quirks::of(&[Q::ExplicitStream, Q::OwnMessageFields]),
    paths: Paths { chat: Some("invocations"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static SAMBANOVA: ProviderRow = ProviderRow {
    id: "sambanova",
    display_name: "Sambanova",
    api_base: Some("https://api.sambanova.ai/v1"),
    api_base_env: &["SAMBANOVA_API_BASE"],
    api_key_env: &["SAMBANOVA_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxCompletionTokens,
        F::MaxTokens,
        F::ResponseFormat,
        F::Stop,
        F::Stream,
        F::StreamOptions,
        F::Temperature,
        F::TopP,
        F::TopK,
    ]),
    supported_if: &[(Cap::Tools, FieldSet::of(&[F::Tools, F::ToolChoice, F::ParallelToolCalls]))],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::FlattenContent, Q::ThinkTags]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["api.sambanova.ai/v1"],
    ..BLANK
};

pub(crate) static SAP: ProviderRow = ProviderRow {
    id: "sap",
    display_name: "SAP Generative AI Hub",
    auth: Auth::Computed("oauth_client_credentials"),
    format: RowFormat::Own,
    chat_format: Format::SapOrchestration,
    embed_format: Format::SapEmbed,
    supported: FieldSet::of(&[
        F::FrequencyPenalty,
        F::LogitBias,
        F::Logprobs,
        F::TopLogprobs,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Prediction,
        F::N,
        F::PresencePenalty,
        F::Seed,
        F::Stop,
        F::Stream,
        F::StreamOptions,
        F::Temperature,
        F::TopP,
        F::Tools,
        F::ToolChoice,
        F::FunctionCall,
        F::Functions,
        F::ExtraHeaders,
        F::ParallelToolCalls,
        F::ResponseFormat,
    ]),
    stream_usage: true,
    paths: Paths { chat: Some("/v2/completion"), embeddings: Some("/v2/embeddings"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static SARVAM: ProviderRow = ProviderRow {
    id: "sarvam",
    display_name: "Sarvam",
    api_base: Some("https://api.sarvam.ai/v1"),
    api_key_env: &["SARVAM_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.sarvam.ai/v1"],
    ..BLANK
};

pub(crate) static SCALEWAY: ProviderRow = ProviderRow {
    id: "scaleway",
    display_name: "Scaleway",
    api_base: Some("https://api.scaleway.ai/v1"),
    api_key_env: &["SCW_SECRET_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Transcribe,
            format: Format::PlainAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    quirks: Quirks::of(&[Q::ErrorTypeByStatus]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.scaleway.ai/v1"],
    ..BLANK
};

pub(crate) static SCX_AI: ProviderRow = ProviderRow {
    id: "scx-ai",
    display_name: "SCX.ai",
    api_base: Some("https://api.scx.ai/v1"),
    api_base_env: &["SCX_API_BASE"],
    api_key_env: &["SCX_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::TemperatureBelowTwo]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.scx.ai/v1"],
    ..BLANK
};

pub(crate) static SEARCHAPI: ProviderRow = ProviderRow {
    id: "searchapi",
    display_name: "searchapi",
    api_base: Some("https://www.searchapi.io/api/v1/search"),
    api_base_env: &["SEARCHAPI_API_BASE"],
    api_key_env: &["SEARCHAPI_API_KEY"],
    auth: Auth::Query("api_key={key}"),
    tasks: &[Task { operation: OperationKind::Search, format: Format::SearchApi, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static SEARXNG: ProviderRow = ProviderRow {
    id: "searxng",
    display_name: "SearXNG",
    api_base_env: &["SEARXNG_API_BASE"],
    api_key_env: &["SEARXNG_API_KEY"],
    auth: Auth::BearerOptional,
    tasks: &[Task { operation: OperationKind::Search, format: Format::SearXng, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static SERPER: ProviderRow = ProviderRow {
    id: "serper",
    display_name: "Serper",
    api_base: Some("https://google.serper.dev"),
    api_base_env: &["SERPER_API_BASE"],
    api_key_env: &["SERPER_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task { operation: OperationKind::Search, format: Format::SerperSearch, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static SNOWFLAKE: ProviderRow = ProviderRow {
    id: "snowflake",
    display_name: "Snowflake",
    api_key_env: &["SNOWFLAKE_JWT"],
    embed_format: Format::SnowflakeEmbed,
    supported: FieldSet::of(&[
        F::Temperature,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::TopP,
        F::Stream,
        F::Tools,
        F::ToolChoice,
        F::Thinking,
    ]),
    quirks: Quirks::of(&[Q::ErrorTypeByStatus, Q::StripSchemaUri]),
    paths: Paths {
        chat: Some("/cortex/v1/chat/completions"),
        embeddings: Some("/cortex/inference:embed"),
        messages: Some("/cortex/v1/messages"),
        ..Paths::NONE
    },
    ..BLANK
};

pub(crate) static SONIOX: ProviderRow = ProviderRow {
    id: "soniox",
    display_name: "Soniox",
    api_base: Some("https://api.soniox.com"),
    api_base_env: &["SONIOX_API_BASE"],
    api_key_env: &["SONIOX_API_KEY"],
    tasks: &[Task {
        operation: OperationKind::Transcribe,
        format: Format::Soniox,
        path: "/v1/files",
        takes: Some(&["language"]),
        ..Task::BLANK
    }],
    ..BLANK
};

pub(crate) static STABILITY: ProviderRow = ProviderRow {
    id: "stability",
    display_name: "Stability AI",
    api_base: Some("https://api.stability.ai"),
    api_base_env: &["STABILITY_API_BASE"],
    api_key_env: &["STABILITY_API_KEY"],
    tasks: &[
        Task { operation: OperationKind::ImageEdit, format: Format::StabilityImages, path: "", ..Task::BLANK },
        Task { operation: OperationKind::Image, format: Format::StabilityImages, path: "", ..Task::BLANK },
    ],
    ..BLANK
};

pub(crate) static STRANDS_DECIDER: ProviderRow = ProviderRow {
    id: "strands_decider",
    display_name: "Strands Decider",
    auth: Auth::Computed("sigv4"),
    format: RowFormat::NotServed("decisions, whose wire could not be verified"),
    ..BLANK
};

pub(crate) static SYNTHETIC: ProviderRow = ProviderRow {
    id: "synthetic",
    display_name: "Synthetic",
    api_base: Some("https://api.synthetic.new/openai/v1"),
    api_key_env: &["SYNTHETIC_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.synthetic.new/openai/v1"],
    ..BLANK
};

pub(crate) static TAVILY: ProviderRow = ProviderRow {
    id: "tavily",
    display_name: "Tavily",
    api_base: Some("https://api.tavily.com"),
    api_base_env: &["TAVILY_API_BASE"],
    api_key_env: &["TAVILY_API_KEY"],
    tasks: &[Task { operation: OperationKind::Search, format: Format::TavilySearch, path: "/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static TENCENT: ProviderRow = ProviderRow {
    id: "tencent",
    display_name: "Tencent",
    api_base: Some("https://tokenhub-intl.tencentcloudmaas.com/v1"),
    api_base_env: &["TENCENT_API_BASE"],
    api_key_env: &["TENCENT_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::Thinking, F::ReasoningEffort]))],
    stream_usage: true,
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["tokenhub-intl.tencentcloudmaas.com/v1"],
    ..BLANK
};

pub(crate) static TENSORMESH: ProviderRow = ProviderRow {
    id: "tensormesh",
    display_name: "Tensormesh",
    api_base: Some("https://serverless.tensormesh.ai/v1"),
    api_base_env: &["TENSORMESH_SERVERLESS_BASE_URL"],
    api_key_env: &["TENSORMESH_INFERENCE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["serverless.tensormesh.ai/v1"],
    ..BLANK
};

pub(crate) static TEXT_COMPLETION_CODESTRAL: ProviderRow = ProviderRow {
    id: "text-completion-codestral",
    display_name: "Text Completion Codestral",
    api_base: Some("https://codestral.mistral.ai/v1/fim/completions"),
    api_base_env: &["CODESTRAL_API_BASE"],
    api_key_env: &["CODESTRAL_API_KEY"],
    supported: FieldSet::of(&[
        F::Suffix,
        F::Temperature,
        F::TopP,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::Stream,
        F::Seed,
        F::Stop,
    ]),
    renames: &[(F::MaxCompletionTokens, "max_tokens"), (F::Seed, "random_seed")],
    quirks: Quirks::of(&[Q::ErrorTypeByStatus, Q::StreamErrorByCode, Q::SpacePrompts]),
    paths: Paths { completions: Some(""), ..Paths::NONE },
    ..BLANK
};

pub(crate) static TEXT_COMPLETION_INCEPTION: ProviderRow = ProviderRow {
    id: "text-completion-inception",
    display_name: "Text-Completion-Inception",
    api_base: Some("https://api.inceptionlabs.ai/v1"),
    api_base_env: &["INCEPTION_API_BASE"],
    api_key_env: &["INCEPTION_API_KEY"],
    supported: FieldSet::of(&[
        F::Suffix,
        F::MaxTokens,
        F::MaxCompletionTokens,
        F::TopP,
        F::FrequencyPenalty,
        F::PresencePenalty,
        F::Stop,
        F::Stream,
        F::StreamOptions,
    ]),
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { completions: Some("/fim/completions"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static TEXT_COMPLETION_OPENAI: ProviderRow = ProviderRow {
    id: "text-completion-openai",
    display_name: "Text Completion OpenAI",
    api_base: Some("https://api.openai.com/v1"),
    api_base_env: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    api_key_env: &["OPENAI_API_KEY"],
    supported: OPENAI_PARAMS
        .minus(FieldSet::of(&[
            F::MaxCompletionTokens,
            F::Modalities,
            F::Prediction,
            F::ParallelToolCalls,
            F::Audio,
            F::WebSearchOptions,
            F::ServiceTier,
            F::SafetyIdentifier,
            F::PromptCacheKey,
            F::PromptCacheRetention,
            F::Store,
        ]))
        .union(FieldSet::of(&[F::User])),
    stream_usage: true,
    quirks: Quirks::of(&[Q::ExplicitStream]),
    paths: Paths { completions: Some("/completions"), ..Paths::NONE },
    clean_reply: true,
    bare_models: &["gpt-3.5-turbo-instruct*", "babbage-002", "davinci-002"],
    ..BLANK
};

pub(crate) static TINYFISH: ProviderRow = ProviderRow {
    id: "tinyfish",
    display_name: "tinyfish",
    api_base: Some("https://api.search.tinyfish.ai"),
    api_base_env: &["TINYFISH_API_BASE"],
    api_key_env: &["TINYFISH_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task { operation: OperationKind::Search, format: Format::TinyFish, path: "", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static TOGETHER_AI: ProviderRow = ProviderRow {
    id: "together_ai",
    display_name: "Together AI",
    api_base: Some("https://api.together.ai/v1"),
    api_base_env: &["TOGETHER_AI_API_BASE"],
    api_key_env: &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
    tasks: &[
        Task {
            operation: OperationKind::Rerank,
            format: Format::JinaRerank,
            path: "/rerank",
            takes: Some(&["top_n", "rank_fields", "return_documents"]),
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::ThinkTags,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::StripThinkingBlocks,
    ]),
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    hosts: &["api.together.ai/v1", "api.together.xyz/v1"],
    ..BLANK
};

pub(crate) static TOPAZ: ProviderRow = ProviderRow {
    id: "topaz",
    display_name: "Topaz",
    api_base: Some("https://api.topazlabs.com"),
    api_key_env: &["TOPAZ_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task {
        operation: OperationKind::ImageVariation,
        format: Format::TopazImages,
        path: "/image/v1/enhance",
        ..Task::BLANK
    }],
    ..BLANK
};

pub(crate) static TRANSCRIBE: ProviderRow = ProviderRow {
    id: "transcribe",
    display_name: "Transcribe",
    auth: Auth::Computed("sigv4"),
    format: RowFormat::NotServed("jobs of Amazon Transcribe, whose wire could not be verified"),
    ..BLANK
};

pub(crate) static TRITON: ProviderRow = ProviderRow {
    id: "triton",
    display_name: "Triton",
    auth: Auth::None,
    format: RowFormat::Own,
    chat_format: Format::TritonGenerate,
    embed_format: Format::TritonEmbed,
    supported: FieldSet::of(&[F::MaxTokens, F::MaxCompletionTokens, F::Stream]),
    paths: Paths { chat: Some(""), embeddings: Some(""), ..Paths::NONE },
    ..BLANK
};

pub(crate) static TYPESAFE: ProviderRow = ProviderRow {
    id: "typesafe",
    display_name: "Typesafe",
    api_base: Some("https://api.typesafe.ai"),
    api_key_env: &["TYPESAFE_API_KEY"],
    format: RowFormat::NotServed("decisions, whose wire could not be verified"),
    ..BLANK
};

pub(crate) static V0: ProviderRow = ProviderRow {
    id: "v0",
    display_name: "V0",
    api_base: Some("https://api.v0.dev/v1"),
    api_base_env: &["V0_API_BASE"],
    api_key_env: &["V0_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[F::Stream, F::Tools, F::ToolChoice]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths { chat: Some("/chat/completions"), completions: Some("/completions"), ..Paths::NONE },
    hosts: &["api.v0.dev/v1"],
    ..BLANK
};

pub(crate) static VALKEY: ProviderRow = ProviderRow {
    id: "valkey",
    display_name: "Valkey",
    auth: Auth::None,
    format: RowFormat::NotServed("its searches go over a connection of its own, not over HTTP"),
    ..BLANK
};

pub(crate) static VENICEAI: ProviderRow = ProviderRow {
    id: "veniceai",
    display_name: "Venice.ai",
    api_base: Some("https://api.venice.ai/api/v1"),
    api_key_env: &["VENICE_AI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::KeepCacheControl,
        Q::KeepDeveloper,
        Q::ToolImagesStay,
        Q::ErrorTypeByStatus,
        Q::DropEffort,
    ]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.venice.ai/api/v1"],
    ..BLANK
};

pub(crate) static VERCEL_AI_GATEWAY: ProviderRow = ProviderRow {
    id: "vercel_ai_gateway",
    display_name: "Vercel AI Gateway",
    api_base: Some("https://ai-gateway.vercel.sh/v1"),
    api_base_env: &["VERCEL_AI_GATEWAY_API_BASE"],
    api_key_env: &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"],
    headers: &[
        Header { name: "http-referer", value: "{env:VERCEL_SITE_URL}" },
        Header { name: "x-title", value: "{env:VERCEL_APP_NAME}" },
    ],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS,
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    quirks: Quirks::of(&[Q::EmbedInputList]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    clean_reply: true,
    hosts: &["ai-gateway.vercel.sh/v1"],
    ..BLANK
};

pub(crate) static VERTEX_AI: ProviderRow = ProviderRow {
    id: "vertex_ai",
    display_name: "Google - Vertex AI",
    api_base_env: &["VERTEXAI_API_BASE", "VERTEX_API_BASE"],
    auth: Auth::Computed("gcp_oauth"),
    format: RowFormat::Own,
    chat_format: Format::GeminiGenerate,
    embed_format: Format::VertexEmbed,
    supported: VERTEX_PARAMS,
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
        (Cap::Like(&["gemini-3", "gemini-4"]), FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
        (
            Cap::Like(&["claude"]),
            FieldSet::of(&[F::Thinking, F::ReasoningEffort, F::User, F::ContextManagement, F::CacheControl, F::Speed]),
        ),
        (
            Cap::Like(&[
                "meta/",
                "deepseek-ai/",
                "qwen/",
                "minimaxai/",
                "moonshotai/",
                "zai-org/",
                "google/gemma-",
                "openai/",
                "xai/",
                "mistral",
                "codestral",
                "jamba",
            ]),
            FieldSet::of(&[
                F::LogitBias,
                F::StreamOptions,
                F::Prediction,
                F::Store,
                F::FunctionCall,
                F::SafetyIdentifier,
            ]),
        ),
        (
            Cap::Unlike(&["claude"]),
            FieldSet::of(&[
                F::N,
                F::Seed,
                F::Logprobs,
                F::TopLogprobs,
                F::Modalities,
                F::Audio,
                F::Functions,
                F::ServiceTier,
                F::IncludeServerSideToolInvocations,
            ]),
        ),
        (
            Cap::Unlike(&["claude", "gemini-3", "gemini-4", "gemini-2.5-pro-preview-06-05"]),
            FieldSet::of(&[F::FrequencyPenalty, F::PresencePenalty]),
        ),
    ],
    embed_supported: FieldSet::of(&[F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::CountsPrompts, Q::EmbedInputList, Q::EmbedFloats, Q::ErrorTypeByStatus]),
    quirks_like: &[(
        &[
            "meta/",
            "deepseek-ai/",
            "qwen/",
            "minimaxai/",
            "moonshotai/",
            "zai-org/",
            "google/gemma-",
            "openai/",
            "xai/",
            "mistral",
            "codestral",
            "jamba",
        ],
        Quirks::of(&[Q::ExplicitStream]),
    )],
    betas: &[
        ("advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"),
        ("compact-2026-01-12", "compact-2026-01-12"),
        ("computer-use-2025-01-24", "computer-use-2025-01-24"),
        ("computer-use-2025-11-24", "computer-use-2025-11-24"),
        ("context-1m-2025-08-07", "context-1m-2025-08-07"),
        ("context-management-2025-06-27", "context-management-2025-06-27"),
        ("dangerous-tool-use-2026-09-03", "dangerous-tool-use-2026-09-03"),
        ("interleaved-thinking-2025-05-14", "interleaved-thinking-2025-05-14"),
        ("thinking-binding-controls-2026-08-01", "thinking-binding-controls-2026-08-01"),
        ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
        ("web-search-2025-03-05", "web-search-2025-03-05"),
    ],
    paths: Paths { chat: Some(""), embeddings: Some(""), messages: Some(""), ..Paths::NONE },
    clean_reply: true,
    bare_models: &["gemini-*"],
    ..BLANK
};

pub(crate) static VERTEX_AI_BETA: ProviderRow = ProviderRow {
    id: "vertex_ai_beta",
    display_name: "Vertex Ai Beta",
    api_base_env: &["VERTEXAI_API_BASE", "VERTEX_API_BASE"],
    auth: Auth::Computed("gcp_oauth"),
    format: RowFormat::Own,
    chat_format: Format::GeminiGenerate,
    embed_format: Format::VertexEmbed,
    supported: VERTEX_PARAMS,
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
        (Cap::Like(&["gemini-3", "gemini-4"]), FieldSet::of(&[F::ReasoningEffort, F::Thinking])),
        (
            Cap::Like(&["claude"]),
            FieldSet::of(&[F::Thinking, F::ReasoningEffort, F::User, F::ContextManagement, F::CacheControl, F::Speed]),
        ),
        (
            Cap::Like(&[
                "meta/",
                "deepseek-ai/",
                "qwen/",
                "minimaxai/",
                "moonshotai/",
                "zai-org/",
                "google/gemma-",
                "openai/",
                "xai/",
                "mistral",
                "codestral",
                "jamba",
            ]),
            FieldSet::of(&[
                F::LogitBias,
                F::StreamOptions,
                F::Prediction,
                F::Store,
                F::FunctionCall,
                F::SafetyIdentifier,
            ]),
        ),
        (
            Cap::Unlike(&["claude"]),
            FieldSet::of(&[
                F::N,
                F::Seed,
                F::Logprobs,
                F::TopLogprobs,
                F::Modalities,
                F::Audio,
                F::Functions,
                F::ServiceTier,
                F::IncludeServerSideToolInvocations,
            ]),
        ),
        (
            Cap::Unlike(&["claude", "gemini-3", "gemini-4", "gemini-2.5-pro-preview-06-05"]),
            FieldSet::of(&[F::FrequencyPenalty, F::PresencePenalty]),
        ),
    ],
    embed_supported: FieldSet::of(&[F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::CountsPrompts, Q::EmbedInputList, Q::ErrorTypeByStatus]),
    betas: &[
        ("advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"),
        ("compact-2026-01-12", "compact-2026-01-12"),
        ("computer-use-2025-01-24", "computer-use-2025-01-24"),
        ("computer-use-2025-11-24", "computer-use-2025-11-24"),
        ("context-1m-2025-08-07", "context-1m-2025-08-07"),
        ("context-management-2025-06-27", "context-management-2025-06-27"),
        ("dangerous-tool-use-2026-09-03", "dangerous-tool-use-2026-09-03"),
        ("interleaved-thinking-2025-05-14", "interleaved-thinking-2025-05-14"),
        ("thinking-binding-controls-2026-08-01", "thinking-binding-controls-2026-08-01"),
        ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
        ("web-search-2025-03-05", "web-search-2025-03-05"),
    ],
    paths: Paths { chat: Some(""), embeddings: Some(""), messages: Some(""), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static VLLM: ProviderRow = ProviderRow {
    id: "vllm",
    display_name: "VLLM",
    auth: Auth::None,
    format: RowFormat::NotServed("a library inside of the process; servers of vLLM are called as hosted_vllm/NAME"),
    ..BLANK
};

pub(crate) static VOLCENGINE: ProviderRow = ProviderRow {
    id: "volcengine",
    display_name: "Volcengine",
    api_base: Some("https://ark.cn-beijing.volces.com/api/v3"),
    api_base_env: &["VOLCENGINE_API_BASE"],
    api_key_env: &["ARK_API_KEY", "VOLCENGINE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS
        .minus(FieldSet::of(&[
            F::Modalities,
            F::Prediction,
            F::ParallelToolCalls,
            F::Audio,
            F::WebSearchOptions,
            F::ServiceTier,
            F::SafetyIdentifier,
            F::PromptCacheKey,
            F::PromptCacheRetention,
            F::Store,
            F::ResponseFormat,
        ]))
        .union(FieldSet::of(&[F::Thinking])),
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::EncodingFormat, F::User]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::OverlapBase, Q::EmbedInputList]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/api/v3/embeddings"), ..Paths::NONE },
    hosts: &["ark.cn-beijing.volces.com/api/v3"],
    ..BLANK
};

pub(crate) static VOYAGE: ProviderRow = ProviderRow {
    id: "voyage",
    display_name: "Voyage AI",
    api_base: Some("https://api.voyageai.com/v1"),
    api_key_env: &["VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"],
    tasks: &[Task {
        operation: OperationKind::Rerank,
        format: Format::VoyageRerank,
        path: "/v1/rerank",
        takes: Some(&["top_n", "return_documents", "truncation"]),
        ..Task::BLANK
    }],
    embed_supported: FieldSet::of(&[F::EncodingFormat, F::Dimensions]),
    renames: &[(F::Dimensions, "output_dimension")],
    quirks: Quirks::of(&[Q::OverlapBase]),
    paths: Paths { embeddings: Some("/embeddings"), ..Paths::NONE },
    hosts: &["api.voyageai.com/v1"],
    ..BLANK
};

pub(crate) static WANDB: ProviderRow = ProviderRow {
    id: "wandb",
    display_name: "WandB Inference",
    api_base: Some("https://api.inference.wandb.ai/v1"),
    api_base_env: &["WANDB_API_BASE"],
    api_key_env: &["WANDB_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    stream_usage: true,
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    paths: Paths {
        chat: Some("/chat/completions"),
        completions: Some("/completions"),
        embeddings: Some("/embeddings"),
        ..Paths::NONE
    },
    hosts: &["api.inference.wandb.ai/v1"],
    ..BLANK
};

pub(crate) static WATSONX: ProviderRow = ProviderRow {
    id: "watsonx",
    display_name: "IBM - Watsonx.ai",
    api_base_env: &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"],
    api_key_env: &["WATSONX_APIKEY", "WATSONX_API_KEY", "WX_API_KEY"],
    auth: Auth::Computed("ibm_iam"),
    embed_format: Format::WatsonxEmbed,
    tasks: &[
        Task {
            operation: OperationKind::Rerank,
            format: Format::WatsonxRerank,
            path: "/ml/v1/text/rerank",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::PlainAudio,
            path: "/ml/v1/audio/transcriptions",
            ..Task::BLANK
        },
    ],
    supported: FieldSet::of(&[
        F::Temperature,
        F::MaxTokens,
        F::TopP,
        F::FrequencyPenalty,
        F::Stop,
        F::Seed,
        F::Stream,
        F::Tools,
        F::ToolChoice,
        F::Logprobs,
        F::TopLogprobs,
        F::N,
        F::PresencePenalty,
        F::ResponseFormat,
        F::ReasoningEffort,
    ]),
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::ErrorTypeByStatus,
        Q::StripAdditionalProperties,
        Q::KeepCacheControl,
        Q::UnprocessableIsBad,
        Q::ExplicitStreamAbroad,
    ]),
    paths: Paths { chat: Some("/ml/v1/text/chat"), embeddings: Some("/ml/v1/text/embeddings"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static WATSONX_TEXT: ProviderRow = ProviderRow {
    id: "watsonx_text",
    display_name: "Watsonx Text",
    api_base_env: &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"],
    api_key_env: &["WATSONX_APIKEY", "WATSONX_API_KEY", "WX_API_KEY"],
    auth: Auth::Computed("ibm_iam"),
    format: RowFormat::Own,
    chat_format: Format::WatsonxText,
    supported: FieldSet::of(&[F::Temperature, F::MaxTokens, F::TopP, F::FrequencyPenalty, F::Stop, F::Seed, F::Stream]),
    paths: Paths { chat: Some("/ml/v1/text/generation"), ..Paths::NONE },
    ..BLANK
};

pub(crate) static XAI: ProviderRow = ProviderRow {
    id: "xai",
    display_name: "xAI",
    api_base: Some("https://api.x.ai/v1"),
    api_base_env: &["XAI_API_BASE"],
    api_key_env: &["XAI_API_KEY"],
    tasks: &[
        Task { operation: OperationKind::Transcribe, format: Format::PlainAudio, path: "/stt", ..Task::BLANK },
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS
        .minus(FieldSet::of(&[
            F::FrequencyPenalty,
            F::Modalities,
            F::Prediction,
            F::Stop,
            F::FunctionCall,
            F::Functions,
            F::MaxRetries,
            F::ExtraHeaders,
            F::Audio,
            F::ServiceTier,
            F::SafetyIdentifier,
            F::PromptCacheKey,
            F::PromptCacheRetention,
            F::Store,
        ]))
        .union(FieldSet::of(&[F::User])),
    supported_if: &[
        (Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])),
        (
            Cap::Unlike(&["grok-4", "grok-3-mini", "grok-code-fast"]),
            FieldSet::of(&[F::Stop, F::FrequencyPenalty, F::PresencePenalty]),
        ),
    ],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[
        Q::ExplicitStream,
        Q::StripStrict,
        Q::ReasoningTokensApart,
        Q::ErrorTypeByStatus,
        Q::StreamErrorByCode,
        Q::NamesOfUsersOnly,
        Q::SearchAsResponses,
    ]),
    paths: Paths { chat: Some("/chat/completions"), responses: Some("/responses"), ..Paths::NONE },
    hosts: &["api.x.ai/v1"],
    ..BLANK
};

pub(crate) static XIAOMI_MIMO: ProviderRow = ProviderRow {
    id: "xiaomi_mimo",
    display_name: "Xiaomi Mimo",
    api_base: Some("https://api.xiaomimimo.com/v1"),
    api_key_env: &["XIAOMI_MIMO_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.minus(TOOLS_PARAMS),
    supported_if: &[(Cap::Reasoning, FieldSet::of(&[F::ReasoningEffort])), (Cap::Tools, TOOLS_PARAMS)],
    stream_usage: true,
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::ErrorTypeByStatus]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.xiaomimimo.com/v1"],
    ..BLANK
};

pub(crate) static XINFERENCE: ProviderRow = ProviderRow {
    id: "xinference",
    display_name: "Xinference",
    api_base: Some("http://127.0.0.1:9997/v1"),
    api_base_env: &["XINFERENCE_API_BASE"],
    api_key_env: &["XINFERENCE_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: OPENAI_PARAMS.union(FieldSet::of(&[F::ReasoningEffort])),
    embed_supported: FieldSet::of(&[F::User, F::Dimensions, F::EncodingFormat, F::InputType]),
    renames: &[(F::MaxCompletionTokens, "max_tokens")],
    quirks: Quirks::of(&[Q::KeepCacheControl, Q::KeepDeveloper, Q::ToolImagesStay, Q::DropEffort]),
    paths: Paths { chat: Some("/chat/completions"), embeddings: Some("/embeddings"), ..Paths::NONE },
    clean_reply: true,
    ..BLANK
};

pub(crate) static YOU_COM: ProviderRow = ProviderRow {
    id: "you_com",
    display_name: "you_com",
    api_base: Some("https://ydc-index.io"),
    api_base_env: &["YOUCOM_API_BASE"],
    api_key_env: &["YOUCOM_API_KEY"],
    auth: Auth::Header { name: "x-api-key", value: "{key}" },
    tasks: &[Task { operation: OperationKind::Search, format: Format::YouSearch, path: "/v1/search", ..Task::BLANK }],
    ..BLANK
};

pub(crate) static ZAI: ProviderRow = ProviderRow {
    id: "zai",
    display_name: "Z.AI (Zhipu AI)",
    api_base: Some("https://api.z.ai/api/paas/v4"),
    api_base_env: &["ZAI_API_BASE"],
    api_key_env: &["ZAI_API_KEY"],
    tasks: &[
        Task {
            operation: OperationKind::Image,
            format: Format::OpenAiImages,
            path: "/images/generations",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Transcribe,
            format: Format::OpenAiAudio,
            path: "/audio/transcriptions",
            ..Task::BLANK
        },
        Task {
            operation: OperationKind::Translate,
            format: Format::OpenAiAudio,
            path: "/audio/translations",
            ..Task::BLANK
        },
        Task { operation: OperationKind::Speech, format: Format::OpenAiAudio, path: "/audio/speech", ..Task::BLANK },
    ],
    supported: FieldSet::of(&[
        F::MaxTokens,
        F::Stream,
        F::StreamOptions,
        F::Temperature,
        F::TopP,
        F::Stop,
        F::Tools,
        F::ToolChoice,
        F::Thinking,
    ]),
    stream_usage: true,
    quirks: Quirks::of(&[Q::KeepCacheControl]),
    paths: Paths { chat: Some("/chat/completions"), ..Paths::NONE },
    hosts: &["api.z.ai/api/paas/v4"],
    ..BLANK
};

/// The providers, sorted by id.
pub(crate) static TABLE: &[(&str, &dyn Provider)] = &[
    ("a2a", &Compatible(&A2A)),
    ("a2a_agent", &Compatible(&A2A_AGENT)),
    ("abliteration", &Compatible(&ABLITERATION)),
    ("agentcore", &crate::agentcore::Agentcore),
    ("ai21", &Compatible(&AI21)),
    ("ai21_chat", &Compatible(&AI21_CHAT)),
    ("aihubmix", &Compatible(&AIHUBMIX)),
    ("aiml", &Compatible(&AIML)),
    ("aiohttp_openai", &Compatible(&AIOHTTP_OPENAI)),
    ("aleph_alpha", &Compatible(&ALEPH_ALPHA)),
    ("amazon_nova", &Compatible(&AMAZON_NOVA)),
    ("anthropic", &crate::anthropic::Anthropic),
    ("anthropic_text", &Compatible(&ANTHROPIC_TEXT)),
    ("anyscale", &Compatible(&ANYSCALE)),
    ("apertis", &Compatible(&APERTIS)),
    ("apiserpent", &Compatible(&APISERPENT)),
    ("assemblyai", &Compatible(&ASSEMBLYAI)),
    ("auto_router", &Compatible(&AUTO_ROUTER)),
    ("aws_polly", &crate::aws_polly::AwsPolly),
    ("aws_textract", &crate::aws_textract::AwsTextract),
    ("azure", &crate::azure::Azure),
    ("azure_ai", &crate::azure_ai::AzureAi),
    ("azure_speech", &crate::azure_speech::AzureSpeech),
    ("azure_text", &crate::azure::AzureText),
    ("baseten", &Compatible(&BASETEN)),
    ("bedrock", &crate::bedrock::Bedrock),
    ("bedrock_mantle", &Compatible(&BEDROCK_MANTLE)),
    ("bing_grounding", &crate::bing_grounding::BingGrounding),
    ("black_forest_labs", &Compatible(&BLACK_FOREST_LABS)),
    ("brave", &Compatible(&BRAVE)),
    ("bytez", &Compatible(&BYTEZ)),
    ("cerebras", &Compatible(&CEREBRAS)),
    ("charity_engine", &Compatible(&CHARITY_ENGINE)),
    ("chatgpt", &crate::chatgpt::Chatgpt),
    ("chutes", &Compatible(&CHUTES)),
    ("clarifai", &Compatible(&CLARIFAI)),
    ("cloudflare", &Compatible(&CLOUDFLARE)),
    ("codestral", &Compatible(&CODESTRAL)),
    ("cognition", &Compatible(&COGNITION)),
    ("cohere", &crate::cohere::Cohere),
    ("cohere_chat", &crate::cohere::CohereChat),
    ("cometapi", &Compatible(&COMETAPI)),
    ("compactifai", &Compatible(&COMPACTIFAI)),
    ("crusoe", &Compatible(&CRUSOE)),
    ("cursor", &Compatible(&CURSOR)),
    ("custom", &Compatible(&CUSTOM)),
    ("custom_openai", &Compatible(&CUSTOM_OPENAI)),
    ("darkbloom", &Compatible(&DARKBLOOM)),
    ("dashscope", &Compatible(&DASHSCOPE)),
    ("databricks", &crate::databricks::Databricks),
    ("dataforseo", &crate::dataforseo::Dataforseo),
    ("datarobot", &Compatible(&DATAROBOT)),
    ("deepgram", &Compatible(&DEEPGRAM)),
    ("deepinfra", &Compatible(&DEEPINFRA)),
    ("deepseek", &Compatible(&DEEPSEEK)),
    ("docker_model_runner", &Compatible(&DOCKER_MODEL_RUNNER)),
    ("dotprompt", &Compatible(&DOTPROMPT)),
    ("duckduckgo", &Compatible(&DUCKDUCKGO)),
    ("edenai", &Compatible(&EDENAI)),
    ("elevenlabs", &Compatible(&ELEVENLABS)),
    ("empiriolabs", &Compatible(&EMPIRIOLABS)),
    ("empower", &Compatible(&EMPOWER)),
    ("exa_ai", &Compatible(&EXA_AI)),
    ("fal_ai", &Compatible(&FAL_AI)),
    ("fastcrw", &Compatible(&FASTCRW)),
    ("featherless_ai", &Compatible(&FEATHERLESS_AI)),
    ("firecrawl", &Compatible(&FIRECRAWL)),
    ("fireworks_ai", &Compatible(&FIREWORKS_AI)),
    ("friendliai", &Compatible(&FRIENDLIAI)),
    ("galadriel", &Compatible(&GALADRIEL)),
    ("gdc", &crate::gdc::Gdc),
    ("gemini", &crate::gemini::Gemini),
    ("gigachat", &crate::gigachat::Gigachat),
    ("github", &Compatible(&GITHUB)),
    ("github_copilot", &crate::github_copilot::GithubCopilot),
    ("gmi", &Compatible(&GMI)),
    ("google_pse", &Compatible(&GOOGLE_PSE)),
    ("gradient_ai", &Compatible(&GRADIENT_AI)),
    ("groq", &Compatible(&GROQ)),
    ("helicone", &Compatible(&HELICONE)),
    ("heroku", &Compatible(&HEROKU)),
    ("hosted_vllm", &Compatible(&HOSTED_VLLM)),
    ("huggingface", &crate::huggingface::Huggingface),
    ("humanloop", &Compatible(&HUMANLOOP)),
    ("hyperbolic", &Compatible(&HYPERBOLIC)),
    ("inception", &Compatible(&INCEPTION)),
    ("infinity", &Compatible(&INFINITY)),
    ("jina_ai", &crate::jina_ai::JinaAi),
    ("lambda_ai", &Compatible(&LAMBDA_AI)),
    ("langflow", &Compatible(&LANGFLOW)),
    ("langfuse", &Compatible(&LANGFUSE)),
    ("langgraph", &crate::langgraph::Langgraph),
    ("lemonade", &Compatible(&LEMONADE)),
    ("libertai", &Compatible(&LIBERTAI)),
    ("linkup", &Compatible(&LINKUP)),
    ("litellm_agent", &Compatible(&LITELLM_AGENT)),
    ("litellm_proxy", &Compatible(&LITELLM_PROXY)),
    ("llamafile", &Compatible(&LLAMAFILE)),
    ("llamagate", &Compatible(&LLAMAGATE)),
    ("lm_studio", &Compatible(&LM_STUDIO)),
    ("manus", &crate::manus::Manus),
    ("maritalk", &Compatible(&MARITALK)),
    ("meta", &Compatible(&META)),
    ("meta_llama", &Compatible(&META_LLAMA)),
    ("milvus", &crate::milvus::Milvus),
    ("minimax", &Compatible(&MINIMAX)),
    ("mistral", &Compatible(&MISTRAL)),
    ("modelscope", &Compatible(&MODELSCOPE)),
    ("mongodb", &Compatible(&MONGODB)),
    ("moonshot", &Compatible(&MOONSHOT)),
    ("morph", &Compatible(&MORPH)),
    ("nadir", &Compatible(&NADIR)),
    ("nano-gpt", &Compatible(&NANO_GPT)),
    ("nebius", &Compatible(&NEBIUS)),
    ("neosantara", &Compatible(&NEOSANTARA)),
    ("nimble", &Compatible(&NIMBLE)),
    ("nlp_cloud", &Compatible(&NLP_CLOUD)),
    ("novita", &Compatible(&NOVITA)),
    ("nscale", &Compatible(&NSCALE)),
    ("nvidia_nim", &crate::nvidia_nim::NvidiaNim),
    ("nvidia_riva", &Compatible(&NVIDIA_RIVA)),
    ("oci", &crate::oci::Oci),
    ("ollama", &crate::ollama::Ollama),
    ("ollama_chat", &crate::ollama::OllamaChat),
    ("oobabooga", &Compatible(&OOBABOOGA)),
    ("openai", &Compatible(&OPENAI)),
    ("openai_like", &Compatible(&OPENAI_LIKE)),
    ("openrouter", &Compatible(&OPENROUTER)),
    ("ovhcloud", &Compatible(&OVHCLOUD)),
    ("parallel_ai", &Compatible(&PARALLEL_AI)),
    ("parasail", &Compatible(&PARASAIL)),
    ("perplexity", &Compatible(&PERPLEXITY)),
    ("petals", &Compatible(&PETALS)),
    ("pg_vector", &Compatible(&PG_VECTOR)),
    ("pinstripes", &Compatible(&PINSTRIPES)),
    ("poe", &Compatible(&POE)),
    ("predibase", &crate::predibase::Predibase),
    ("publicai", &Compatible(&PUBLICAI)),
    ("qwen_ai_platform", &Compatible(&QWEN_AI_PLATFORM)),
    ("qwencloud", &Compatible(&QWENCLOUD)),
    ("ragflow", &crate::ragflow::Ragflow),
    ("recraft", &Compatible(&RECRAFT)),
    ("reducto", &Compatible(&REDUCTO)),
    ("replicate", &crate::replicate::Replicate),
    ("runwayml", &Compatible(&RUNWAYML)),
    ("s3_vectors", &crate::s3_vectors::S3Vectors),
    ("sagemaker", &crate::sagemaker::Sagemaker),
    ("sagemaker_chat", &crate::sagemaker::SagemakerChat),
    ("sagemaker_nova", &crate::sagemaker::SagemakerNova),
    ("sambanova", &Compatible(&SAMBANOVA)),
    ("sap", &crate::sap::Sap),
    ("sarvam", &Compatible(&SARVAM)),
    ("scaleway", &Compatible(&SCALEWAY)),
    ("scx-ai", &Compatible(&SCX_AI)),
    ("searchapi", &Compatible(&SEARCHAPI)),
    ("searxng", &Compatible(&SEARXNG)),
    ("serper", &Compatible(&SERPER)),
    ("snowflake", &crate::snowflake::Snowflake),
    ("soniox", &Compatible(&SONIOX)),
    ("stability", &Compatible(&STABILITY)),
    ("strands_decider", &Compatible(&STRANDS_DECIDER)),
    ("synthetic", &Compatible(&SYNTHETIC)),
    ("tavily", &Compatible(&TAVILY)),
    ("tencent", &Compatible(&TENCENT)),
    ("tensormesh", &Compatible(&TENSORMESH)),
    ("text-completion-codestral", &Compatible(&TEXT_COMPLETION_CODESTRAL)),
    ("text-completion-inception", &Compatible(&TEXT_COMPLETION_INCEPTION)),
    ("text-completion-openai", &Compatible(&TEXT_COMPLETION_OPENAI)),
    ("tinyfish", &Compatible(&TINYFISH)),
    ("together_ai", &Compatible(&TOGETHER_AI)),
    ("topaz", &Compatible(&TOPAZ)),
    ("transcribe", &Compatible(&TRANSCRIBE)),
    ("triton", &crate::triton::Triton),
    ("typesafe", &Compatible(&TYPESAFE)),
    ("v0", &Compatible(&V0)),
    ("valkey", &Compatible(&VALKEY)),
    ("veniceai", &Compatible(&VENICEAI)),
    ("vercel_ai_gateway", &Compatible(&VERCEL_AI_GATEWAY)),
    ("vertex_ai", &crate::vertex_ai::VertexAi),
    ("vertex_ai_beta", &crate::vertex_ai::VertexAiBeta),
    ("vllm", &Compatible(&VLLM)),
    ("volcengine", &Compatible(&VOLCENGINE)),
    ("voyage", &crate::voyage::Voyage),
    ("wandb", &Compatible(&WANDB)),
    ("watsonx", &crate::watsonx::Watsonx),
    ("watsonx_text", &crate::watsonx::WatsonxText),
    ("xai", &Compatible(&XAI)),
    ("xiaomi_mimo", &Compatible(&XIAOMI_MIMO)),
    ("xinference", &Compatible(&XINFERENCE)),
    ("you_com", &Compatible(&YOU_COM)),
    ("zai", &Compatible(&ZAI)),
];

/// Other prefixes, sorted, with the ids that they mean.
pub(crate) static PREFIXES: &[(&str, &str)] = &[];
