//! A map in independently locked parts, which throws out what has expired while it grows.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use parking_lot::Mutex;

/// A part is searched for expired entries after this many insertions, or as many as it had entries left the last time:
/// the cost per insertion is constant, and the dead are never more than the living plus this.
const MIN_SWEEP: usize = 32;
const PARTS: usize = 64;

#[derive(Debug)]
pub(crate) struct Shards<V> {
    hasher: RandomState,
    first: Mutex<Part<V>>,
    rest: Box<[Mutex<Part<V>>]>,
}

#[derive(Debug)]
struct Part<V> {
    entries: HashMap<Box<str>, V>,
    sweep_at: usize,
}

/// Something that may be forgotten.
pub(crate) trait Expires {
    fn expired(&self, now: u64) -> bool;
}

impl<V: Expires> Shards<V> {
    pub(crate) fn new() -> Self {
        let part = || Mutex::new(Part { entries: HashMap::new(), sweep_at: MIN_SWEEP });
        Shards { hasher: RandomState::new(), first: part(), rest: (1..PARTS).map(|_| part()).collect() }
    }

    /// Works on the entry of `key`, expired or not.
    pub(crate) fn with<R>(&self, key: &str, work: impl FnOnce(Option<&mut V>) -> R) -> R {
        work(self.part(key).lock().entries.get_mut(key))
    }

    /// Works on the entry of `key`, made if absent.
    pub(crate) fn with_or_insert<R>(
        &self,
        key: &str,
        now: u64,
        make: impl FnOnce() -> V,
        work: impl FnOnce(&mut V) -> R,
    ) -> R {
        let mut part = self.part(key).lock();
        if let Some(value) = part.entries.get_mut(key) {
            return work(value);
        }
        part.sweep_if_due(now);
        work(part.entries.entry(key.into()).or_insert_with(make))
    }

    pub(crate) fn insert(&self, key: &str, value: V, now: u64) {
        let mut part = self.part(key).lock();
        if let Some(old) = part.entries.get_mut(key) {
            *old = value;
            return;
        }
        part.sweep_if_due(now);
        part.entries.insert(key.into(), value);
    }

    pub(crate) fn remove(&self, key: &str) -> Option<V> {
        self.part(key).lock().entries.remove(key)
    }

    /// Entries held, expired ones included.
    pub(crate) fn len(&self) -> usize {
        self.first.lock().entries.len() + self.rest.iter().map(|part| part.lock().entries.len()).sum::<usize>()
    }

    fn part(&self, key: &str) -> &Mutex<Part<V>> {
        // The upper bits: the map inside uses the lower ones of its own hash.
        let hash = self.hasher.hash_one(key) >> 32;
        self.rest.get(hash as usize % PARTS).unwrap_or(&self.first)
    }
}

impl<V: Expires> Part<V> {
    fn sweep_if_due(&mut self, now: u64) {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, value| !value.expired(now));
            self.sweep_at = self.entries.len() + self.entries.len().max(MIN_SWEEP);
        }
    }
}
