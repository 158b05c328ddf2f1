//! Where entries live.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

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
}

/// A store of entries. Expired entries are not given out.
pub trait CacheBackend: Send + Sync + fmt::Debug {
    /// The same store without waiting, when it is in this process.
    fn sync(&self) -> Option<&dyn SyncBackend> {
        None
    }

    /// Looks an entry up.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>>;

    /// Looks several entries up, in order.
    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, CacheError>> {
        Box::pin(futures_util::future::try_join_all(keys.iter().map(|key| self.get(key))))
    }

    /// Stores an entry; without a lifetime the backend's default applies.
    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Deletes an entry; true when it was there.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Deletes everything.
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>>;

    /// Fails when the store cannot be used (`/cache/ping`).
    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>>;
}

/// A store in this process.
pub trait SyncBackend: Send + Sync {
    /// Looks an entry up.
    fn get(&self, key: &str) -> Option<Entry>;

    /// Stores an entry; without a lifetime the backend's default applies.
    fn set(&self, key: &str, entry: Entry, ttl: Option<Duration>);
}
