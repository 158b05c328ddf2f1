//! Made by `cargo xtask codegen` from data/models.jsonl. Do not edit.

/// A fact on a model, under LiteLLM's name without threshold and column suffix. Names with a colon are flattened from
/// nested facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Field {
    /// `annotation_cost_per_page`
    AnnotationCostPerPage,
    /// `audio_transcription_config`
    AudioTranscriptionConfig,
    /// `bedrock_converse_supports_strict_tools`
    BedrockConverseSupportsStrictTools,
    /// `bedrock_output_config_effort_ceiling`
    BedrockOutputConfigEffortCeiling,
    /// `cache_creation_input_audio_token_cost`
    CacheCreationInputAudioTokenCost,
    /// `cache_creation_input_token_cost`
    CacheCreationInputTokenCost,
    /// `cache_creation_input_token_cost_above_1hr`
    CacheCreationInputTokenCostAbove1hr,
    /// `cache_read_input_audio_token_cost`
    CacheReadInputAudioTokenCost,
    /// `cache_read_input_image_token_cost`
    CacheReadInputImageTokenCost,
    /// `cache_read_input_token_cost`
    CacheReadInputTokenCost,
    /// `citation_cost_per_token`
    CitationCostPerToken,
    /// `code_interpreter_cost_per_session`
    CodeInterpreterCostPerSession,
    /// `comment`
    Comment,
    /// `computer_use_input_cost_per_1k_tokens`
    ComputerUseInputCostPer1kTokens,
    /// `computer_use_output_cost_per_1k_tokens`
    ComputerUseOutputCostPer1kTokens,
    /// `default_reasoning_effort`
    DefaultReasoningEffort,
    /// `deprecation_date`
    DeprecationDate,
    /// `file_search_cost_per_1k_calls`
    FileSearchCostPer1kCalls,
    /// `file_search_cost_per_gb_per_day`
    FileSearchCostPerGbPerDay,
    /// `gemini_audio_only_live`
    GeminiAudioOnlyLive,
    /// `gemini_native_audio`
    GeminiNativeAudio,
    /// `geo:eu`
    GeoEu,
    /// `geo:us`
    GeoUs,
    /// `google_maps_grounding_cost_per_query`
    GoogleMapsGroundingCostPerQuery,
    /// `guardrail_cost_per_unit`
    GuardrailCostPerUnit,
    /// `input_cost_per_audio_per_second`
    InputCostPerAudioPerSecond,
    /// `input_cost_per_audio_token`
    InputCostPerAudioToken,
    /// `input_cost_per_character`
    InputCostPerCharacter,
    /// `input_cost_per_image`
    InputCostPerImage,
    /// `input_cost_per_image_token`
    InputCostPerImageToken,
    /// `input_cost_per_pixel`
    InputCostPerPixel,
    /// `input_cost_per_query`
    InputCostPerQuery,
    /// `input_cost_per_request`
    InputCostPerRequest,
    /// `input_cost_per_second`
    InputCostPerSecond,
    /// `input_cost_per_token`
    InputCostPerToken,
    /// `input_cost_per_token_cache_hit`
    InputCostPerTokenCacheHit,
    /// `input_cost_per_video_per_second`
    InputCostPerVideoPerSecond,
    /// `input_cost_per_video_per_second_above_15s_interval`
    InputCostPerVideoPerSecondAbove15sInterval,
    /// `input_cost_per_video_per_second_above_8s_interval`
    InputCostPerVideoPerSecondAbove8sInterval,
    /// `input_cost_per_video_token`
    InputCostPerVideoToken,
    /// `input_dbu_cost_per_token`
    InputDbuCostPerToken,
    /// `litellm_provider`
    LitellmProvider,
    /// `max_input_tokens`
    MaxInputTokens,
    /// `max_output_tokens`
    MaxOutputTokens,
    /// `max_tokens`
    MaxTokens,
    /// `metadata`
    Metadata,
    /// `mode`
    Mode,
    /// `ocr_cost_per_credit`
    OcrCostPerCredit,
    /// `ocr_cost_per_page`
    OcrCostPerPage,
    /// `off_peak:cache_creation_input_token_cost`
    OffPeakCacheCreationInputTokenCost,
    /// `off_peak:cache_read_input_token_cost`
    OffPeakCacheReadInputTokenCost,
    /// `off_peak:input_cost_per_token`
    OffPeakInputCostPerToken,
    /// `off_peak:output_cost_per_reasoning_token`
    OffPeakOutputCostPerReasoningToken,
    /// `off_peak:output_cost_per_token`
    OffPeakOutputCostPerToken,
    /// `off_peak:windows`
    OffPeakWindows,
    /// `off_peak_pricing`
    OffPeakPricing,
    /// `output_cost_per_audio_token`
    OutputCostPerAudioToken,
    /// `output_cost_per_character`
    OutputCostPerCharacter,
    /// `output_cost_per_image`
    OutputCostPerImage,
    /// `output_cost_per_image_0.5K`
    OutputCostPerImage05K,
    /// `output_cost_per_image_1024`
    OutputCostPerImage1024,
    /// `output_cost_per_image_1536`
    OutputCostPerImage1536,
    /// `output_cost_per_image_1K`
    OutputCostPerImage1K,
    /// `output_cost_per_image_2K`
    OutputCostPerImage2K,
    /// `output_cost_per_image_4K`
    OutputCostPerImage4K,
    /// `output_cost_per_image_512`
    OutputCostPerImage512,
    /// `output_cost_per_image_token`
    OutputCostPerImageToken,
    /// `output_cost_per_pixel`
    OutputCostPerPixel,
    /// `output_cost_per_reasoning_token`
    OutputCostPerReasoningToken,
    /// `output_cost_per_second`
    OutputCostPerSecond,
    /// `output_cost_per_second_1080p`
    OutputCostPerSecond1080p,
    /// `output_cost_per_second_2k`
    OutputCostPerSecond2k,
    /// `output_cost_per_second_480p`
    OutputCostPerSecond480p,
    /// `output_cost_per_second_4k`
    OutputCostPerSecond4k,
    /// `output_cost_per_second_720p`
    OutputCostPerSecond720p,
    /// `output_cost_per_second_768p`
    OutputCostPerSecond768p,
    /// `output_cost_per_token`
    OutputCostPerToken,
    /// `output_cost_per_video_per_second`
    OutputCostPerVideoPerSecond,
    /// `output_cost_per_video_token`
    OutputCostPerVideoToken,
    /// `output_dbu_cost_per_token`
    OutputDbuCostPerToken,
    /// `output_vector_size`
    OutputVectorSize,
    /// `prompt_cache_min_tokens`
    PromptCacheMinTokens,
    /// `provider_specific_entry`
    ProviderSpecificEntry,
    /// `reasoning_effort_levels`
    ReasoningEffortLevels,
    /// `regional_endpoint_uplift_multiplier`
    RegionalEndpointUpliftMultiplier,
    /// `regional_processing_uplift_multiplier_eu`
    RegionalProcessingUpliftMultiplierEu,
    /// `regional_processing_uplift_multiplier_us`
    RegionalProcessingUpliftMultiplierUs,
    /// `results:input_cost_per_query`
    ResultsInputCostPerQuery,
    /// `rpm`
    Rpm,
    /// `search_context:high`
    SearchContextHigh,
    /// `search_context:low`
    SearchContextLow,
    /// `search_context:medium`
    SearchContextMedium,
    /// `search_context_cost_per_query`
    SearchContextCostPerQuery,
    /// `source`
    Source,
    /// `speed:fast`
    SpeedFast,
    /// `supported_audio_formats`
    SupportedAudioFormats,
    /// `supported_endpoints`
    SupportedEndpoints,
    /// `supported_modalities`
    SupportedModalities,
    /// `supported_output_modalities`
    SupportedOutputModalities,
    /// `supported_regions`
    SupportedRegions,
    /// `supports_adaptive_thinking`
    SupportsAdaptiveThinking,
    /// `supports_anthropic_compaction`
    SupportsAnthropicCompaction,
    /// `supports_anthropic_thinking_payload`
    SupportsAnthropicThinkingPayload,
    /// `supports_assistant_prefill`
    SupportsAssistantPrefill,
    /// `supports_audio_input`
    SupportsAudioInput,
    /// `supports_audio_output`
    SupportsAudioOutput,
    /// `supports_computer_use`
    SupportsComputerUse,
    /// `supports_embedding_image_input`
    SupportsEmbeddingImageInput,
    /// `supports_fast_mode`
    SupportsFastMode,
    /// `supports_forced_tool_use`
    SupportsForcedToolUse,
    /// `supports_function_calling`
    SupportsFunctionCalling,
    /// `supports_image_input`
    SupportsImageInput,
    /// `supports_image_size`
    SupportsImageSize,
    /// `supports_legacy_thinking`
    SupportsLegacyThinking,
    /// `supports_low_reasoning_effort`
    SupportsLowReasoningEffort,
    /// `supports_max_reasoning_effort`
    SupportsMaxReasoningEffort,
    /// `supports_mid_conversation_system`
    SupportsMidConversationSystem,
    /// `supports_minimal_reasoning_effort`
    SupportsMinimalReasoningEffort,
    /// `supports_multimodal`
    SupportsMultimodal,
    /// `supports_native_streaming`
    SupportsNativeStreaming,
    /// `supports_native_structured_output`
    SupportsNativeStructuredOutput,
    /// `supports_none_reasoning_effort`
    SupportsNoneReasoningEffort,
    /// `supports_nova_canvas_image_edit`
    SupportsNovaCanvasImageEdit,
    /// `supports_output_config`
    SupportsOutputConfig,
    /// `supports_parallel_function_calling`
    SupportsParallelFunctionCalling,
    /// `supports_parallel_tool_use_config`
    SupportsParallelToolUseConfig,
    /// `supports_pdf_input`
    SupportsPdfInput,
    /// `supports_prompt_cache_breakpoint`
    SupportsPromptCacheBreakpoint,
    /// `supports_prompt_caching`
    SupportsPromptCaching,
    /// `supports_reasoning`
    SupportsReasoning,
    /// `supports_response_schema`
    SupportsResponseSchema,
    /// `supports_sampling_params`
    SupportsSamplingParams,
    /// `supports_speed`
    SupportsSpeed,
    /// `supports_system_messages`
    SupportsSystemMessages,
    /// `supports_thinking_cache_preservation`
    SupportsThinkingCachePreservation,
    /// `supports_tool_choice`
    SupportsToolChoice,
    /// `supports_tool_search`
    SupportsToolSearch,
    /// `supports_url_context`
    SupportsUrlContext,
    /// `supports_video_input`
    SupportsVideoInput,
    /// `supports_vision`
    SupportsVision,
    /// `supports_web_search`
    SupportsWebSearch,
    /// `supports_xhigh_reasoning_effort`
    SupportsXhighReasoningEffort,
    /// `thinking_always_on`
    ThinkingAlwaysOn,
    /// `tier:cache_creation_input_token_cost`
    TierCacheCreationInputTokenCost,
    /// `tier:cache_creation_input_token_cost_above_1hr`
    TierCacheCreationInputTokenCostAbove1hr,
    /// `tier:cache_read_input_token_cost`
    TierCacheReadInputTokenCost,
    /// `tier:input_cost_per_token`
    TierInputCostPerToken,
    /// `tier:output_cost_per_reasoning_token`
    TierOutputCostPerReasoningToken,
    /// `tier:output_cost_per_token`
    TierOutputCostPerToken,
    /// `tiered_pricing`
    TieredPricing,
    /// `token_count_framing`
    TokenCountFraming,
    /// `token_count_tokenizer`
    TokenCountTokenizer,
    /// `tpm`
    Tpm,
    /// `use_openai_responses_path`
    UseOpenaiResponsesPath,
    /// `uses_embed_content`
    UsesEmbedContent,
    /// `vector_store_cost_per_gb_per_day`
    VectorStoreCostPerGbPerDay,
    /// `vertex_ai_audio_api`
    VertexAiAudioApi,
    /// `web_search_billing_unit`
    WebSearchBillingUnit,
}

