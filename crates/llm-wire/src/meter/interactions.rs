//! The usage of Google's interactions, as `usageMetadata` of the same models. Thoughts stand beside the output, tools' tokens
//! beside the input, cached ones within it. <https://ai.google.dev/api/interactions-api#Resource:Interaction>

use llm_types::Json;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    total_input_tokens: Option<u64>,
    total_tool_use_tokens: Option<u64>,
    total_cached_tokens: Option<u64>,
    total_output_tokens: Option<u64>,
    total_thought_tokens: Option<u64>,
    /// The older name of thoughts.
    total_reasoning_tokens: Option<u64>,
    input_tokens_by_modality: Option<Vec<Modality>>,
    cached_tokens_by_modality: Option<Vec<Modality>>,
    output_tokens_by_modality: Option<Vec<Modality>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Modality {
    modality: String,
    tokens: u64,
}

/// The same as `usageMetadata`; nothing for what is none of an interaction.
pub(super) fn metadata(raw: &str) -> Option<String> {
    let told: Told = serde_json::from_str(raw).ok()?;
    let count = |tokens: Option<u64>| Json::from(tokens.unwrap_or_default());
    Some(
        Json::object([
            ("promptTokenCount", count(told.total_input_tokens)),
            ("toolUsePromptTokenCount", count(told.total_tool_use_tokens)),
            ("cachedContentTokenCount", count(told.total_cached_tokens)),
            ("candidatesTokenCount", count(told.total_output_tokens)),
            ("thoughtsTokenCount", count(told.total_thought_tokens.or(told.total_reasoning_tokens))),
            ("promptTokensDetails", split(told.input_tokens_by_modality)),
            ("cacheTokensDetails", split(told.cached_tokens_by_modality)),
            ("candidatesTokensDetails", split(told.output_tokens_by_modality)),
        ])
        .to_string(),
    )
}

fn split(all: Option<Vec<Modality>>) -> Json {
    let one = |m: Modality| {
        let kind = Json::from(m.modality.to_ascii_uppercase());
        Json::object([("modality", kind), ("tokenCount", Json::from(m.tokens))])
    };
    Json::Array(all.unwrap_or_default().into_iter().map(one).collect())
}
