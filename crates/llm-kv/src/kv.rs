//! The trait over memory and Redis.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::{Correction, CounterClaim, MemoryKv, Reading, ReserveOutcome, Stamp, Window};

/// What a method of [`Kv`] gives.
pub type KvFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, KvError>> + Send + 'a>>;

/// Why a backend could not answer. Memory never fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// Not connected, or the breaker is open: nothing was done.
    #[error("key-value store unavailable: {0}")]
    Unavailable(String),
    /// No answer within the deadline: it may or may not have been done.
    #[error("key-value store did not answer in time")]
    Timeout,
    /// An answer that makes no sense, or a key of another type.
    #[error("key-value store: {0}")]
    Protocol(String),
}

/// State with a lifetime, in this process or shared by many.
///
/// **Memory first.** Whoever is on a request's path asks [`Kv::as_memory`] and uses the methods of [`MemoryKv`], which
/// need no future; the boxed futures here are for shared backends and for background work.
///
/// **Deadline.** A shared backend answers each call within its deadline (25 ms unless configured) or gives
/// [`KvError::Timeout`]. After several failures in a row it answers [`KvError::Unavailable`] at once for a while, so an
/// outage costs a request no time.
///
/// **Degraded mode.** An implementation never pretends: it gives the error. The caller chooses what an error means: rate
/// limits and gauges fall back to a `MemoryKv` beside (each process then counts for itself), budgets to what the store
/// last knew or to refusal, caches to a miss, locks to "not obtained".
///
/// **Atomic.** [`Kv::reserve`] is one step, seen from every process. On a cluster all keys of one reservation must lie
/// in one slot: they carry a common `{tag}`.
pub trait Kv: Send + Sync + fmt::Debug {
    /// This store as memory, if that is what it is.
    fn as_memory(&self) -> Option<&MemoryKv> {
        None
    }

    /// The value, unless absent or expired.
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<Bytes>>;

    /// Stores a value, for `ttl` or (`None`) for ever, over whatever was there.
    fn set<'a>(&'a self, key: &'a str, value: Bytes, ttl: Option<Duration>) -> KvFuture<'a, ()>;

    /// Removes a value or counter. True when something living was there.
    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, bool>;

    /// Adds to a counter without a limit; starts a new window when the last one is over.
    fn incr_window<'a>(&'a self, key: &'a str, by: i64, window: Window) -> KvFuture<'a, Reading>;

    /// A counter's state, unless never used or its window is over.
    fn read<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<Reading>>;

    /// Checks all claims, then adds all of them, or none and says which did not fit.
    fn reserve<'a>(&'a self, claims: &'a [CounterClaim<'a>]) -> KvFuture<'a, ReserveOutcome>;

    /// Corrects what was reserved at `since` (`None`: whenever) by the difference `by`; the value does not fall below
    /// 0. `None` when the window of that time is over: nothing to correct.
    fn adjust<'a>(&'a self, key: &'a str, by: i64, since: Option<Stamp>) -> KvFuture<'a, Option<i64>>;

    /// Several corrections; on a cluster all keys lie in one slot. What [`Kv::adjust`] gives, for each.
    fn settle<'a>(&'a self, corrections: &'a [Correction<'a>]) -> KvFuture<'a, Vec<Option<i64>>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(corrections.len());
            for correction in corrections {
                values.push(self.adjust(correction.key, correction.by, correction.since).await?);
            }
            Ok(values)
        })
    }

    /// Raises a counter to at least `floor`.
    fn raise<'a>(&'a self, key: &'a str, floor: i64, window: Window) -> KvFuture<'a, Reading>;

    /// Takes a lock, or keeps it for another `ttl` if `owner` has it already. False when somebody else has it.
    fn try_lock<'a>(&'a self, name: &'a str, owner: &'a str, ttl: Duration) -> KvFuture<'a, bool>;

    /// Gives a lock back. False when `owner` did not have it (any more).
    fn unlock<'a>(&'a self, name: &'a str, owner: &'a str) -> KvFuture<'a, bool>;

    /// One more in flight, unless that would be more than `limit`. The number in flight, or `None` when refused.
    fn acquire<'a>(&'a self, key: &'a str, limit: Option<i64>) -> KvFuture<'a, Option<i64>> {
        Box::pin(async move {
            let claims = [CounterClaim { key, by: 1, limit, window: Window::InFlight, alone: false, floor: 0 }];
            match self.reserve(&claims).await? {
                ReserveOutcome::Granted(granted) => Ok(granted.readings.first().map(|reading| reading.value)),
                ReserveOutcome::Exceeded(_) => Ok(None),
            }
        })
    }

    /// One less in flight; not below 0. The number left.
    fn release<'a>(&'a self, key: &'a str) -> KvFuture<'a, i64> {
        Box::pin(async move { Ok(self.adjust(key, -1, None).await?.unwrap_or(0)) })
    }
}
