//! What a request is answered with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use tokio::sync::Semaphore;

use crate::faults::Fault;

/// How to answer one request. Every field may be left out; an empty script is the echo.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// What goes wrong, see [`Fault`].
    pub fault: Option<Fault>,
    /// Content chunks sent before a fault inside a stream. Default 2.
    pub after: Option<usize>,
    /// The fault (or, for a programmed script, the whole script) holds for this many requests only.
    pub times: Option<u32>,
    /// Milliseconds before the response head.
    pub delay_ms: Option<u64>,
    /// Milliseconds between the head and the first chunk.
    pub first_ms: Option<u64>,
    /// Milliseconds between two content chunks of a stream, and before a fault that breaks it.
    pub gap_ms: Option<u64>,
    /// Bytes of the line of [`Fault::OversizedLine`]. Default 2 MiB.
    pub size: Option<usize>,
    /// `Retry-After` of an error status. Default `1` for 429, none otherwise; empty for none.
    #[serde(deserialize_with = "text_or_number")]
    pub retry_after: Option<String>,
    /// Text of an error instead of the provider's usual one.
    pub message: Option<String>,
    /// Number of content chunks; the echo is lengthened with counting words to reach it.
    pub chunks: Option<usize>,
    /// The answer instead of the echo.
    #[serde(deserialize_with = "text_or_number")]
    pub text: Option<String>,
    /// Reasoning before the answer (`reasoning_content`, Anthropic thinking block).
    pub reasoning: Option<String>,
    /// Anthropic: a `redacted_thinking` block before the answer.
    pub redacted: bool,
    /// OpenAI: a refusal instead of the answer.
    pub refusal: Option<String>,
    /// Tools to call. Together with `text`, text comes first.
    pub tools: Vec<ToolCall>,
    /// Stop reason in the provider's own words.
    pub finish: Option<String>,
    /// The model named in the reply. Default: the dated name for known aliases, else the requested one.
    pub served_model: Option<String>,
    /// Prompt tokens reported, cached ones included (Anthropic reports them apart).
    pub prompt_tokens: Option<u64>,
    /// Completion tokens reported, reasoning included.
    pub completion_tokens: Option<u64>,
    /// Prompt tokens read from the provider's cache.
    pub cached_tokens: Option<u64>,
    /// Anthropic: tokens written to the five-minute cache.
    pub cache_write_tokens: Option<u64>,
    /// Anthropic: tokens written to the one-hour cache.
    pub cache_write_1h_tokens: Option<u64>,
    /// Reasoning tokens reported.
    pub reasoning_tokens: Option<u64>,
    /// Leave usage out of the reply.
    pub no_usage: bool,
    /// More response headers.
    pub headers: BTreeMap<String, String>,
    /// Each content chunk of a stream waits for a permit of this gate.
    #[serde(skip)]
    pub gate: Option<Gate>,
}

/// One tool call of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// Name of the function.
    pub name: String,
    /// Arguments as JSON text. Without them an instance of the tool's schema is made up.
    #[serde(default, deserialize_with = "raw_json")]
    pub args: Option<String>,
}

impl Script {
    /// A script with this fault.
    pub fn fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    /// A script that answers this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Only for the first `count` requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    /// The fault comes after this many content chunks.
    #[must_use]
    pub fn after(mut self, chunks: usize) -> Self {
        self.after = Some(chunks);
        self
    }

    /// Content chunks wait for this gate.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Content chunks before a fault inside a stream.
    pub(crate) fn chunks_before_fault(&self) -> usize {
        self.after.unwrap_or(2)
    }
}

/// Lets a test decide when a stream goes on: a chunk is sent for each released permit.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `chunks` more content chunks pass.
    pub fn release(&self, chunks: usize) {
        self.0.add_permits(chunks);
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.0.close();
    }

    pub(crate) async fn pass(&self) {
        // a closed semaphore is an open gate
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    match Option::<serde_json::Value>::deserialize(d)? {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(serde::de::Error::custom("a text or a number is needed")),
    }
}

/// A JSON string is taken as JSON text; anything else is written as JSON.
fn raw_json<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    match Option::<serde_json::Value>::deserialize(d)? {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(value) => Ok(Some(value.to_string())),
    }
}
