//! Remembering what a slow source said.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use llm_http::BoxFuture;
use llm_types::Secret;
use parking_lot::Mutex;

use crate::{SecretError, SecretSource};

/// LiteLLM's default for secret managers: a day.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(86_400);

/// Keeps a source's secrets for a while. "Not there" and errors are asked again each time; when the source fails, what it said
/// last goes on being used, overdue secrets and "not there" alike, and [`Cached::behind`] says so: a manager that is down must not
/// take the gateway with it.
#[derive(Debug)]
pub struct Cached<S> {
    source: S,
    lifetime: Duration,
    known: Mutex<HashMap<String, (Instant, Option<Secret>)>>,
    behind: Arc<AtomicBool>,
}

impl<S> Cached<S> {
    /// Over `source`; each secret is believed for `lifetime`.
    pub fn new(source: S, lifetime: Duration) -> Self {
        Cached { source, lifetime, known: Mutex::default(), behind: Arc::default() }
    }

    /// Becomes true when an overdue answer was given. Whoever looks sets it back.
    pub fn behind(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.behind)
    }

    /// What the source said last, and whether that is still believed.
    fn remembered(&self, name: &str) -> Option<(bool, Option<Secret>)> {
        let known = self.known.lock();
        let (at, secret) = known.get(name)?;
        Some((secret.is_some() && at.elapsed() < self.lifetime, secret.clone()))
    }
}

impl<S: SecretSource> SecretSource for Cached<S> {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
        Box::pin(async move {
            let remembered = self.remembered(name);
            if let Some((true, secret)) = remembered {
                return Ok(secret);
            }
            match (self.source.get(name).await, remembered) {
                (Ok(secret), _) => {
                    self.known.lock().insert(name.to_owned(), (Instant::now(), secret.clone()));
                    Ok(secret)
                }
                (Err(error), Some((_, overdue))) => {
                    tracing::warn!(name, %error, "a secret cannot be read anew: what was said before is used");
                    self.behind.store(true, Ordering::Release);
                    Ok(overdue)
                }
                (Err(error), None) => Err(error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Answers with the number of the call; every third call fails.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl SecretSource for Counting {
        fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, SecretError>> {
            let call = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Box::pin(std::future::ready(match (name, call % 3) {
                (_, 0) => Err(SecretError::Unavailable { source_name: "test", message: String::new() }),
                ("missing", _) => Ok(None),
                _ => Ok(Some(Secret::new(call.to_string()))),
            }))
        }
    }

    async fn value(source: &impl SecretSource, name: &str) -> Result<Option<String>, SecretError> {
        Ok(source.get(name).await?.map(|secret| secret.expose().to_owned()))
    }

    #[tokio::test]
    async fn a_secret_is_asked_for_once_in_its_lifetime() {
        let cached = Cached::new(Counting::default(), DEFAULT_LIFETIME);
        for _ in 0..5 {
            assert_eq!(value(&cached, "a").await, Ok(Some("1".to_owned())));
        }
    }

    #[tokio::test]
    async fn an_overdue_secret_outlives_a_failing_source() {
        let cached = Cached::new(Counting::default(), Duration::ZERO);
        assert_eq!(value(&cached, "missing").await, Ok(None));
        let behind = cached.behind();
        for (expected, overdue) in [("2", false), ("2", true), ("4", false), ("5", false), ("5", true), ("7", false)] {
            assert_eq!(value(&cached, "a").await, Ok(Some(expected.to_owned())));
            assert_eq!(behind.swap(false, Ordering::AcqRel), overdue, "{expected}");
        }
        assert_eq!(value(&cached, "missing").await, Ok(None));
        assert!(value(&cached, "b").await.is_err());
    }

    #[tokio::test]
    async fn a_name_that_was_not_there_is_asked_for_again_and_outlives_a_failing_source() {
        let cached = Cached::new(Counting::default(), DEFAULT_LIFETIME);
        let behind = cached.behind();
        for overdue in [false, false, true, false] {
            assert_eq!(value(&cached, "missing").await, Ok(None));
            assert_eq!(behind.swap(false, Ordering::AcqRel), overdue);
        }
    }
}
