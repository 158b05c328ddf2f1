//! What is asked of a model.

use serde_json::Number;

use super::{Role, Tool, ToolChoice, ToolKind, Turn};
use crate::{Extra, Field, FieldSet, RawJson};

/// What is asked of a model.
#[derive(Debug, Clone, Default)]
pub struct GenerateRequest {
    /// The model as the client named it.
    pub model: String,
    /// The conversation, instructions included, in order.
    pub turns: Vec<Turn>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Which tool must or may be called.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called in one turn.
    pub parallel_tool_calls: Option<bool>,
    /// What the answer must look like.
    pub output: Option<OutputFormat>,
    /// Upper bound of generated tokens.
    pub max_output_tokens: Option<Number>,
    /// How OpenAI chat spelled the bound: `max_completion_tokens` (true) or `max_tokens` (false).
    pub max_output_is_completion: bool,
    /// Randomness.
    pub sampling: Sampling,
    /// Texts that end the answer. `stop_flat`: the client sent one bare string.
    pub stop: Vec<String>,
    /// The client sent one bare string as `stop`.
    pub stop_flat: bool,
    /// How much to think.
    pub reasoning: Reasoning,
    /// Wanted as a stream.
    pub stream: bool,
    /// `stream_options.include_usage`, when given.
    pub include_usage: Option<bool>,
    /// End user id.
    pub user: Option<String>,
    /// The provider's `metadata` object, as it came.
    pub metadata: Option<RawJson>,
    /// Processing tier.
    pub service_tier: Option<String>,
    /// Unknown and rarely used fields, in the client's format (known ones such as `prediction` or `store` included).
    pub extra: Extra,
}

/// Randomness of the answer. Numbers keep the spelling of the client (`1` or `1.0`).
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the field's standard names")]
pub struct Sampling {
    pub temperature: Option<Number>,
    pub top_p: Option<Number>,
    pub top_k: Option<Number>,
    pub frequency_penalty: Option<Number>,
    pub presence_penalty: Option<Number>,
    pub seed: Option<Number>,
    pub n: Option<u64>,
    pub logprobs: Option<RawJson>,
    pub top_logprobs: Option<Number>,
    pub logit_bias: Option<RawJson>,
}

/// How much a model should think before it answers, in either of the two dialects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reasoning {
    /// OpenAI: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, ...
    pub effort: Option<String>,
    /// OpenAI: how much of the thinking to show (`auto`, `concise`, `detailed`).
    pub summary: Option<String>,
    /// Anthropic: the `thinking` object, as it came.
    pub thinking: Option<RawJson>,
    /// Anthropic: `output_config.effort`.
    pub output_effort: Option<String>,
}

/// What the answer must look like.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputFormat {
    /// Text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON of a schema.
    JsonSchema {
        /// Name of the schema, where the format has one
        name: Option<String>,
        /// Description of the schema
        description: Option<String>,
        /// The schema, as it came
        schema: RawJson,
        /// OpenAI's `strict`
        strict: Option<bool>,
    },
    /// Anything else, as it came.
    Other(RawJson),
}

impl GenerateRequest {
    /// The fields that the request sets, in OpenAI's spelling, known extras included.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        use Field as F;
        let s = &self.sampling;
        let max = if self.max_output_is_completion { F::MaxCompletionTokens } else { F::MaxTokens };
        let legacy = |t: &Tool| matches!(&t.kind, ToolKind::Function(f) if f.legacy);
        let only_legacy = !self.tools.is_empty() && self.tools.iter().all(legacy);
        let mut set: FieldSet = [
            (F::Model, true),
            (F::Messages, true),
            (F::Tools, self.tools.iter().any(|t| !legacy(t))),
            (F::Functions, self.tools.iter().any(legacy)),
            (F::ToolChoice, self.tool_choice.is_some() && !only_legacy),
            (F::FunctionCall, self.tool_choice.is_some() && only_legacy),
            (F::ParallelToolCalls, self.parallel_tool_calls.is_some()),
            (F::ResponseFormat, self.output.is_some()),
            (max, self.max_output_tokens.is_some()),
            (F::Temperature, s.temperature.is_some()),
            (F::TopP, s.top_p.is_some()),
            (F::TopK, s.top_k.is_some()),
            (F::FrequencyPenalty, s.frequency_penalty.is_some()),
            (F::PresencePenalty, s.presence_penalty.is_some()),
            (F::Seed, s.seed.is_some()),
            (F::N, s.n.is_some()),
            (F::Logprobs, s.logprobs.is_some()),
            (F::TopLogprobs, s.top_logprobs.is_some()),
            (F::LogitBias, s.logit_bias.is_some()),
            (F::Stop, !self.stop.is_empty()),
            (F::ReasoningEffort, self.reasoning.effort.is_some()),
            (F::Thinking, self.reasoning.thinking.is_some()),
            (F::Stream, self.stream),
            (F::StreamOptions, self.include_usage.is_some()),
            (F::User, self.user.is_some()),
            (F::Metadata, self.metadata.is_some()),
            (F::ServiceTier, self.service_tier.is_some()),
        ]
        .into_iter()
        .filter_map(|(f, on)| on.then_some(f))
        .collect();
        self.extra.all().filter_map(|(k, _)| F::from_name(k)).for_each(|f| set.insert(f));
        set
    }

    /// Takes a field out of the request.
    pub fn drop_field(&mut self, field: Field) {
        use Field as F;
        let s = &mut self.sampling;
        match field {
            F::Tools => self.tools.clear(),
            F::Functions => self.tools.retain(|t| !matches!(&t.kind, ToolKind::Function(f) if f.legacy)),
            F::ToolChoice | F::FunctionCall => self.tool_choice = None,
            F::ParallelToolCalls => self.parallel_tool_calls = None,
            F::ResponseFormat => self.output = None,
            F::MaxTokens | F::MaxCompletionTokens => self.max_output_tokens = None,
            F::Temperature => s.temperature = None,
            F::TopP => s.top_p = None,
            F::TopK => s.top_k = None,
            F::FrequencyPenalty => s.frequency_penalty = None,
            F::PresencePenalty => s.presence_penalty = None,
            F::Seed => s.seed = None,
            F::N => s.n = None,
            F::Logprobs => s.logprobs = None,
            F::TopLogprobs => s.top_logprobs = None,
            F::LogitBias => s.logit_bias = None,
            F::Stop => self.stop.clear(),
            F::ReasoningEffort => {
                self.reasoning.effort = None;
                self.reasoning.output_effort = None;
                self.reasoning.summary = None;
            }
            F::Thinking => self.reasoning.thinking = None,
            F::StreamOptions => self.include_usage = None,
            F::User => self.user = None,
            F::Metadata => self.metadata = None,
            F::ServiceTier => self.service_tier = None,
            _ => {
                self.extra.remove(field.name());
            }
        }
    }

    /// The leading run of instructions (system and developer turns) and the rest.
    #[must_use]
    pub fn split_instructions(&self) -> (&[Turn], &[Turn]) {
        let at = self.turns.iter().take_while(|t| matches!(t.role, Role::System | Role::Developer)).count();
        self.turns.split_at_checked(at).unwrap_or((&[], &self.turns))
    }
}
