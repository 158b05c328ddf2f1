//! Which parameters a provider takes for a model, and what happens to the others.
//!
//! One policy, LiteLLM's: what is not taken is refused with an error that names it, or left out with `drop_params`;
//! `allowed_openai_params` lets a parameter through whatever the table says.

mod families;
mod tasks;
mod values;

use llm_catalog::{Capability, Catalog, Field as CatalogField};
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Field, FieldSet, Format, Kind, Result};

pub use families::Family;
pub use llm_wire::ModelCaps;
pub use tasks::check_task;
pub use values::Values;

use crate::params::Params;
use crate::provider::Provider;
use crate::quirk::Quirk;
use crate::row::RowFormat;

/// What happens to parameters that a provider does not take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// They are left out; otherwise the request is refused.
    pub drop_params: bool,
    /// Messages and parameters may be changed to make a call valid.
    pub modify_params: bool,
    /// Chat hosts are sent all texts of `stop`; otherwise the first four, which is what OpenAI takes.
    pub disable_stop_sequence_limit: bool,
    /// Parameters that are let through.
    pub allowed_openai_params: Vec<String>,
    /// Parameters that are always left out: names, or paths such as `tools[*].input_examples`.
    pub additional_drop_params: Vec<String>,
    /// The language of the client, where it is known: what LiteLLM adds to a body depends on where it came from.
    pub client: Option<Format>,
}

/// The parameters that the table judges, in the order in which errors name them. Others are the provider's own and
/// pass.
const JUDGED: [Field; 35] = [
    Field::Functions,
    Field::FunctionCall,
    Field::Temperature,
    Field::TopP,
    Field::N,
    Field::StreamOptions,
    Field::Stop,
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Modalities,
    Field::Prediction,
    Field::Audio,
    Field::PresencePenalty,
    Field::FrequencyPenalty,
    Field::LogitBias,
    Field::User,
    Field::ResponseFormat,
    Field::Seed,
    Field::Tools,
    Field::ToolChoice,
    Field::MaxRetries,
    Field::Logprobs,
    Field::TopLogprobs,
    Field::ParallelToolCalls,
    Field::ReasoningEffort,
    Field::Verbosity,
    Field::Thinking,
    Field::WebSearchOptions,
    Field::IncludeServerSideToolInvocations,
    Field::ServiceTier,
    Field::SafetyIdentifier,
    Field::PromptCacheKey,
    Field::PromptCacheRetention,
    Field::Store,
    Field::ContextManagement,
];

/// The fields of a request that are judged in the provider's language `upstream`. Of requests that are translated to
/// Responses only what models refuse by value: the rest is left out by the translation, as in LiteLLM.
#[must_use]
pub fn judged(upstream: Format) -> FieldSet {
    match upstream {
        Format::OpenAiResponses => FieldSet::of(&[Field::Temperature, Field::ReasoningEffort]),
        _ => Field::ALL.iter().copied().collect(),
    }
}

/// The fields of a request that is translated to the provider's language `upstream`, as the table judges them.
///
/// LiteLLM's translation of Messages asks models other than Claude to think by an effort, and leaves tiers and the
/// choice of parallel calls out.
#[must_use]
pub fn present(request: &GenerateRequest, model: &str, upstream: Format, policy: &Policy) -> FieldSet {
    let mut present = request.fields().intersection(judged(upstream));
    if policy.client == Some(Format::AnthropicMessages) {
        present = present.minus(FieldSet::of(&[Field::ParallelToolCalls, Field::ServiceTier]));
        if present.has(Field::Thinking) && !model.contains("claude") {
            present.remove(Field::Thinking);
            if request.reasoning.thinking.as_ref().is_some_and(|t| !t.get().contains("\"disabled\"")) {
                present.insert(Field::ReasoningEffort);
            }
        }
        if request.reasoning.output_effort.is_some() {
            present.insert(Field::ReasoningEffort);
        }
    }
    present
}

/// Takes fields out of a request; with the effort goes what says the same in another language.
pub fn drop_fields(request: &mut GenerateRequest, fields: FieldSet) {
    fields.iter().for_each(|field| request.drop_field(field));
    if fields.has(Field::ReasoningEffort) {
        request.drop_field(Field::Thinking);
    }
}

/// The embedding parameters that the table judges.
const EMBED_JUDGED: [Field; 3] = [Field::User, Field::EncodingFormat, Field::Dimensions];

