//! Credentials that end, kept until shortly before they do.
//!
//! Whoever needs a new one fetches it; all others who need the same wait for that one fetch. A holder that hangs up
//! in the middle leaves the fetch to the next in line. Shortly before the end one request renews, and the others go on
//! with what is still good.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use llm_http::BoxFuture;
use llm_types::{Error, Result, Secret};
use parking_lot::{Mutex, RwLock};
use sha2::{Digest, Sha256};

/// How long something without an end is believed.
const ENDLESS: Duration = Duration::from_secs(300);
/// How long before the end it is renewed.
const AHEAD: Duration = Duration::from_secs(300);
/// How long before the end it counts as over: clocks differ, and requests take a while.
const MARGIN: Duration = Duration::from_secs(20);
/// How long a renewal ahead of time may hold up the one request that does it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to leave an issuer alone after a renewal ahead of time failed.
const PAUSE: Duration = Duration::from_secs(30);
/// Different credentials remembered; more come only from callers who bring their own.
const CAPACITY: usize = 4096;

/// Which credential: a digest over everything that tells it from others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

/// Makes a [`Key`].
pub(crate) struct KeyOf(Sha256);

impl KeyOf {
    pub(crate) fn new(scheme: &str) -> Self {
        KeyOf(Sha256::new()).text(scheme)
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }

    pub(crate) fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text("+").text(text),
            None => self.text("-"),
        }
    }

    pub(crate) fn secret(self, secret: Option<&Secret>) -> Self {
        self.maybe(secret.map(Secret::expose))
    }

    pub(crate) fn pairs(self, pairs: &[(String, String)]) -> Self {
        let counted = self.text(&pairs.len().to_string());
        pairs.iter().fold(counted, |key, (name, value)| key.text(name).text(value))
    }

    pub(crate) fn end(self) -> Key {
        Key(self.0.finalize().into())
    }
}

/// Something issued, and when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Issued<T> {
    pub(crate) value: T,
    pub(crate) expires: Option<SystemTime>,
}

struct Held<T> {
    issued: Issued<T>,
    /// From when on it is renewed ahead of time.
    renew: SystemTime,
    /// From when on it is not used any more.
    over: SystemTime,
}

struct Slot<T> {
    held: RwLock<Option<Held<T>>>,
    /// Whoever has it fetches.
    turn: tokio::sync::Mutex<()>,
    /// How many fetches failed, and how the last one did.
    failures: AtomicU64,
    failure: Mutex<Option<Error>>,
}

/// What is remembered, by key.
pub(crate) struct Shelf<T> {
    slots: RwLock<HashMap<Key, Arc<Slot<T>>>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf { slots: RwLock::default() }
    }
}

impl<T> fmt::Debug for Shelf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("slots", &self.slots.read().len()).finish()
    }
}

impl<T: Clone> Shelf<T> {
    /// What is held under `key`, or what `fetch` brings. Nothing is made for a fetch that is not needed.
    pub(crate) async fn get<'a>(
        &self,
        key: Key,
        now: SystemTime,
        fetch: impl FnOnce() -> BoxFuture<'a, Result<Issued<T>>>,
    ) -> Result<T> {
        let slot = self.slot(key);
        match slot.look(now) {
            Look::Good(value) => Ok(value),
            Look::Ageing(value) => Ok(slot.renew(now, fetch()).await.unwrap_or(value)),
            Look::Nothing => slot.fetch(now, fetch()).await,
        }
    }

    /// Forgets what is held under `key`.
    pub(crate) fn forget(&self, key: Key) {
        self.slots.write().remove(&key);
    }

    fn slot(&self, key: Key) -> Arc<Slot<T>> {
        if let Some(slot) = self.slots.read().get(&key) {
            return Arc::clone(slot);
        }
        let mut slots = self.slots.write();
        if slots.len() >= CAPACITY {
            // Who is in the middle of a fetch has its own handle.
            slots.clear();
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot {
            held: RwLock::new(None),
            turn: tokio::sync::Mutex::default(),
            failures: AtomicU64::new(0),
            failure: Mutex::default(),
        }
    }
}

enum Look<T> {
    Good(T),
    Ageing(T),
    Nothing,
}

impl<T: Clone> Slot<T> {
    fn look(&self, now: SystemTime) -> Look<T> {
        match &*self.held.read() {
            Some(held) if now < held.renew => Look::Good(held.issued.value.clone()),
            Some(held) if now < held.over => Look::Ageing(held.issued.value.clone()),
            _ => Look::Nothing,
        }
    }

    /// One caller fetches, the others wait and share the outcome, be it an error: an issuer that is down is asked once
    /// for all who wait, not once for each.
    async fn fetch(&self, now: SystemTime, fetch: impl Future<Output = Result<Issued<T>>>) -> Result<T> {
        let failures = self.failures.load(Ordering::Acquire);
        let _turn = self.turn.lock().await;
        if let Look::Good(value) | Look::Ageing(value) = self.look(now) {
            return Ok(value);
        }
        if self.failures.load(Ordering::Acquire) != failures
            && let Some(error) = self.failure.lock().clone()
        {
            return Err(error);
        }
        match fetch.await {
            Ok(issued) => Ok(self.keep(now, issued)),
            Err(error) => {
                *self.failure.lock() = Some(error.clone());
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    /// A new one ahead of time; `None` when somebody else is at it, or when it did not work out.
    async fn renew(&self, now: SystemTime, fetch: impl Future<Output = Result<Issued<T>>>) -> Option<T> {
        let _turn = self.turn.try_lock().ok()?;
        if let Look::Good(value) = self.look(now) {
            return Some(value);
        }
        // Whatever happens, also being dropped here: leave the issuer alone for a while.
        if let Some(held) = &mut *self.held.write() {
            held.renew = now + PAUSE;
        }
        match tokio::time::timeout(PATIENCE, fetch).await {
            Ok(Ok(issued)) => Some(self.keep(now, issued)),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "a credential could not be renewed ahead of its end; it is still good");
                None
            }
            Err(_) => {
                tracing::warn!("renewing a credential ahead of its end took too long; it is still good");
                None
            }
        }
    }

    fn keep(&self, now: SystemTime, issued: Issued<T>) -> T {
        let value = issued.value.clone();
        let end = issued.expires.unwrap_or(now + ENDLESS);
        let life = end.duration_since(now).unwrap_or_default();
        let (ahead, margin) = (AHEAD.min(life / 5), MARGIN.min(life / 10));
        let mut renew = end.checked_sub(ahead).unwrap_or(now);
        // Some hand out the same until shortly before its end.
        if let Some(old) = &*self.held.read()
            && old.issued.expires.is_some()
            && old.issued.expires == issued.expires
        {
            renew = renew.max(now + PAUSE);
        }
        let over = end.checked_sub(margin).unwrap_or(now);
        *self.held.write() = Some(Held { issued, renew, over });
        value
    }
}

#[cfg(test)]
mod tests;
