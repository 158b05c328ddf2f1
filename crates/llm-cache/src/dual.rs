//! Memory in front of another store.

use std::sync::Arc;
use std::time::Duration;

use llm_types::Json;

use crate::{BoxFuture, CacheBackend, CacheError, Entry, MemoryCache, Now};

/// Memory in front of another store. What was read or written stays in memory for a short while, during which a change
/// by another gateway is not seen.
#[derive(Debug)]
pub struct Dual {
    near: Arc<MemoryCache>,
    far: Arc<dyn CacheBackend>,
    longest: Duration,
}

impl Dual {
    /// Puts `near` before `far`; entries stay in `near` for `longest` at most.
    #[must_use]
    pub fn new(near: Arc<MemoryCache>, far: Arc<dyn CacheBackend>, longest: Duration) -> Self {
        Self { near, far, longest }
    }

    fn keep(&self, key: &str, entry: &Entry, ttl: Option<Duration>) {
        let ttl = ttl.map_or(self.longest, |ttl| ttl.min(self.longest));
        self.near.set_now(key, entry, Some(ttl));
    }
}

impl CacheBackend for Dual {
    fn kind(&self) -> &'static str {
        "dual"
    }

    fn get_now(&self, key: &str) -> Now {
        match self.near.get_now(key) {
            Now::Known(Some(entry)) => Now::Known(Some(entry)),
            _ => Now::Elsewhere,
        }
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        Box::pin(async move {
            if let Now::Known(Some(entry)) = self.near.get_now(key) {
                return Ok(Some(entry));
            }
            let found = self.far.get(key).await?;
            if let Some(entry) = &found {
                self.keep(key, entry, None);
            }
            Ok(found)
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, CacheError>> {
        Box::pin(async move {
            let mut found: Vec<Option<Entry>> = keys.iter().map(|key| self.near_entry(key)).collect();
            let open = || found.iter().zip(keys).filter(|(entry, _)| entry.is_none()).map(|(_, key)| key.clone());
            let missing: Vec<String> = open().collect();
            if missing.is_empty() {
                return Ok(found);
            }
            let mut fetched = self.far.get_many(&missing).await?.into_iter();
            for (slot, key) in found.iter_mut().zip(keys).filter(|(slot, _)| slot.is_none()) {
                *slot = fetched.next().flatten();
                if let Some(entry) = slot {
                    self.keep(key, entry, None);
                }
            }
            Ok(found)
        })
    }

    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        self.keep(key, &entry, ttl);
        self.far.set(key, entry, ttl)
    }

    fn set_many(&self, entries: Vec<(String, Entry)>, ttl: Option<Duration>) -> BoxFuture<'_, Result<(), CacheError>> {
        entries.iter().for_each(|(key, entry)| self.keep(key, entry, ttl));
        self.far.set_many(entries, ttl)
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async move {
            let here = self.near.remove(key).await?;
            Ok(self.far.remove(key).await? | here)
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            self.near.clear().await?;
            self.far.clear().await
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        self.far.ping()
    }

    fn info(&self) -> BoxFuture<'_, Result<Option<Json>, CacheError>> {
        self.far.info()
    }
}

impl Dual {
    fn near_entry(&self, key: &str) -> Option<Entry> {
        match self.near.get_now(key) {
            Now::Known(entry) => entry,
            Now::Elsewhere => None,
        }
    }
}