/// Options of Gemini's that clients set by habit: left out where they are not taken, as LiteLLM does.
const GOOGLE_WISHES: FieldSet = FieldSet::of(&[
    Field::TopK,
    Field::N,
    Field::Seed,
    Field::PresencePenalty,
    Field::FrequencyPenalty,
    Field::Logprobs,
    Field::TopLogprobs,
    Field::Modalities,
    Field::ReasoningEffort,
    Field::Thinking,
]);

/// What clients of Responses say of a tier, of a search that the model can make, of caches and of their user, are wishes; some
/// say it with every request.
const RESPONSES_WISHES: FieldSet =
    FieldSet::of(&[Field::ServiceTier, Field::WebSearchOptions, Field::SafetyIdentifier, Field::PromptCacheKey]);

/// Left out without a word where they are not taken.
const SILENT: FieldSet =
    FieldSet::of(&[Field::User, Field::StreamOptions, Field::MaxRetries, Field::PromptCacheRetention]);

/// Judges the parameters of a chat request. Answers those that have to be left out.
///
/// `present` are the fields that the request sets; `values` are asked where a value matters (`n` of 1, temperature).
///
/// # Errors
/// `UnsupportedParams` that names what is not taken, unless it may be dropped.
pub fn check(
    provider: &dyn Provider,
    model: &str,
    params: &Params,
    caps: &ModelCaps,
    present: FieldSet,
    values: &dyn Values,
    policy: &Policy,
) -> Result<FieldSet> {
    let row = provider.row();
    let rules_model = provider.rules_model(model, params);
    // The translation of Messages never says it, see the encoder of chat.
    let present = match policy.client {
        Some(Format::AnthropicMessages) => present.minus(FieldSet::of(&[Field::ParallelToolCalls])),
        _ => present,
    };
    let family = match provider.quirks(model, params).has(Quirk::ReasoningFamilies) {
        true => Family::of(rules_model),
        false => Family::Plain,
    };
    let supported = family.supported(rules_model, provider.supported(rules_model, caps), caps, values);
    let allowed: FieldSet = policy.allowed_openai_params.iter().filter_map(|n| Field::from_name(n)).collect();
    let judged: FieldSet = JUDGED.into_iter().collect();
    let foreign = present.intersection(judged).minus(supported).minus(allowed);
    let mut silent = foreign.intersection(SILENT);
    if foreign.has(Field::N) && values.raw(Field::N).is_some_and(|n| n == "1") {
        silent.insert(Field::N);
    }
    // Clients of Messages say with every request how hard to try (`output_config`), some that nobody shall think: wishes
    // that are fulfilled where nobody can.
    let none = values.raw(Field::ReasoningEffort).is_some_and(|effort| effort == "\"none\"");
    let unsaid = [Field::ReasoningEffort, Field::Thinking].iter().all(|field| values.raw(*field).is_none());
    if policy.client == Some(Format::AnthropicMessages) && (unsaid || none) && foreign.has(Field::ReasoningEffort) {
        silent.insert(Field::ReasoningEffort);
    }
    // What clients of other languages say of their context is left to whoever translates it.
    if policy.client.is_some_and(|client| client != Format::OpenAiChat) {
        silent = silent.union(foreign.intersection(FieldSet::of(&[Field::ContextManagement])));
    }
    // Google's clients send their options with every request, whatever the model.
    if policy.client == Some(Format::GeminiGenerate) {
        silent = silent.union(foreign.intersection(GOOGLE_WISHES));
    }
    if policy.client == Some(Format::OpenAiResponses) {
        silent = silent.union(foreign.intersection(RESPONSES_WISHES));
    }
    let refused = foreign.minus(silent);
    if !refused.is_empty() && !policy.drop_params {
        let names: Vec<_> = JUDGED.into_iter().filter(|f| refused.has(*f)).map(|f| format!("'{}'", f.name())).collect();
        return Err(unsupported(row.id, model, &names.join(", ")));
    }
    let by_value = family.judge_values(rules_model, present.minus(foreign).minus(allowed), caps, values, policy)?;
    Ok(foreign.union(by_value))
}

