//! A backend that is elsewhere, behind a deadline and a breaker.

use std::sync::Arc;
use std::time::Duration;

use llm_types::Json;

use crate::fuse::Fuse;
use crate::{BoxFuture, CacheBackend, CacheError, Entry, Guard};

/// Runs another backend on its own runtime, within deadlines; leaves it alone when it fails again and again.
#[derive(Debug, Clone)]
pub struct Shield {
    fuse: Arc<Fuse>,
    inner: Arc<dyn CacheBackend>,
}

impl Shield {
    /// A backend behind a guard.
    #[must_use]
    pub fn new(inner: Arc<dyn CacheBackend>, guard: Guard) -> Self {
        Self { fuse: Arc::new(Fuse::new(inner.kind(), guard)), inner }
    }
}

impl CacheBackend for Shield {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        Box::pin(self.fuse.read(async move { inner.get(&key).await }))
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, CacheError>> {
        let (inner, keys) = (Arc::clone(&self.inner), keys.to_vec());
        Box::pin(self.fuse.read(async move { inner.get_many(&keys).await }))
    }

    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        Box::pin(self.fuse.write(async move { inner.set(&key, entry, ttl).await }))
    }

    fn set_many(&self, entries: Vec<(String, Entry)>, ttl: Option<Duration>) -> BoxFuture<'_, Result<(), CacheError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(self.fuse.write(async move { inner.set_many(entries, ttl).await }))
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        Box::pin(self.fuse.command(async move { inner.remove(&key).await }))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(self.fuse.command(async move { inner.clear().await }))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(self.fuse.command(async move { inner.ping().await }))
    }

    fn info(&self) -> BoxFuture<'_, Result<Option<Json>, CacheError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(self.fuse.command(async move { inner.info().await }))
    }
}
