//! What the gateway keeps in memory, read whole at start and in parts afterwards.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Result;
use crate::filter::Filter;
use crate::rows::{BudgetRow, DeletedTeamRow, DeletedTokenRow, OrganizationRow, TeamRow, UserRow, VerificationToken};
use crate::store::Store;

/// Rows that changed since a time, or all rows.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Ask for the next snapshot since this time. It lies a little before the database's clock at the time of reading, so a
    /// row that was being committed is not missed: rows may come twice.
    pub next: DateTime<Utc>,
    /// Keys.
    pub keys: Vec<VerificationToken>,
    /// Teams.
    pub teams: Vec<TeamRow>,
    /// Users.
    pub users: Vec<UserRow>,
    /// Organizations.
    pub organizations: Vec<OrganizationRow>,
    /// Budgets.
    pub budgets: Vec<BudgetRow>,
    /// Hashes of keys deleted since; empty in a first snapshot.
    pub deleted_keys: Vec<String>,
    /// Ids of teams deleted since; empty in a first snapshot.
    pub deleted_teams: Vec<String>,
}

/// How far apart a row's time and its commit may lie.
const OVERLAP: TimeDelta = TimeDelta::seconds(5);

impl Store {
    /// Keys, teams, users, organizations and budgets changed at or after `since`, all of them without one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn snapshot(&self, since: Option<DateTime<Utc>>) -> Result<Snapshot> {
        let next = self.now().await?.checked_sub_signed(OVERLAP).unwrap_or_default();
        let mut out = Snapshot {
            next,
            keys: self.keys().changed_since(since).await?,
            teams: self.table().changed_since(since).await?,
            users: self.table().changed_since(since).await?,
            organizations: self.table().changed_since(since).await?,
            budgets: self.table().changed_since(since).await?,
            deleted_keys: Vec::new(),
            deleted_teams: Vec::new(),
        };
        if let Some(since) = since {
            let gone = Filter::new().at_least("deleted_at", since);
            let keys = self.table::<DeletedTokenRow>().find(gone.clone()).await?;
            out.deleted_keys = keys.into_iter().map(|row| row.token).collect();
            let teams = self.table::<DeletedTeamRow>().find(gone).await?;
            out.deleted_teams = teams.into_iter().map(|row| row.team_id).collect();
        }
        Ok(out)
    }
}