impl Field {
    /// Every field, by number.
    pub const ALL: &[Self] = &[
        Self::AnnotationCostPerPage,
        Self::AudioTranscriptionConfig,
        Self::BedrockConverseSupportsStrictTools,
        Self::BedrockOutputConfigEffortCeiling,
        Self::CacheCreationInputAudioTokenCost,
        Self::CacheCreationInputTokenCost,
        Self::CacheCreationInputTokenCostAbove1hr,
        Self::CacheReadInputAudioTokenCost,
        Self::CacheReadInputImageTokenCost,
        Self::CacheReadInputTokenCost,
        Self::CitationCostPerToken,
        Self::CodeInterpreterCostPerSession,
        Self::Comment,
        Self::ComputerUseInputCostPer1kTokens,
        Self::ComputerUseOutputCostPer1kTokens,
        Self::DefaultReasoningEffort,
        Self::DeprecationDate,
        Self::FileSearchCostPer1kCalls,
        Self::FileSearchCostPerGbPerDay,
        Self::GeminiAudioOnlyLive,
        Self::GeminiNativeAudio,
        Self::GeoEu,
        Self::GeoUs,
        Self::GoogleMapsGroundingCostPerQuery,
        Self::GuardrailCostPerUnit,
        Self::InputCostPerAudioPerSecond,
        Self::InputCostPerAudioToken,
        Self::InputCostPerCharacter,
        Self::InputCostPerImage,
        Self::InputCostPerImageToken,
        Self::InputCostPerPixel,
        Self::InputCostPerQuery,
        Self::InputCostPerRequest,
        Self::InputCostPerSecond,
        Self::InputCostPerToken,
        Self::InputCostPerTokenCacheHit,
        Self::InputCostPerVideoPerSecond,
        Self::InputCostPerVideoPerSecondAbove15sInterval,
        Self::InputCostPerVideoPerSecondAbove8sInterval,
        Self::InputCostPerVideoToken,
        Self::InputDbuCostPerToken,
        Self::LitellmProvider,
        Self::MaxInputTokens,
        Self::MaxOutputTokens,
        Self::MaxTokens,
        Self::Metadata,
        Self::Mode,
        Self::OcrCostPerCredit,
        Self::OcrCostPerPage,
        Self::OffPeakCacheCreationInputTokenCost,
        Self::OffPeakCacheReadInputTokenCost,
        Self::OffPeakInputCostPerToken,
        Self::OffPeakOutputCostPerReasoningToken,
        Self::OffPeakOutputCostPerToken,
        Self::OffPeakWindows,
        Self::OffPeakPricing,
        Self::OutputCostPerAudioToken,
        Self::OutputCostPerCharacter,
        Self::OutputCostPerImage,
        Self::OutputCostPerImage05K,
        Self::OutputCostPerImage1024,
        Self::OutputCostPerImage1536,
        Self::OutputCostPerImage1K,
        Self::OutputCostPerImage2K,
        Self::OutputCostPerImage4K,
        Self::OutputCostPerImage512,
        Self::OutputCostPerImageToken,
        Self::OutputCostPerPixel,
        Self::OutputCostPerReasoningToken,
        Self::OutputCostPerSecond,
        Self::OutputCostPerSecond1080p,
        Self::OutputCostPerSecond2k,
        Self::OutputCostPerSecond480p,
        Self::OutputCostPerSecond4k,
        Self::OutputCostPerSecond720p,
        Self::OutputCostPerSecond768p,
        Self::OutputCostPerToken,
        Self::OutputCostPerVideoPerSecond,
        Self::OutputCostPerVideoToken,
        Self::OutputDbuCostPerToken,
        Self::OutputVectorSize,
        Self::PromptCacheMinTokens,
        Self::ProviderSpecificEntry,
        Self::ReasoningEffortLevels,
        Self::RegionalEndpointUpliftMultiplier,
        Self::RegionalProcessingUpliftMultiplierEu,
        Self::RegionalProcessingUpliftMultiplierUs,
        Self::ResultsInputCostPerQuery,
        Self::Rpm,
        Self::SearchContextHigh,
        Self::SearchContextLow,
        Self::SearchContextMedium,
        Self::SearchContextCostPerQuery,
        Self::Source,
        Self::SpeedFast,
        Self::SupportedAudioFormats,
        Self::SupportedEndpoints,
        Self::SupportedModalities,
        Self::SupportedOutputModalities,
        Self::SupportedRegions,
        Self::SupportsAdaptiveThinking,
        Self::SupportsAnthropicCompaction,
        Self::SupportsAnthropicThinkingPayload,
        Self::SupportsAssistantPrefill,
        Self::SupportsAudioInput,
        Self::SupportsAudioOutput,
        Self::SupportsComputerUse,
        Self::SupportsEmbeddingImageInput,
        Self::SupportsFastMode,
        Self::SupportsForcedToolUse,
        Self::SupportsFunctionCalling,
        Self::SupportsImageInput,
        Self::SupportsImageSize,
        Self::SupportsLegacyThinking,
        Self::SupportsLowReasoningEffort,
        Self::SupportsMaxReasoningEffort,
        Self::SupportsMidConversationSystem,
        Self::SupportsMinimalReasoningEffort,
        Self::SupportsMultimodal,
        Self::SupportsNativeStreaming,
        Self::SupportsNativeStructuredOutput,
        Self::SupportsNoneReasoningEffort,
        Self::SupportsNovaCanvasImageEdit,
        Self::SupportsOutputConfig,
        Self::SupportsParallelFunctionCalling,
        Self::SupportsParallelToolUseConfig,
        Self::SupportsPdfInput,
        Self::SupportsPromptCacheBreakpoint,
        Self::SupportsPromptCaching,
        Self::SupportsReasoning,
        Self::SupportsResponseSchema,
        Self::SupportsSamplingParams,
        Self::SupportsSpeed,
        Self::SupportsSystemMessages,
        Self::SupportsThinkingCachePreservation,
        Self::SupportsToolChoice,
        Self::SupportsToolSearch,
        Self::SupportsUrlContext,
        Self::SupportsVideoInput,
        Self::SupportsVision,
        Self::SupportsWebSearch,
        Self::SupportsXhighReasoningEffort,
        Self::ThinkingAlwaysOn,
        Self::TierCacheCreationInputTokenCost,
        Self::TierCacheCreationInputTokenCostAbove1hr,
        Self::TierCacheReadInputTokenCost,
        Self::TierInputCostPerToken,
        Self::TierOutputCostPerReasoningToken,
        Self::TierOutputCostPerToken,
        Self::TieredPricing,
        Self::TokenCountFraming,
        Self::TokenCountTokenizer,
        Self::Tpm,
        Self::UseOpenaiResponsesPath,
        Self::UsesEmbedContent,
        Self::VectorStoreCostPerGbPerDay,
        Self::VertexAiAudioApi,
        Self::WebSearchBillingUnit,
    ];
    /// Every field's name, by number: sorted.
    pub const NAMES: &[&str] = &[
        "annotation_cost_per_page",
        "audio_transcription_config",
        "bedrock_converse_supports_strict_tools",
        "bedrock_output_config_effort_ceiling",
        "cache_creation_input_audio_token_cost",
        "cache_creation_input_token_cost",
        "cache_creation_input_token_cost_above_1hr",
        "cache_read_input_audio_token_cost",
        "cache_read_input_image_token_cost",
        "cache_read_input_token_cost",
        "citation_cost_per_token",
        "code_interpreter_cost_per_session",
        "comment",
        "computer_use_input_cost_per_1k_tokens",
        "computer_use_output_cost_per_1k_tokens",
        "default_reasoning_effort",
        "deprecation_date",
        "file_search_cost_per_1k_calls",
        "file_search_cost_per_gb_per_day",
        "gemini_audio_only_live",
        "gemini_native_audio",
        "geo:eu",
        "geo:us",
        "google_maps_grounding_cost_per_query",
        "guardrail_cost_per_unit",
        "input_cost_per_audio_per_second",
        "input_cost_per_audio_token",
        "input_cost_per_character",
        "input_cost_per_image",
        "input_cost_per_image_token",
        "input_cost_per_pixel",
        "input_cost_per_query",
        "input_cost_per_request",
        "input_cost_per_second",
        "input_cost_per_token",
        "input_cost_per_token_cache_hit",
        "input_cost_per_video_per_second",
        "input_cost_per_video_per_second_above_15s_interval",
        "input_cost_per_video_per_second_above_8s_interval",
        "input_cost_per_video_token",
        "input_dbu_cost_per_token",
        "litellm_provider",
        "max_input_tokens",
        "max_output_tokens",
        "max_tokens",
        "metadata",
        "mode",
        "ocr_cost_per_credit",
        "ocr_cost_per_page",
        "off_peak:cache_creation_input_token_cost",
        "off_peak:cache_read_input_token_cost",
        "off_peak:input_cost_per_token",
        "off_peak:output_cost_per_reasoning_token",
        "off_peak:output_cost_per_token",
        "off_peak:windows",
        "off_peak_pricing",
        "output_cost_per_audio_token",
        "output_cost_per_character",
        "output_cost_per_image",
        "output_cost_per_image_0.5K",
        "output_cost_per_image_1024",
        "output_cost_per_image_1536",
        "output_cost_per_image_1K",
        "output_cost_per_image_2K",
        "output_cost_per_image_4K",
        "output_cost_per_image_512",
        "output_cost_per_image_token",
        "output_cost_per_pixel",
        "output_cost_per_reasoning_token",
        "output_cost_per_second",
        "output_cost_per_second_1080p",
        "output_cost_per_second_2k",
        "output_cost_per_second_480p",
        "output_cost_per_second_4k",
        "output_cost_per_second_720p",
        "output_cost_per_second_768p",
        "output_cost_per_token",
        "output_cost_per_video_per_second",
        "output_cost_per_video_token",
        "output_dbu_cost_per_token",
        "output_vector_size",
        "prompt_cache_min_tokens",
        "provider_specific_entry",
        "reasoning_effort_levels",
        "regional_endpoint_uplift_multiplier",
        "regional_processing_uplift_multiplier_eu",
        "regional_processing_uplift_multiplier_us",
        "results:input_cost_per_query",
        "rpm",
        "search_context:high",
        "search_context:low",
        "search_context:medium",
        "search_context_cost_per_query",
        "source",
        "speed:fast",
        "supported_audio_formats",
        "supported_endpoints",
        "supported_modalities",
        "supported_output_modalities",
        "supported_regions",
        "supports_adaptive_thinking",
        "supports_anthropic_compaction",
        "supports_anthropic_thinking_payload",
        "supports_assistant_prefill",
        "supports_audio_input",
        "supports_audio_output",
        "supports_computer_use",
        "supports_embedding_image_input",
        "supports_fast_mode",
        "supports_forced_tool_use",
        "supports_function_calling",
        "supports_image_input",
        "supports_image_size",
        "supports_legacy_thinking",
        "supports_low_reasoning_effort",
        "supports_max_reasoning_effort",
        "supports_mid_conversation_system",
        "supports_minimal_reasoning_effort",
        "supports_multimodal",
        "supports_native_streaming",
        "supports_native_structured_output",
        "supports_none_reasoning_effort",
        "supports_nova_canvas_image_edit",
        "supports_output_config",
        "supports_parallel_function_calling",
        "supports_parallel_tool_use_config",
        "supports_pdf_input",
        "supports_prompt_cache_breakpoint",
        "supports_prompt_caching",
        "supports_reasoning",
        "supports_response_schema",
        "supports_sampling_params",
        "supports_speed",
        "supports_system_messages",
        "supports_thinking_cache_preservation",
        "supports_tool_choice",
        "supports_tool_search",
        "supports_url_context",
        "supports_video_input",
        "supports_vision",
        "supports_web_search",
        "supports_xhigh_reasoning_effort",
        "thinking_always_on",
        "tier:cache_creation_input_token_cost",
        "tier:cache_creation_input_token_cost_above_1hr",
        "tier:cache_read_input_token_cost",
        "tier:input_cost_per_token",
        "tier:output_cost_per_reasoning_token",
        "tier:output_cost_per_token",
        "tiered_pricing",
        "token_count_framing",
        "token_count_tokenizer",
        "tpm",
        "use_openai_responses_path",
        "uses_embed_content",
        "vector_store_cost_per_gb_per_day",
        "vertex_ai_audio_api",
        "web_search_billing_unit",
    ];

