//! What the gateway keeps in memory, read whole at start and in parts afterwards.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Result;
use crate::filter::Filter;
use crate::rows::{BudgetRow, DeletedTeamRow, DeletedTokenRow, OrganizationRow, TeamRow, UserRow, VerificationToken};
use crate::sql::Sql;
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

/// How many rows a table has, and when the last one was changed: other numbers, another content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableVersion {
    /// How many.
    pub rows: i64,
    /// When; nothing in an empty table.
    pub changed: Option<DateTime<Utc>>,
}

/// How far apart a row's time and its commit may lie.
const OVERLAP: TimeDelta = TimeDelta::seconds(5);

impl Store {
    /// The versions of these tables, in this order, in one statement. Tables are named by [`Table::NAME`](crate::Table::NAME).
    ///
    /// # Errors
    /// When the database fails; PostgreSQL does for a table without `updated_at`.
    pub async fn versions<const N: usize>(&self, tables: &[&'static str; N]) -> Result<[TableVersion; N]> {
        let mut sql = Sql::read(self.dialect(), "");
        for (at, table) in tables.iter().enumerate() {
            let before = if at > 0 { " UNION ALL " } else { "" };
            sql.push(&format!("{before}SELECT CAST({at} AS BIGINT), COUNT(*), MAX(")).name("updated_at");
            sql.push(") FROM ").name(table);
        }
        let mut versions = [TableVersion::default(); N];
        for row in self.fetch(sql).await? {
            let at = row.int(0)?.and_then(|at| usize::try_from(at).ok());
            if let Some(version) = at.and_then(|at| versions.get_mut(at)) {
                *version = TableVersion { rows: row.int(1)?.unwrap_or_default(), changed: row.time(2)? };
            }
        }
        Ok(versions)
    }

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
