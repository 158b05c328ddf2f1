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
    ModelAccessGroupBudgetRow, ModelAliasRow, OrganizationRow, ProjectRow, Store, StoreError, Table, TableVersion,
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

/// Spend that is settled does not count as a change.
const CHANGED: &str = "updated_at";
const DELETED: &str = "deleted_at";

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
        let since = |column: &str| Filter::new().at_least(column, seen.at);
        let mut teams = named(store, since(CHANGED), |row: TeamRow| row.team_id).await?;
        teams.extend(named(store, since(DELETED), |row: DeletedTeamRow| row.team_id).await?);
        let users = named(store, since(CHANGED), |row: UserRow| row.user_id).await?;
        // Hashes of keys that were changed, got another secret or were deleted.
        let mut keys = named(store, since(CHANGED), |row: VerificationToken| row.token).await?;
        keys.extend(named(store, since("created_at"), |row: DeprecatedTokenRow| row.token).await?);
        keys.extend(named(store, since(DELETED), |row: DeletedTokenRow| row.token).await?);
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

/// Whom rows concern.
async fn named<R: Table>(
    store: &Store,
    filter: Filter,
    name: impl Fn(R) -> String,
) -> Result<HashSet<String>, StoreError> {
    Ok(store.table::<R>().find(filter).await?.into_iter().map(name).collect())
}