    /// The field's number in a table.
    #[must_use]
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// LiteLLM's name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.get(usize::from(self.id())).copied().unwrap_or_default()
    }

    /// The field of a name without suffixes.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.binary_search(&name).ok().and_then(|place| Self::ALL.get(place).copied())
    }
}

/// Something that a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// `supports_adaptive_thinking`
    AdaptiveThinking,
    /// `supports_anthropic_compaction`
    AnthropicCompaction,
    /// `supports_anthropic_thinking_payload`
    AnthropicThinkingPayload,
    /// `supports_assistant_prefill`
    AssistantPrefill,
    /// `supports_audio_input`
    AudioInput,
    /// `supports_audio_output`
    AudioOutput,
    /// `supports_computer_use`
    ComputerUse,
    /// `supports_embedding_image_input`
    EmbeddingImageInput,
    /// `supports_fast_mode`
    FastMode,
    /// `supports_forced_tool_use`
    ForcedToolUse,
    /// `supports_function_calling`
    FunctionCalling,
    /// `supports_image_input`
    ImageInput,
    /// `supports_image_size`
    ImageSize,
    /// `supports_legacy_thinking`
    LegacyThinking,
    /// `supports_low_reasoning_effort`
    LowReasoningEffort,
    /// `supports_max_reasoning_effort`
    MaxReasoningEffort,
    /// `supports_mid_conversation_system`
    MidConversationSystem,
    /// `supports_minimal_reasoning_effort`
    MinimalReasoningEffort,
    /// `supports_multimodal`
    Multimodal,
    /// `supports_native_streaming`
    NativeStreaming,
    /// `supports_native_structured_output`
    NativeStructuredOutput,
    /// `supports_none_reasoning_effort`
    NoneReasoningEffort,
    /// `supports_nova_canvas_image_edit`
    NovaCanvasImageEdit,
    /// `supports_output_config`
    OutputConfig,
    /// `supports_parallel_function_calling`
    ParallelFunctionCalling,
    /// `supports_parallel_tool_use_config`
    ParallelToolUseConfig,
    /// `supports_pdf_input`
    PdfInput,
    /// `supports_prompt_cache_breakpoint`
    PromptCacheBreakpoint,
    /// `supports_prompt_caching`
    PromptCaching,
    /// `supports_reasoning`
    Reasoning,
    /// `supports_response_schema`
    ResponseSchema,
    /// `supports_sampling_params`
    SamplingParams,
    /// `supports_speed`
    Speed,
    /// `supports_system_messages`
    SystemMessages,
    /// `supports_thinking_cache_preservation`
    ThinkingCachePreservation,
    /// `supports_tool_choice`
    ToolChoice,
    /// `supports_tool_search`
    ToolSearch,
    /// `supports_url_context`
    UrlContext,
    /// `supports_video_input`
    VideoInput,
    /// `supports_vision`
    Vision,
    /// `supports_web_search`
    WebSearch,
    /// `supports_xhigh_reasoning_effort`
    XhighReasoningEffort,
    /// `thinking_always_on`
    ThinkingAlwaysOn,
}

