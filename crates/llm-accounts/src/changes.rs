//! What other gateways on the same database did: people who were disabled or got another role, keys that were deleted. Those
//! are forgotten here within seconds, so that nobody goes on with a session that ended elsewhere.
//!
//! Everything else that changes is seen when a key's row is read again (`user_api_key_cache_ttl`). An embedded database has
//! one gateway, which forgets by itself.

use std::collections::HashSet;
use std::sync::Weak;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{DeletedTokenRow, Filter, Store, StoreError, UserRow};

use crate::accounts::Inner;

/// How often the database is asked.
const PAUSE: Duration = Duration::from_secs(2);

/// How far a row's time and its commit may lie apart: rows are seen more than once.
const OVERLAP: TimeDelta = TimeDelta::seconds(4);

/// Asks for as long as anybody uses the accounts.
pub(crate) async fn watch(inner: Weak<Inner>) {
    let mut since = None;
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(inner) = inner.upgrade() else { return };
        let Some(store) = &inner.store else { return };
        match inner.learn_changes(store, since).await {
            Ok(next) => since = Some(next),
            // The next round asks for what this one missed.
            Err(error) => tracing::debug!(%error, "changes of other gateways could not be read"),
        }
    }
}

impl Inner {
    /// Forgets what changed since then; nothing at the first time. When to ask from next.
    async fn learn_changes(&self, store: &Store, since: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, StoreError> {
        let next = store.now().await? - OVERLAP;
        let Some(since) = since else { return Ok(next) };
        let gone = store.table::<DeletedTokenRow>().find(Filter::new().at_least("deleted_at", since)).await?;
        let gone: HashSet<String> = gone.into_iter().map(|row| row.token).collect();
        let users = store.table::<UserRow>().changed_since(Some(since)).await?;
        let users: HashSet<String> = users.into_iter().map(|row| row.user_id).collect();
        if !(gone.is_empty() && users.is_empty()) {
            self.forget(|known| {
                known.key_hash().is_some_and(|hash| gone.contains(hash))
                    || known.user_id().is_some_and(|user| users.contains(user))
            });
        }
        Ok(next)
    }
}
