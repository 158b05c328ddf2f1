//! What a sink is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use llm_types::LogRecord;
use llm_types::record::Status;

/// What a sink asks for, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Calls that were answered.
    pub const SUCCESS: Self = Self(1);
    /// Calls that failed.
    pub const FAILURE: Self = Self(2);
    /// Messages and answers: whoever asks for it makes every stream be read on its way.
    pub const CONTENT: Self = Self(4);
    /// Every call, without content.
    pub const CALLS: Self = Self(3);

    /// Needs of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when all bits of `other` are asked for.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True when a call that ended like this is wanted.
    #[must_use]
    pub const fn wants(self, status: Status) -> bool {
        self.has(match status {
            Status::Success => Self::SUCCESS,
            Status::Failure => Self::FAILURE,
        })
    }
}

/// How records reach a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In batches: when `max` records wait, or `every` so often.
    Batched {
        /// Records in a batch at the most
        max: usize,
        /// How long a record waits at the most
        every: Duration,
    },
    /// As soon as the bus is drained. Only for sinks that compute and never wait: their future must be ready at
    /// the first poll, one that is not counts as failed.
    Inline,
}

impl Default for Delivery {
    /// 512 records or 5 seconds, as in LiteLLM.
    fn default() -> Self {
        Self::Batched { max: 512, every: Duration::from_secs(5) }
    }
}

/// Why a batch could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkError {
    /// For people.
    pub message: String,
    /// The same batch may succeed later.
    pub retryable: bool,
}

impl SinkError {
    /// A failure that may pass.
    #[must_use]
    pub fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: true }
    }

    /// A failure that will not pass.
    #[must_use]
    pub fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: false }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SinkError {}

/// A sink of finished calls.
///
/// `log` is called by one task at a time. A batch is never empty and keeps the order in which calls ended. A sink
/// that panics or hangs loses its own batch and nothing else.
pub trait Callback: Send + Sync + fmt::Debug {
    /// Name in reports and metrics: LiteLLM's callback name.
    fn name(&self) -> &str;

    /// Which calls it wants, and whether with content.
    fn needs(&self) -> Needs;

    /// Whether it wants this call.
    fn wants(&self, record: &LogRecord) -> bool {
        self.needs().wants(record.status)
    }

    /// How it wants them.
    fn delivery(&self) -> Delivery {
        Delivery::default()
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// When the batch could not be delivered. The bus repeats a retryable failure a few times, then counts it.
    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>>;

    /// Is told how many records another sink lost, once per batch. Metrics count them.
    fn lost(&self, sink: &str, records: u64) {
        let _ = (sink, records);
    }
}
