//! What stands before every store that is elsewhere: a runtime of its own, a deadline, a breaker, somebody who is told.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::CacheError;
use crate::breaker::{Breaker, Turn};

/// Is told of what goes wrong: metrics.
pub trait Witness: Send + Sync + fmt::Debug {
    /// An operation failed, or was left out.
    fn failed(&self, kind: &'static str, operation: &'static str, error: &CacheError);

    /// The store is used from now on, or left alone.
    fn usable(&self, kind: &'static str, usable: bool);
}

/// Somebody who does not care.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Witness for Nobody {
    fn failed(&self, _kind: &'static str, _operation: &'static str, _error: &CacheError) {}
    fn usable(&self, _kind: &'static str, _usable: bool) {}
}

/// How long operations may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// A look-up: a request waits for it.
    pub read: Duration,
    /// Storing: nobody waits.
    pub write: Duration,
}

impl Deadlines {
    /// For a store in the same network: 100 ms, as LiteLLM's `socket_timeout`, and a second.
    pub const NEAR: Self = Self { read: Duration::from_millis(100), write: Duration::from_secs(1) };
    /// For an object store: a second and ten.
    pub const FAR: Self = Self { read: Duration::from_secs(1), write: Duration::from_secs(10) };
}

/// How long an administrator's command may take.
const COMMAND: Duration = Duration::from_secs(30);

/// Where, how long and whether at all a store is asked.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The runtime that the store's connections live on; nothing when it may be asked from anywhere.
    pub runtime: Option<Handle>,
    /// How long operations may take.
    pub deadlines: Deadlines,
    /// Is told of failures.
    pub witness: Arc<dyn Witness>,
}

impl Guard {
    /// A guard that tells nobody.
    #[must_use]
    pub fn new(runtime: Handle, deadlines: Deadlines) -> Self {
        Self { runtime: Some(runtime), deadlines, witness: Arc::new(Nobody) }
    }
}

/// Runs the operations of one store.
#[derive(Debug)]
pub(crate) struct Fuse {
    kind: &'static str,
    guard: Guard,
    breaker: Mutex<Breaker>,
}

impl Fuse {
    pub(crate) fn new(kind: &'static str, guard: Guard) -> Self {
        guard.witness.usable(kind, true);
        Self { kind, guard, breaker: Mutex::new(Breaker::new()) }
    }

    /// A look-up.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, CacheError>> + Send + 'static,
    ) -> Result<T, CacheError> {
        self.run("get", Some(self.guard.deadlines.read), work).await
    }

    /// Storing.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, CacheError>> + Send + 'static,
    ) -> Result<T, CacheError> {
        self.run("set", Some(self.guard.deadlines.write), work).await
    }

    /// What an administrator asks for: also when the store is left alone.
    pub(crate) async fn command<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, CacheError>> + Send + 'static,
    ) -> Result<T, CacheError> {
        self.run("command", None, work).await
    }

    /// Work that belongs to the runtime of whoever asks.
    pub(crate) async fn beside<T>(
        &self,
        operation: &'static str,
        limit: Duration,
        work: impl Future<Output = Result<T, CacheError>> + Send,
    ) -> Result<T, CacheError> {
        self.allowed(operation)?;
        let outcome = match tokio::time::timeout(limit, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(CacheError::Timeout(limit)),
        };
        self.note(operation, outcome.as_ref().err());
        outcome
    }

    fn allowed(&self, operation: &'static str) -> Result<(), CacheError> {
        if self.breaker.lock().allows(Instant::now()) {
            return Ok(());
        }
        self.guard.witness.failed(self.kind, operation, &CacheError::Skipped);
        Err(CacheError::Skipped)
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        limit: Option<Duration>,
        work: impl Future<Output = Result<T, CacheError>> + Send + 'static,
    ) -> Result<T, CacheError> {
        if limit.is_some() {
            self.allowed(operation)?;
        }
        let limit = limit.unwrap_or(COMMAND);
        // The deadline holds here, even when the store's own runtime is stuck.
        let outcome = match &self.guard.runtime {
            Some(runtime) => tokio::time::timeout(limit, AbortOnDrop(runtime.spawn(work))).await,
            None => tokio::time::timeout(limit, work).await,
        };
        let outcome = outcome.unwrap_or(Err(CacheError::Timeout(limit)));
        self.note(operation, outcome.as_ref().err());
        outcome
    }

    fn note(&self, operation: &'static str, error: Option<&CacheError>) {
        if let Some(error) = error {
            self.guard.witness.failed(self.kind, operation, error);
        }
        // An entry that cannot be read says nothing against the store.
        let worked = error.is_none_or(|e| matches!(e, CacheError::Value(_)));
        let turn = self.breaker.lock().note(worked, Instant::now());
        match (turn, error) {
            (Turn::Opened(pause), Some(error)) => {
                tracing::warn!(cache = self.kind, %error, ?pause, "the cache fails; requests go on without it");
                self.guard.witness.usable(self.kind, false);
            }
            (Turn::Closed, _) => {
                tracing::info!(cache = self.kind, "the cache works again");
                self.guard.witness.usable(self.kind, true);
            }
            (_, Some(error)) if worked => tracing::debug!(cache = self.kind, operation, %error, "not cached"),
            (_, Some(error)) => tracing::debug!(cache = self.kind, operation, %error, "the cache did not answer"),
            (_, None) => {}
        }
    }
}

/// Work that nobody waits for any more ends.
struct AbortOnDrop<T>(tokio::task::JoinHandle<Result<T, CacheError>>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, CacheError>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        let joined = std::task::ready!(std::pin::Pin::new(&mut self.get_mut().0).poll(cx));
        std::task::Poll::Ready(joined.unwrap_or_else(|error| Err(CacheError::Backend(error.to_string()))))
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
