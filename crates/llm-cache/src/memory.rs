//! Entries in this process: bounded in number, in bytes and in time.

mod lru;

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::{BoxFuture, CacheBackend, CacheError, CacheSettings, Entry, Now};
use lru::Lru;

/// Bounds of a [`MemoryCache`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Entries at most.
    pub entries: usize,
    /// Bytes of keys and answers at most.
    pub bytes: usize,
    /// Bytes of one answer at most; a larger one is not stored.
    pub entry_bytes: usize,
    /// Lifetime of entries that come without one.
    pub ttl: Duration,
}

/// LiteLLM's local cache: 200 entries, 1 MiB each, 600 s. The bound of all bytes is ours.
impl Default for MemoryLimits {
    fn default() -> Self {
        Self { entries: 200, bytes: 64 << 20, entry_bytes: 1 << 20, ttl: Duration::from_secs(600) }
    }
}

impl MemoryLimits {
    /// The bounds that the settings name.
    #[must_use]
    pub fn of(settings: &CacheSettings) -> Self {
        let usual = Self::default();
        Self {
            entries: settings.local_max_entries.unwrap_or(usual.entries),
            bytes: settings.local_max_bytes.unwrap_or(usual.bytes),
            entry_bytes: settings.local_max_entry_bytes.unwrap_or(usual.entry_bytes),
            ttl: settings.default_ttl().unwrap_or(usual.ttl),
        }
    }
}

/// A store in memory. When it is full the entry that was not used for the longest time goes.
#[derive(Debug)]
pub struct MemoryCache {
    limits: MemoryLimits,
    lru: Mutex<Lru>,
}

impl MemoryCache {
    /// An empty store. Nothing is allocated before the first entry.
    #[must_use]
    pub fn new(limits: MemoryLimits) -> Self {
        Self { limits, lru: Mutex::new(Lru::default()) }
    }

    /// Looks an entry up as of `now`.
    #[must_use]
    pub fn get_at(&self, key: &str, now: Instant) -> Option<Entry> {
        self.lru.lock().get(key, now)
    }

    /// Stores an entry as of `now`.
    pub fn set_at(&self, key: &str, entry: Entry, ttl: Option<Duration>, now: Instant) {
        let ttl = ttl.unwrap_or(self.limits.ttl);
        let mut lru = self.lru.lock();
        lru.remove(key);
        // A lifetime beyond the clock's range is as good as the longest that fits.
        let Some(expires) = now.checked_add(ttl).or_else(|| now.checked_add(Duration::from_secs(1 << 31))) else {
            return;
        };
        if entry.response.len() > self.limits.entry_bytes || ttl.is_zero() || self.limits.entries == 0 {
            return;
        }
        lru.insert(key, entry, expires);
        lru.shrink(self.limits.entries, self.limits.bytes, now);
    }

    /// Number of entries and bytes held, expired ones that nobody met included.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let lru = self.lru.lock();
        (lru.len(), lru.bytes())
    }

    /// Drops everything that has expired; for a background job.
    pub fn purge(&self, now: Instant) {
        self.lru.lock().purge(now);
    }
}

impl CacheBackend for MemoryCache {
    fn kind(&self) -> &'static str {
        "local"
    }

    fn get_now(&self, key: &str) -> Now {
        Now::Known(self.get_at(key, Instant::now()))
    }

    fn set_now(&self, key: &str, entry: &Entry, ttl: Option<Duration>) -> bool {
        self.set_at(key, entry.clone(), ttl, Instant::now());
        true
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        Box::pin(std::future::ready(Ok(self.get_at(key, Instant::now()))))
    }

    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        self.set_at(key, entry, ttl, Instant::now());
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(std::future::ready(Ok(self.lru.lock().remove(key))))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        *self.lru.lock() = Lru::default();
        Box::pin(std::future::ready(Ok(())))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
