//! The store in this process's memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::counter::{Claim, Counter, reserve_counters};
use crate::kv::{Kv, KvFuture};
use crate::shards::{Expires, Shards};
use crate::time::{Time, millis};
use crate::{CounterClaim, Granted, Reading, ReserveOutcome, Stamp, Window};

/// Values, counters and locks of one process. The methods of the same names as in [`Kv`] do the same without a future.
///
/// What has expired is thrown out while new keys come in, part by part; no background task is needed.
#[derive(Debug)]
pub struct MemoryKv {
    time: Time,
    values: Shards<Value>,
    counters: Shards<Arc<Counter>>,
    locks: Shards<Lock>,
}

#[derive(Debug)]
struct Value {
    bytes: Bytes,
    ends: u64,
}

#[derive(Debug)]
struct Lock {
    owner: Box<str>,
    ends: u64,
}

impl Expires for Value {
    fn expired(&self, now: u64) -> bool {
        now >= self.ends
    }
}

impl Expires for Lock {
    fn expired(&self, now: u64) -> bool {
        now >= self.ends
    }
}

impl Expires for Arc<Counter> {
    // A counter that somebody holds a handle on must stay the one that the key leads to.
    fn expired(&self, now: u64) -> bool {
        Arc::strong_count(self) == 1 && Counter::expired(self, now)
    }
}

impl Default for MemoryKv {
    fn default() -> Self {
        MemoryKv::new()
    }
}

impl MemoryKv {
    /// An empty store.
    pub fn new() -> Self {
        MemoryKv { time: Time::new(), values: Shards::new(), counters: Shards::new(), locks: Shards::new() }
    }

    /// This store's time.
    pub fn now(&self) -> Stamp {
        Stamp(self.time.now())
    }

    /// Lets time pass, for this store only.
    #[cfg(feature = "testing")]
    pub fn skip(&self, by: Duration) {
        self.time.skip(by);
    }

    /// The counter of that name, made if absent. Hold it and [`reserve_counters`] needs no look-up.
    pub fn counter(&self, key: &str) -> Arc<Counter> {
        self.counters.with_or_insert(key, self.time.now(), Arc::default, |counter| counter.clone())
    }

    /// See [`Kv::get`].
    pub fn get(&self, key: &str) -> Option<Bytes> {
        let now = self.time.now();
        self.values.with(key, |value| value.filter(|value| !value.expired(now)).map(|value| value.bytes.clone()))
    }

    /// See [`Kv::set`].
    pub fn set(&self, key: &str, bytes: Bytes, ttl: Option<Duration>) {
        let now = self.time.now();
        self.values.insert(key, Value { bytes, ends: end(now, ttl) }, now);
    }

    /// See [`Kv::delete`].
    pub fn delete(&self, key: &str) -> bool {
        let now = self.time.now();
        let value = self.values.remove(key).is_some_and(|value| !value.expired(now));
        // Handles on the counter live on, so it is emptied, not only forgotten.
        let counter = self.counters.with(key, |counter| {
            counter.is_some_and(|counter| {
                let lived = !Counter::expired(counter, now);
                counter.reset();
                lived
            })
        });
        value || counter
    }

    /// See [`Kv::incr_window`].
    pub fn incr_window(&self, key: &str, by: i64, window: Window) -> Reading {
        self.counter(key).add(by, window, self.now())
    }

    /// See [`Kv::read`].
    pub fn read(&self, key: &str) -> Option<Reading> {
        let now = self.now();
        self.counters.with(key, |counter| counter.and_then(|counter| counter.read(now)))
    }

