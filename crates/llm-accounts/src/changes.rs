//! What other gateways on the same database did: keys and teams that were blocked, changed, renewed or deleted, people who were
//! disabled or got another role, budgets and organizations with other limits. Those whom it concerns are forgotten here within
//! seconds and read again, so that nobody goes on with what ended elsewhere.
//!
//! What has no time of its own (end users) is seen when it is read again (`user_api_key_cache_ttl`). An embedded database has one
//! gateway, which forgets by itself.

use std::collections::HashSet;
use std::sync::Weak;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{
    AccessGroupRow, BudgetRow, DeletedTeamRow, DeletedTokenRow, DeprecatedTokenRow, Filter, JwtKeyMappingRow,
    ModelAccessGroupBudgetRow, ModelAliasRow, OrganizationRow, ProjectRow, Store, StoreError, Table as _, TableVersion,
    TagRow, TeamRow, UserRow, VerificationToken,
};

use crate::accounts::Inner;

/// How often the database is asked.
const PAUSE: Duration = Duration::from_secs(2);

/// How far a row's time and its commit may lie apart: rows are seen more than once.
const OVERLAP: TimeDelta = TimeDelta::seconds(4);

/// Tables whose rows hold for callers that do not stand in them.
const FOR_ALL: [&str; 8] = [
    BudgetRow::NAME,
    OrganizationRow::NAME,
    ProjectRow::NAME,
    TagRow::NAME,
    AccessGroupRow::NAME,
    ModelAccessGroupBudgetRow::NAME,
    ModelAliasRow::NAME,
    JwtKeyMappingRow::NAME,
];

/// What was seen at the last look.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: DateTime<Utc>,
    for_all: [TableVersion; FOR_ALL.len()],
}

/// Asks for as long as anybody uses the accounts.
pub(crate) async fn watch(inner: Weak<Inner>) {
    let mut seen = None;
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(inner) = inner.upgrade() else { return };
        let Some(store) = &inner.store else { return };
        match inner.learn_changes(store, seen).await {
            Ok(next) => seen = Some(next),
            // The next round asks for what this one missed.
            Err(error) => tracing::debug!(%error, "changes of other gateways could not be read"),
        }
    }
}

impl Inner {
    /// Forgets what changed since the last look; nothing at the first.
    async fn learn_changes(&self, store: &Store, seen: Option<Seen>) -> Result<Seen, StoreError> {
        let next = Seen { at: store.now().await? - OVERLAP, for_all: store.versions(&FOR_ALL).await? };
        let Some(seen) = seen else { return Ok(next) };
        if seen.for_all != next.for_all {
            self.forget(|_| true);
            self.forget_parties();
            return Ok(next);
        }
        let since = Some(seen.at);
        let teams = store.table::<TeamRow>().changed_since(since).await?;
        let gone = store.table::<DeletedTeamRow>().find(Filter::new().at_least("deleted_at", seen.at)).await?;
        let teams: HashSet<String> =
            teams.into_iter().map(|row| row.team_id).chain(gone.into_iter().map(|row| row.team_id)).collect();
        let users = store.table::<UserRow>().changed_since(since).await?;
        let users: HashSet<String> = users.into_iter().map(|row| row.user_id).collect();
        let keys = changed_keys(store, seen.at).await?;
        if !(keys.is_empty() && users.is_empty() && teams.is_empty()) {
            self.forget(|known| {
                known.key_hash().is_some_and(|hash| keys.contains(hash))
                    || known.user_id().is_some_and(|user| users.contains(user))
                    || known.team_id().is_some_and(|team| teams.contains(team))
            });
        }
        Ok(next)
    }
}

/// Hashes of keys that were changed, got another secret or were deleted.
async fn changed_keys(store: &Store, since: DateTime<Utc>) -> Result<HashSet<String>, StoreError> {
    let changed = store.table::<VerificationToken>().changed_since(Some(since)).await?;
    let renewed = store.table::<DeprecatedTokenRow>().find(Filter::new().at_least("created_at", since)).await?;
    let gone = store.table::<DeletedTokenRow>().find(Filter::new().at_least("deleted_at", since)).await?;
    let changed = changed.into_iter().map(|row| row.token);
    Ok(changed.chain(renewed.into_iter().map(|row| row.token)).chain(gone.into_iter().map(|row| row.token)).collect())
}