impl Capability {
    /// Every capability.
    pub const ALL: &[Self] = &[
        Self::AdaptiveThinking,
        Self::AnthropicCompaction,
        Self::AnthropicThinkingPayload,
        Self::AssistantPrefill,
        Self::AudioInput,
        Self::AudioOutput,
        Self::ComputerUse,
        Self::EmbeddingImageInput,
        Self::FastMode,
        Self::ForcedToolUse,
        Self::FunctionCalling,
        Self::ImageInput,
        Self::ImageSize,
        Self::LegacyThinking,
        Self::LowReasoningEffort,
        Self::MaxReasoningEffort,
        Self::MidConversationSystem,
        Self::MinimalReasoningEffort,
        Self::Multimodal,
        Self::NativeStreaming,
        Self::NativeStructuredOutput,
        Self::NoneReasoningEffort,
        Self::NovaCanvasImageEdit,
        Self::OutputConfig,
        Self::ParallelFunctionCalling,
        Self::ParallelToolUseConfig,
        Self::PdfInput,
        Self::PromptCacheBreakpoint,
        Self::PromptCaching,
        Self::Reasoning,
        Self::ResponseSchema,
        Self::SamplingParams,
        Self::Speed,
        Self::SystemMessages,
        Self::ThinkingCachePreservation,
        Self::ToolChoice,
        Self::ToolSearch,
        Self::UrlContext,
        Self::VideoInput,
        Self::Vision,
        Self::WebSearch,
        Self::XhighReasoningEffort,
        Self::ThinkingAlwaysOn,
    ];

