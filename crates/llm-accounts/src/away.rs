//! A database that does not answer. The first requests that need it find out, within a limit; from then on whoever asks for a
//! request is told at once, and one task asks whether it is back. So a request costs no wait while the database is away: what is
//! known of its caller goes on to hold.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use llm_store::StoreError;
use llm_types::Result;

use crate::accounts::Inner;
use crate::refusal;

/// How long a look-up for a request may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether the database is back.
const AGAIN: Duration = Duration::from_millis(500);

impl Inner {
    /// Asks the store for a request.
    ///
    /// # Errors
    /// 503 when it is away or takes too long, 500 when it refuses.
    pub(crate) async fn ask<T>(&self, asking: impl Future<Output = Result<T, StoreError>>) -> Result<T> {
        if self.store_away.load(Ordering::Relaxed) {
            return Err(refusal::no_database());
        }
        let answer = tokio::time::timeout(PATIENCE, asking).await;
        let away = answer.as_ref().map_or(true, |answer| answer.as_ref().is_err_and(StoreError::is_unavailable));
        if away && !self.store_away.swap(true, Ordering::Relaxed) {
            tracing::warn!("the database is away: callers that are known are served from what was read before");
            self.store_went.notify_one();
        }
        match answer {
            Ok(answer) => answer.map_err(|error| refusal::store(&error)),
            Err(_) => Err(refusal::no_database()),
        }
    }
}

/// Notes when the database is back, for as long as anybody uses the accounts.
pub(crate) async fn watch(inner: Weak<Inner>) {
    loop {
        let Some(went) = inner.upgrade().map(|inner| std::sync::Arc::clone(&inner.store_went)) else { return };
        // Looked at now and then: whoever uses the accounts may be gone.
        drop(tokio::time::timeout(Duration::from_secs(10), went.notified()).await);
        loop {
            let Some(inner) = inner.upgrade() else { return };
            let Some(store) = &inner.store else { return };
            if !inner.store_away.load(Ordering::Relaxed) {
                break;
            }
            if matches!(tokio::time::timeout(PATIENCE, store.ping()).await, Ok(Ok(()))) {
                inner.store_away.store(false, Ordering::Relaxed);
                tracing::info!("the database is back");
                break;
            }
            drop(inner);
            tokio::time::sleep(AGAIN).await;
        }
    }
}
