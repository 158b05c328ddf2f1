//! Where entries live.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use llm_types::Json;

use crate::Entry;

/// A future of a backend.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A cache that does not work. It never fails a call: the owner logs it and goes on without.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CacheError {
    /// The store cannot be reached, or refuses.
    #[error("the cache does not answer: {0}")]
    Backend(String),
    /// What is stored makes no sense, or cannot be stored.
    #[error("a cache entry cannot be used: {0}")]
    Value(String),
    /// The store took longer than it may.
    #[error("the cache did not answer within {0:?}")]
    Timeout(Duration),
    /// The store failed several times and is left alone for a while.
    #[error("the cache failed several times and is left out for a while")]
    Skipped,
}

impl CacheError {
    /// One word for metrics: `backend`, `value`, `timeout`, `skipped`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Backend(_) => "backend",
            Self::Value(_) => "value",
            Self::Timeout(_) => "timeout",
            Self::Skipped => "skipped",
        }
    }
}

/// What a store knows without waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// The whole truth: an entry, or that there is none.
    Known(Option<Entry>),
    /// [`CacheBackend::get`] must be asked.
    Elsewhere,
}

/// A store of entries. Expired entries are not given out.
pub trait CacheBackend: Send + Sync + fmt::Debug {
    /// One word for logs and metrics: `local`, `redis` ...
    fn kind(&self) -> &'static str;

    /// Looks an entry up as far as this process knows.
    fn get_now(&self, _key: &str) -> Now {
        Now::Elsewhere
    }

    /// Stores an entry without waiting; false when [`Self::set`] must be asked.
    fn set_now(&self, _key: &str, _entry: &Entry, _ttl: Option<Duration>) -> bool {
        false
    }

    /// Looks an entry up.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>>;

    /// Looks several entries up, in order.
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, CacheError>> {
        Box::pin(futures_util::future::try_join_all(keys.iter().map(|key| self.get(key))))
    }

    /// Stores an entry; without a lifetime the backend's default applies.
    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Stores several entries.
    fn set_many(&self, entries: Vec<(String, Entry)>, ttl: Option<Duration>) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            for (key, entry) in entries {
                self.set(&key, entry, ttl).await?;
            }
            Ok(())
        })
    }

    /// Deletes an entry; true when it was there.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Deletes everything.
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>>;

    /// Fails when the store cannot be used (`/cache/ping`).
    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>>;

    /// What the server tells of itself (`/cache/redis/info`); nothing when there is no server to ask.
    fn info(&self) -> BoxFuture<'_, Result<Option<Json>, CacheError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
