//! The response cache on the path of a call.
//!
//! | file | what |
//! |---|---|
//! | `ask` | which call it is, under which key; what the cache knows |
//! | `keep` | storing an answer |
//! | `items` | embeddings: every text is an entry, only unknown ones are asked for |
//! | `meaning` | semantic caches: the vector of a question |
//! | `tell` | an answer from the cache as a response; streams |
//!
//! A cache that fails is a cache that knows nothing: the call goes on.

mod ask;
mod items;
mod keep;
mod meaning;
mod tell;

use std::sync::Arc;

use bytes::Bytes;
use llm_cache::semantic::Spot;
use llm_cache::{Cache, Lead, Plan};
use llm_guardrails::GuardLog;
use llm_types::Usage;

use crate::responses::rewrite::Rewriter;

pub use ask::lookup;
pub use keep::{store, store_stream};
pub use tell::{events, streamed};

/// Where an answer is to be stored, and how.
#[derive(Debug)]
pub struct Ticket {
    cache: Arc<Cache>,
    plan: Plan,
    what: What,
    /// Writes our ids into an answer of Responses.
    ids: Option<Rewriter>,
    /// What guardrails do to the answer.
    guards: Option<GuardLog>,
}

impl Ticket {
    fn new(cache: &Arc<Cache>, plan: Plan, what: What) -> Self {
        Self { cache: Arc::clone(cache), plan, what, ids: None, guards: None }
    }

    /// The same, and what they touch is not stored: others have other guardrails.
    fn under(self, guards: Option<GuardLog>) -> Self {
        Self { guards, ..self }
    }

    /// The answer is the model's own.
    fn is_untouched(&self) -> bool {
        !self.guards.as_ref().is_some_and(GuardLog::touched_answer)
    }

    /// The same for an answer whose ids are ours once it is stored.
    #[must_use]
    pub fn with_ids(mut self, ids: Rewriter) -> Self {
        self.ids = Some(ids);
        self
    }
}

/// What an answer is stored as.
#[derive(Debug)]
enum What {
    /// One entry. Others may be waiting for it.
    Whole { key: String, lead: Option<Lead> },
    /// What a question means.
    Meaning { key: String, spot: Spot, text: String },
    /// An entry per text.
    Items(items::Items),
}

/// What the cache said.
#[derive(Debug, Default)]
pub struct Memory {
    /// An answer.
    pub hit: Option<Hit>,
    /// Where the answer is to be stored once there is one.
    pub ticket: Option<Ticket>,
    /// What is still to be asked, when a part is known.
    pub rest: Option<Bytes>,
    /// The cache was asked.
    pub asked: bool,
}

/// An answer from the cache.
#[derive(Debug)]
pub struct Hit {
    /// The key it was found under.
    pub key: String,
    /// The body in the client's format: JSON, events when a stream was asked for, or text.
    pub body: Bytes,
    /// What the body is.
    pub kind: Shape,
    /// What the original call cost, when a price is known.
    pub cost: Option<f64>,
    /// The upstream's id of the original answer.
    pub response_id: Option<String>,
    /// What the original call consumed.
    pub usage: Usage,
    /// How like the question was, from a semantic cache.
    pub similarity: Option<f32>,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A JSON object.
    Json,
    /// Events.
    Stream,
    /// Plain text: a transcript.
    Text,
}