    /// See [`Kv::reserve`].
    pub fn reserve(&self, claims: &[CounterClaim<'_>]) -> ReserveOutcome {
        let counters: Vec<Arc<Counter>> = claims.iter().map(|claim| self.counter(claim.key)).collect();
        let mut held: Vec<Claim<'_>> = claims
            .iter()
            .zip(&counters)
            .enumerate()
            .map(|(mark, (claim, counter))| Claim {
                counter,
                by: claim.by,
                limit: claim.limit,
                window: claim.window,
                mark,
                alone: claim.alone,
                floor: claim.floor,
                reading: None,
            })
            .collect();
        match reserve_counters(&mut held, self.now()) {
            Ok(stamp) => {
                held.sort_unstable_by_key(|claim| claim.mark);
                let readings = held.iter().filter_map(|claim| claim.reading).collect();
                ReserveOutcome::Granted(Granted { stamp, readings })
            }
            Err(exceeded) => ReserveOutcome::Exceeded(exceeded),
        }
    }

    /// See [`Kv::adjust`].
    pub fn adjust(&self, key: &str, by: i64, since: Option<Stamp>) -> Option<i64> {
        let now = self.now();
        self.counters.with(key, |counter| counter.and_then(|counter| counter.adjust(by, since, now)))
    }

    /// See [`Kv::raise`].
    pub fn raise(&self, key: &str, floor: i64, window: Window) -> Reading {
        self.counter(key).raise(floor, window, self.now())
    }

    /// See [`Kv::acquire`].
    pub fn acquire(&self, key: &str, limit: Option<i64>) -> Option<i64> {
        let counter = self.counter(key);
        let claim = Claim {
            counter: &counter,
            by: 1,
            limit,
            window: Window::InFlight,
            mark: 0,
            alone: false,
            floor: 0,
            reading: None,
        };
        let mut claims = [claim];
        reserve_counters(&mut claims, self.now()).ok()?;
        let [claim] = claims;
        claim.reading.map(|reading| reading.value)
    }

    /// See [`Kv::release`].
    pub fn release(&self, key: &str) -> i64 {
        self.adjust(key, -1, None).unwrap_or(0)
    }

    /// See [`Kv::try_lock`].
    pub fn try_lock(&self, name: &str, owner: &str, ttl: Duration) -> bool {
        let now = self.time.now();
        let ends = end(now, Some(ttl));
        let make = || Lock { owner: owner.into(), ends };
        self.locks.with_or_insert(name, now, make, |lock| {
            let free = lock.expired(now) || *lock.owner == *owner;
            if free {
                *lock = make();
            }
            free
        })
    }

    /// See [`Kv::unlock`].
    pub fn unlock(&self, name: &str, owner: &str) -> bool {
        let now = self.time.now();
        self.locks.with(name, |lock| match lock {
            Some(lock) if *lock.owner == *owner && !lock.expired(now) => {
                lock.ends = 0;
                true
            }
            _ => false,
        })
    }

    /// Entries held, expired ones that nobody has met yet included. For metrics.
    pub fn len(&self) -> usize {
        self.values.len() + self.counters.len() + self.locks.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn end(now: u64, ttl: Option<Duration>) -> u64 {
    ttl.map_or(u64::MAX, |ttl| now.saturating_add(millis(ttl)))
}

fn done<'a, T: Send + 'a>(value: T) -> KvFuture<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Kv for MemoryKv {
    fn as_memory(&self) -> Option<&MemoryKv> {
        Some(self)
    }
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<Bytes>> {
        done(self.get(key))
    }
    fn set<'a>(&'a self, key: &'a str, value: Bytes, ttl: Option<Duration>) -> KvFuture<'a, ()> {
        self.set(key, value, ttl);
        done(())
    }
    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, bool> {
        done(self.delete(key))
    }
    fn incr_window<'a>(&'a self, key: &'a str, by: i64, window: Window) -> KvFuture<'a, Reading> {
        done(self.incr_window(key, by, window))
    }
    fn read<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<Reading>> {
        done(self.read(key))
    }
    fn reserve<'a>(&'a self, claims: &'a [CounterClaim<'a>]) -> KvFuture<'a, ReserveOutcome> {
        done(self.reserve(claims))
    }
    fn adjust<'a>(&'a self, key: &'a str, by: i64, since: Option<Stamp>) -> KvFuture<'a, Option<i64>> {
        done(self.adjust(key, by, since))
    }
    fn raise<'a>(&'a self, key: &'a str, floor: i64, window: Window) -> KvFuture<'a, Reading> {
        done(self.raise(key, floor, window))
    }
    fn try_lock<'a>(&'a self, name: &'a str, owner: &'a str, ttl: Duration) -> KvFuture<'a, bool> {
        done(self.try_lock(name, owner, ttl))
    }
    fn unlock<'a>(&'a self, name: &'a str, owner: &'a str) -> KvFuture<'a, bool> {
        done(self.unlock(name, owner))
    }
}
