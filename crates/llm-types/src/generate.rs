//! A conversation and its answer, in no provider's format.
//!
//! A conversation is an ordered list of [`Turn`]s, a turn an ordered list of [`Part`]s. Every node may carry
//! [`Extra`] fields of its own format. Text that a format wrote as a bare string instead of a list of parts is
//! marked (`flat`), so that it is written back the same way.

use std::borrow::Cow;

use serde_json::Number;

use crate::{Extra, Field, FieldSet, Format, RawJson, Usage};

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions of the operator.
    System,
    /// OpenAI's newer name for instructions.
    Developer,
    /// The person, or whoever stands in for them. May hold tool results (Anthropic).
    User,
    /// The model.
    Assistant,
    /// Results of tools (OpenAI's own role); its parts are [`PartKind::ToolResult`].
    Tool,
}

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

/// One contribution to the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The content was a bare string (true) or a list of parts (false).
    pub flat: bool,
    /// Name of the speaker, where the format has one.
    pub name: Option<String>,
    /// Unknown fields.
    pub extra: Extra,
}

impl Turn {
    /// A turn of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::text(text)], flat: true, name: None, extra: Extra::default() }
    }

    /// A turn of several parts.
    #[must_use]
    pub fn of(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, flat: false, name: None, extra: Extra::default() }
    }
}

/// A piece of content.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Anthropic's `cache_control`, as it came.
    pub cache_control: Option<RawJson>,
    /// Unknown fields.
    pub extra: Extra,
}

impl Part {
    /// A part without marks.
    #[must_use]
    pub fn new(kind: PartKind) -> Self {
        Self { kind, cache_control: None, extra: Extra::default() }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartKind::Text { text: text.into(), citations: Vec::new() })
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let PartKind::Text { text, .. } = &self.kind { Some(text) } else { None }
    }
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum PartKind {
    /// Text, with the sources it cites (as the format wrote them).
    Text {
        /// The text
        text: String,
        /// Sources, raw, in the format of the answer
        citations: Vec<RawJson>,
    },
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A moving picture.
    Video(Media),
    /// A document (PDF, text) or an uploaded file.
    File(FileRef),
    /// Visible thinking. The signature is opaque and goes back byte for byte.
    Thinking {
        /// The thoughts
        text: String,
        /// The provider's proof that they are its own
        signature: Option<String>,
    },
    /// Thinking that the provider encrypted.
    RedactedThinking {
        /// Opaque data
        data: String,
    },
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What a tool answered.
    ToolResult(ToolResult),
    /// The model declines to answer.
    Refusal(String),
    /// A block of a tool that the provider runs itself (web search, code execution), call or result.
    HostedTool {
        /// The format it is written in
        format: Format,
        /// The block
        json: RawJson,
    },
    /// Any other block of one format; written back only into that format.
    Opaque {
        /// The format it is written in
        format: Format,
        /// The block
        json: RawJson,
    },
}

/// Bytes or an address of a picture, a sound or a film.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Media {
    /// Where it is.
    pub source: MediaSource,
    /// IANA media type, where known (`image/png`); for OpenAI audio the bare format name (`wav`).
    pub media_type: Option<String>,
    /// OpenAI's `detail`.
    pub detail: Option<String>,
}

/// Where media are.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaSource {
    /// At a URL that the provider fetches.
    Url(String),
    /// Inline, base64.
    Base64(String),
    /// Inline, plain text (Anthropic text documents).
    Text(String),
    /// Uploaded before, under this id.
    FileId(String),
}

