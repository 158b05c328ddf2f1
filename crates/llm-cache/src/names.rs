//! Which request fields are part of a key, and in which order.

use crate::CallType;

/// Fields that LiteLLM knows as parameters of a model call (its types for chat, completions, embeddings, transcription,
/// rerank, Responses and Messages), sorted.
const KNOWN: &[&str] = &[
    "audio",
    "background",
    "best_of",
    "cache_control",
    "chunking_strategy",
    "compaction",
    "container",
    "context_management",
    "conversation",
    "dimensions",
    "documents",
    "echo",
    "encoding_format",
    "file",
    "frequency_penalty",
    "function_call",
    "functions",
    "include",
    "inference_geo",
    "input",
    "instruction",
    "instructions",
    "keywords",
    "language",
    "languages",
    "logit_bias",
    "logprobs",
    "max_chunks_per_doc",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tokens_per_doc",
    "max_tool_calls",
    "mcp_servers",
    "messages",
    "modalities",
    "model",
    "moderation",
    "n",
    "output_config",
    "output_format",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "query",
    "rank_fields",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "return_documents",
    "safeguards",
    "safety_identifier",
    "seed",
    "service_tier",
    "speed",
    "stop",
    "stop_sequences",
    "store",
    "stream",
    "stream_options",
    "suffix",
    "system",
    "temperature",
    "text",
    "thinking",
    "timestamp_granularities",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_n",
    "top_p",
    "truncate",
    "truncation",
    "user",
    "verbosity",
    "web_search_options",
];

/// The order of the parameters in the signature of LiteLLM's chat call; others follow in the order of [`KNOWN`].
const SIGNATURE: &[&str] = &[
    "functions",
    "function_call",
    "temperature",
    "top_p",
    "n",
    "stream_options",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "modalities",
    "prediction",
    "audio",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "response_format",
    "seed",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "verbosity",
    "safety_identifier",
    "service_tier",
    "thinking",
    "web_search_options",
];

/// Fields that belong to the gateway and are never part of a key, not even as provider-specific ones.
const OWNED: &[&str] = &[
    "allowed_openai_params",
    "additional_drop_params",
    "api_base",
    "api_key",
    "api_version",
    "base_url",
    "cache",
    "caching",
    "client",
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "custom_llm_provider",
    "disable_fallbacks",
    "drop_params",
    "extra_headers",
    "fallbacks",
    "guardrails",
    "headers",
    "include_fallback_errors",
    "max_fallbacks",
    "max_retries",
    "metadata",
    "mock_response",
    "mock_timeout",
    "model_info",
    "model_list",
    "no-log",
    "num_retries",
    "organization",
    "priority",
    "prompt_id",
    "prompt_variables",
    "proxy_server_request",
    "region_name",
    "request_timeout",
    "retry_policy",
    "secret_fields",
    "session_id",
    "specific_deployment",
    "stream_timeout",
    "tags",
    "timeout",
    "trace_id",
    "ttl",
    "user_api_key",
    "user_config",
];

/// True for a parameter of a model call.
pub(crate) fn known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

/// True for a field of the gateway.
pub(crate) fn owned(name: &str) -> bool {
    OWNED.contains(&name) || name.starts_with("litellm_") || name.starts_with("mock_testing_")
}

/// The place of a field in the source text of a key. LiteLLM's router passes the model and the content first, then the
/// other parameters; `stream`, which its chat call sets itself, comes last there. Fields that are not known come behind
/// all others, in the order of their names.
pub(crate) fn place(call: CallType, name: &str) -> (u8, usize) {
    let place = |list: &[&str]| list.iter().position(|n| *n == name);
    match (place(call.first()), place(SIGNATURE), KNOWN.binary_search(&name)) {
        (Some(at), ..) => (0, at),
        _ if name == "stream" => (3, 0),
        (None, Some(at), _) => (1, at),
        (None, None, Ok(at)) => (2, at),
        (None, None, Err(_)) => (4, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_the_signature_is_part_of_it() {
        assert!(KNOWN.is_sorted());
        assert!(SIGNATURE.iter().all(|n| known(n) && !owned(n)));
        assert!(OWNED.iter().all(|n| !known(n)));
    }

    #[test]
    fn places_follow_the_call() {
        let mut names = ["zeta", "stream", "user", "audio", "store", "messages", "temperature", "model"];
        names.sort_by_key(|n| place(CallType::Completion, n));
        assert_eq!(names, ["model", "messages", "temperature", "audio", "user", "store", "stream", "zeta"]);
    }
}
