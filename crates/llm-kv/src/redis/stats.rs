//! What health and metrics show of a client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::breaker::BreakerState;

/// Upper ends of the classes of answer times, in microseconds; slower ones have a class of their own.
pub const TIME_CLASSES: [u64; 8] = [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000];

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedisStats {
    /// Calls that were tried.
    pub calls: u64,
    /// Of these: no answer within the deadline.
    pub timeouts: u64,
    /// Of these: the connection was lost, or the server could not serve.
    pub failures: u64,
    /// Calls that were not tried: not connected, or the breaker was open.
    pub refused: u64,
    /// How often the breaker opened.
    pub opened: u64,
    /// Connections made.
    pub connects: u64,
    /// Attempts to connect that failed.
    pub connect_failures: u64,
    /// Answered calls per class of [`TIME_CLASSES`], and slower ones.
    pub times: [u64; TIME_CLASSES.len() + 1],
    /// Microseconds of all answered calls.
    pub busy_micros: u64,
}

/// How a client is.
#[derive(Debug, Clone)]
pub struct RedisHealth {
    /// Where the breaker stands.
    pub state: BreakerState,
    /// Since when.
    pub since: Duration,
    /// The servers, without secrets.
    pub servers: String,
    /// The last failure, kept after recovery.
    pub last_error: Option<String>,
    /// Counts.
    pub stats: RedisStats,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) calls: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) connects: AtomicU64,
    pub(crate) connect_failures: AtomicU64,
    times: [AtomicU64; TIME_CLASSES.len() + 1],
    busy_micros: AtomicU64,
    pub(crate) last_error: Mutex<Option<String>>,
}

pub(crate) fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Counts {
    pub(crate) fn answered(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = TIME_CLASSES.iter().position(|end| micros <= *end).unwrap_or(TIME_CLASSES.len());
        if let Some(count) = self.times.get(class) {
            one_more(count);
        }
        self.busy_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> RedisStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RedisStats {
            calls: read(&self.calls),
            timeouts: read(&self.timeouts),
            failures: read(&self.failures),
            refused: read(&self.refused),
            opened: read(&self.opened),
            connects: read(&self.connects),
            connect_failures: read(&self.connect_failures),
            times: std::array::from_fn(|at| self.times.get(at).map_or(0, read)),
            busy_micros: read(&self.busy_micros),
        }
    }
}
