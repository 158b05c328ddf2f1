//! Live counts of requests, tokens and calls in flight, and their limits.

use std::sync::Arc;

use llm_kv::{Counter, MemoryKv, Window};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Requests per window.
    Requests,
    /// Tokens per window.
    Tokens,
    /// Calls at the same time.
    Parallel,
}

impl Counted {
    /// LiteLLM's word in messages and headers.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Parallel => "max_parallel_requests",
        }
    }
}

/// One limit with its live count. The count belongs to the entity and outlives this.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// `api_key`, `user`, `team`, `model_per_key` ...
    pub(crate) descriptor: &'static str,
    /// Which one, as people see it.
    pub(crate) value: Arc<str>,
    /// What is counted.
    pub(crate) counted: Counted,
    /// At the most.
    pub(crate) limit: i64,
    /// The count's name.
    pub(crate) name: Arc<str>,
    /// The live count.
    pub(crate) counter: Arc<Counter>,
}

/// The limits of one entity.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) rpm: Option<i64>,
    pub(crate) tpm: Option<i64>,
    pub(crate) parallel: Option<i64>,
}

impl Limits {
    /// The gates of an entity. `id` names its counters, `shown` the entity.
    pub(crate) fn gates(
        self,
        kv: &MemoryKv,
        descriptor: &'static str,
        id: &str,
        shown: &Arc<str>,
        out: &mut Vec<Gate>,
    ) {
        let wanted = [(Counted::Requests, self.rpm), (Counted::Tokens, self.tpm), (Counted::Parallel, self.parallel)];
        for (counted, limit) in wanted {
            let Some(limit) = limit else { continue };
            let name = format!("{descriptor}:{id}:{}", counted.word());
            let counter = kv.counter(&name);
            let name = name.into();
            out.push(Gate { descriptor, value: Arc::clone(shown), counted, limit, name, counter });
        }
    }
}

impl Gate {
    /// What a call that sets `tokens` aside adds, and to which kind of window; `minute` is that of rates.
    pub(crate) const fn claim(&self, tokens: i64, minute: Window) -> (i64, Window) {
        match self.counted {
            Counted::Requests => (1, minute),
            Counted::Tokens => (tokens, minute),
            Counted::Parallel => (1, Window::InFlight),
        }
    }

    /// The count that must not be passed. Without tokens set aside one more must fit: the window is not used up.
    pub(crate) fn claim_limit(&self, tokens: i64) -> i64 {
        let exhausted = self.counted == Counted::Tokens && tokens == 0;
        if exhausted { self.limit.saturating_sub(1) } else { self.limit }
    }
}