    /// The flag that says so.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::AdaptiveThinking => Field::SupportsAdaptiveThinking,
            Self::AnthropicCompaction => Field::SupportsAnthropicCompaction,
            Self::AnthropicThinkingPayload => Field::SupportsAnthropicThinkingPayload,
            Self::AssistantPrefill => Field::SupportsAssistantPrefill,
            Self::AudioInput => Field::SupportsAudioInput,
            Self::AudioOutput => Field::SupportsAudioOutput,
            Self::ComputerUse => Field::SupportsComputerUse,
            Self::EmbeddingImageInput => Field::SupportsEmbeddingImageInput,
            Self::FastMode => Field::SupportsFastMode,
            Self::ForcedToolUse => Field::SupportsForcedToolUse,
            Self::FunctionCalling => Field::SupportsFunctionCalling,
            Self::ImageInput => Field::SupportsImageInput,
            Self::ImageSize => Field::SupportsImageSize,
            Self::LegacyThinking => Field::SupportsLegacyThinking,
            Self::LowReasoningEffort => Field::SupportsLowReasoningEffort,
            Self::MaxReasoningEffort => Field::SupportsMaxReasoningEffort,
            Self::MidConversationSystem => Field::SupportsMidConversationSystem,
            Self::MinimalReasoningEffort => Field::SupportsMinimalReasoningEffort,
            Self::Multimodal => Field::SupportsMultimodal,
            Self::NativeStreaming => Field::SupportsNativeStreaming,
            Self::NativeStructuredOutput => Field::SupportsNativeStructuredOutput,
            Self::NoneReasoningEffort => Field::SupportsNoneReasoningEffort,
            Self::NovaCanvasImageEdit => Field::SupportsNovaCanvasImageEdit,
            Self::OutputConfig => Field::SupportsOutputConfig,
            Self::ParallelFunctionCalling => Field::SupportsParallelFunctionCalling,
            Self::ParallelToolUseConfig => Field::SupportsParallelToolUseConfig,
            Self::PdfInput => Field::SupportsPdfInput,
            Self::PromptCacheBreakpoint => Field::SupportsPromptCacheBreakpoint,
            Self::PromptCaching => Field::SupportsPromptCaching,
            Self::Reasoning => Field::SupportsReasoning,
            Self::ResponseSchema => Field::SupportsResponseSchema,
            Self::SamplingParams => Field::SupportsSamplingParams,
            Self::Speed => Field::SupportsSpeed,
            Self::SystemMessages => Field::SupportsSystemMessages,
            Self::ThinkingCachePreservation => Field::SupportsThinkingCachePreservation,
            Self::ToolChoice => Field::SupportsToolChoice,
            Self::ToolSearch => Field::SupportsToolSearch,
            Self::UrlContext => Field::SupportsUrlContext,
            Self::VideoInput => Field::SupportsVideoInput,
            Self::Vision => Field::SupportsVision,
            Self::WebSearch => Field::SupportsWebSearch,
            Self::XhighReasoningEffort => Field::SupportsXhighReasoningEffort,
            Self::ThinkingAlwaysOn => Field::ThinkingAlwaysOn,
        }
    }
}