impl Default for MediaSource {
    fn default() -> Self {
        Self::Base64(String::new())
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileRef {
    /// Where it is.
    pub source: MediaSource,
    /// IANA media type, where known.
    pub media_type: Option<String>,
    /// File name or title.
    pub name: Option<String>,
}

/// A tool call of the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCall {
    /// Id by which the result refers to it.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// Arguments as JSON text. Models write invalid JSON at times: it is carried, not judged.
    pub arguments: String,
}

/// The answer of a tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolResult {
    /// Id of the call it answers.
    pub call_id: String,
    /// Name of the tool, where the format repeats it.
    pub name: Option<String>,
    /// The answer.
    pub parts: Vec<Part>,
    /// The answer was a bare string.
    pub flat: bool,
    /// The tool failed.
    pub is_error: Option<bool>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// What it is.
    pub kind: ToolKind,
    /// Anthropic's `cache_control`, as it came.
    pub cache_control: Option<RawJson>,
    /// Unknown fields of the tool object.
    pub extra: Extra,
}

/// What a tool is.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolKind {
    /// A function of the client.
    Function(FunctionTool),
    /// A tool that only this format knows: run by the provider, or of the provider's own making.
    Hosted {
        /// The format it is written in
        format: Format,
        /// The whole tool object
        json: RawJson,
    },
}

/// A function of the client.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionTool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON schema of its arguments, as it came (key order matters to prompt caches).
    pub parameters: Option<RawJson>,
    /// OpenAI's `strict`.
    pub strict: Option<bool>,
    /// It came in OpenAI's legacy `functions` list.
    pub legacy: bool,
}

/// Which tool must or may be called.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// Some tool.
    Required,
    /// This function.
    Function(String),
    /// Anything else, as it came.
    Other {
        /// The format it is written in
        format: Format,
        /// The value
        json: RawJson,
    },
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

/// The answer of a model.
#[derive(Debug, Clone, Default)]
pub struct GenerateResponse {
    /// The upstream's id of the answer.
    pub id: String,
    /// The model as the upstream named it.
    pub model: String,
    /// Seconds since 1970, where the format has it.
    pub created: Option<u64>,
    /// The alternatives; most formats have exactly one.
    pub choices: Vec<Choice>,
    /// What it consumed, when the upstream said so.
    pub usage: Option<UsageReport>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// Unknown fields.
    pub extra: Extra,
}

/// One alternative.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Its number, from 0.
    pub index: u32,
    /// What the model said, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub finish: Option<Finish>,
    /// OpenAI's logprobs object, as it came.
    pub logprobs: Option<RawJson>,
    /// Unknown fields of the message.
    pub message_extra: Extra,
    /// Unknown fields of the choice.
    pub extra: Extra,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The reason in our words.
    pub reason: FinishReason,
    /// The reason as the upstream wrote it, with the format it is from.
    pub raw: Option<(Format, String)>,
    /// The stop text that was met, where the format tells.
    pub stop_sequence: Option<String>,
}

impl Finish {
    /// A reason without the upstream's word for it.
    #[must_use]
    pub const fn new(reason: FinishReason) -> Self {
        Self { reason, raw: None, stop_sequence: None }
    }
}

/// The reasons why answers end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// A stop text was met.
    StopSequence,
    /// The token bound was met.
    Length,
    /// The model waits for tool results.
    ToolCalls,
    /// OpenAI's legacy function call.
    FunctionCall,
    /// A content filter cut in.
    ContentFilter,
    /// The model declined.
    Refusal,
    /// The turn is paused and wants to be continued (Anthropic `pause_turn`).
    Pause,
}

/// What a call consumed, typed, beside the upstream's own words.
#[derive(Debug, Clone, Default)]
pub struct UsageReport {
    /// The counts in disjoint buckets: what prices apply to.
    pub usage: Usage,
    /// The upstream's usage object, written back verbatim into the same format.
    pub raw: Option<(Format, RawJson)>,
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

impl GenerateResponse {
    /// All visible text of the first choice, joined.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let mut texts = self.choices.first().into_iter().flat_map(|c| &c.parts).filter_map(Part::as_text);
        match (texts.next(), texts.next()) {
            (None, _) => Cow::Borrowed(""),
            (Some(one), None) => Cow::Borrowed(one),
            (Some(a), Some(b)) => Cow::Owned([a, b].into_iter().chain(texts).collect()),
        }
    }
}