/// Names what is not taken in its text only: LiteLLM leaves `param` null.
fn unsupported(provider: &str, model: &str, names: &str) -> Error {
    Error::new(
        Kind::UnsupportedParams,
        format!(
            "{provider} does not support parameters: [{names}], for model={model}. To drop these, set \
             `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to \
             use these params dynamically send allowed_openai_params=[{names}] in your request."
        ),
    )
}

/// The same for embeddings.
///
/// # Errors
/// `UnsupportedParams` as [`check`].
pub fn check_embeddings(
    provider: &dyn Provider,
    model: &str,
    present: FieldSet,
    values: &dyn Values,
    policy: &Policy,
) -> Result<FieldSet> {
    let row = provider.row();
    let allowed: FieldSet = policy.allowed_openai_params.iter().filter_map(|n| Field::from_name(n)).collect();
    let judged: FieldSet = EMBED_JUDGED.into_iter().collect();
    let mut foreign = present.intersection(judged).minus(row.embed_supported).minus(allowed);
    let base64 = || values.raw(Field::EncodingFormat).is_some_and(|format| format == "\"base64\"");
    if row.quirks.has(Quirk::EmbedFloats) && !allowed.has(Field::EncodingFormat) && base64() {
        foreign.insert(Field::EncodingFormat);
    }
    if foreign.is_empty() || policy.drop_params {
        return Ok(foreign);
    }
    let told: Vec<_> = EMBED_JUDGED
        .into_iter()
        .filter(|f| foreign.has(*f))
        .map(|f| format!("'{}': {}", f.name(), values.raw(f).unwrap_or_default().replace('"', "'")))
        .collect();
    let message = format!(
        "{} does not support parameters: {{{}}}, for model={model}. To drop these, set `litellm.drop_params=True` or \
         for proxy:\n\n`litellm_settings:\n drop_params: true`\n",
        row.id,
        told.join(", ")
    );
    Err(Error::new(Kind::UnsupportedParams, message))
}

/// What the catalog knows of a provider's model, as rules and encoders want it.
#[must_use]
pub fn caps(catalog: &Catalog, provider: &str, model: &str) -> ModelCaps {
    let Some(entry) = catalog.lookup(provider, model) else {
        // Most models can do what most requests ask: better an upstream's refusal than ours.
        return ModelCaps {
            forced_tool_use: true,
            sampling_params: true,
            tools: true,
            vision: true,
            tool_choice: true,
            ..ModelCaps::default()
        };
    };
    let can = |capability| entry.supports(capability);
    let unless_denied = |capability: Capability| entry.flag(capability.field()).unwrap_or(true);
    let schema = match crate::by_id(provider).map(|p| (p.row().format, p.row().chat_format)) {
        Some((RowFormat::Anthropic, _) | (_, Format::BedrockConverse)) => Capability::NativeStructuredOutput,
        _ => Capability::ResponseSchema,
    };
    let mut caps = ModelCaps {
        known: true,
        max_output_tokens: entry.max_output_tokens(),
        structured_output: can(schema),
        reasoning: can(Capability::Reasoning),
        adaptive_thinking: can(Capability::AdaptiveThinking),
        legacy_thinking: can(Capability::LegacyThinking),
        effort: can(Capability::OutputConfig)
            || [
                Capability::LowReasoningEffort,
                Capability::MinimalReasoningEffort,
                Capability::XhighReasoningEffort,
                Capability::MaxReasoningEffort,
            ]
            .into_iter()
            .any(can),
        effort_none: can(Capability::NoneReasoningEffort),
        effort_minimal: can(Capability::MinimalReasoningEffort),
        effort_xhigh: can(Capability::XhighReasoningEffort),
        effort_max: can(Capability::MaxReasoningEffort),
        forced_tool_use: unless_denied(Capability::ForcedToolUse),
        sampling_params: unless_denied(Capability::SamplingParams),
        vision: can(Capability::Vision),
        tools: can(Capability::FunctionCalling),
        mid_system: can(Capability::MidConversationSystem),
        speed: can(Capability::Speed),
        prompt_cache: can(Capability::PromptCaching),
        cache_hour: entry.num(CatalogField::CacheCreationInputTokenCostAbove1hr).is_some(),
        tool_choice: can(Capability::ToolChoice),
        parallel_tool_config: can(Capability::ParallelToolUseConfig),
    };
    if let Some(provider) = crate::by_id(provider) {
        provider.bend_caps(catalog, model, &mut caps);
    }
    caps
}

#[cfg(test)]
mod tests;
