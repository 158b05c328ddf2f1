//! What a model answers.

use std::borrow::Cow;

use super::Part;
use crate::{Extra, Format, RawJson, Usage};

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
