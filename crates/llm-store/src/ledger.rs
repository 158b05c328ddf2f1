//! Two ways to the same sums, side by side: the rows of calls and the rollups, the rollups and what keys, teams and others
//! are said to have spent. What a difference means is `llm-accounts`' to say.

use crate::daily::DailyScope;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::rows::SpendLogRow;
use crate::sql::Sql;
use crate::store::Store;
use crate::table::Table as _;

/// A sum as one side has it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LedgerSum {
    /// USD.
    pub spend: f64,
    /// How many calls; 0 where a side does not count them.
    pub requests: i64,
}

/// A sum that both sides should agree on.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerPair {
    /// Key hash, user, team ...
    pub entity: String,
    /// `YYYY-MM-DD`; empty for sums over all days.
    pub date: String,
    /// What the finer side adds up to.
    pub from: LedgerSum,
    /// What the coarser side says.
    pub kept: LedgerSum,
}

/// Whose row keeps a total of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerTotal {
    /// `total_spend` of keys that were never rotated.
    Key,
    /// `spend` of users without a budget that starts again.
    User,
    /// The same of teams.
    Team,
    /// The same of organizations.
    Organization,
    /// The same of tags.
    Tag,
    /// The same of end users.
    EndUser,
    /// `spend` of agents.
    Agent,
}

impl LedgerTotal {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Key, Self::User, Self::Team, Self::Organization, Self::Tag, Self::EndUser, Self::Agent];

    /// Table, key, total, condition; the rollup, and its column.
    const fn places(self) -> (&'static str, &'static str, &'static str, &'static str, DailyScope, &'static str) {
        const LENT: &str = "NOT EXISTS (SELECT 1 FROM \"LiteLLM_BudgetTable\" b WHERE b.\"budget_id\" = t.\"budget_id\" AND \
                            b.\"budget_duration\" IS NOT NULL)";
        const OWN: &str = "\"budget_duration\" IS NULL";
        match self {
            Self::Key => (
                "LiteLLM_VerificationToken",
                "token",
                "total_spend",
                "COALESCE(\"rotation_count\", 0) = 0",
                DailyScope::User,
                "api_key",
            ),
            Self::User => ("LiteLLM_UserTable", "user_id", "spend", OWN, DailyScope::User, "user_id"),
            Self::Team => ("LiteLLM_TeamTable", "team_id", "spend", OWN, DailyScope::Team, "team_id"),
            Self::Organization => (
                "LiteLLM_OrganizationTable",
                "organization_id",
                "spend",
                LENT,
                DailyScope::Organization,
                "organization_id",
            ),
            Self::Tag => ("LiteLLM_TagTable", "tag_name", "spend", LENT, DailyScope::Tag, "tag"),
            Self::EndUser => ("LiteLLM_EndUserTable", "user_id", "spend", LENT, DailyScope::EndUser, "end_user_id"),
            Self::Agent => ("LiteLLM_AgentsTable", "agent_id", "spend", "1 = 1", DailyScope::Agent, "agent_id"),
        }
    }
}

/// The column of rows that names a rollup's entity; tags are a list.
const fn row_column(scope: DailyScope) -> Option<&'static str> {
    match scope {
        DailyScope::User => Some("user"),
        DailyScope::Team => Some("team_id"),
        DailyScope::Organization => Some("organization_id"),
        DailyScope::EndUser => Some("end_user"),
        DailyScope::Agent => Some("agent_id"),
        DailyScope::Tag | DailyScope::Global => None,
    }
}

impl Store {
    /// The day on which the oldest row of a call ended; none without rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oldest_row_day(&self) -> Result<Option<String>> {
        let day = self.dialect().day("\"endTime\"");
        let mut sql = Sql::read(self.dialect(), "SELECT ");
        sql.push(&day).push(" FROM ").name(SpendLogRow::NAME).push(" ORDER BY \"startTime\" LIMIT 1");
        self.fetch(sql).await?.first().map_or(Ok(None), |row| row.text(0))
    }

    /// The oldest day of the rollup of everything; none without one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oldest_daily(&self) -> Result<Option<String>> {
        let mut sql = Sql::read(self.dialect(), "SELECT MIN(\"date\") FROM ");
        sql.name(DailyScope::Global.table());
        self.fetch(sql).await?.first().map_or(Ok(None), |row| row.text(0))
    }

    /// Rows of calls against a rollup, by entity and day, from day `from` on. Both sides are read in one statement, so calls
    /// that settle meanwhile are on both or on none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ledger_days(&self, scope: DailyScope, from: &str) -> Result<Vec<LedgerPair>> {
        let dialect = self.dialect();
        let day = dialect.day("\"endTime\"");
        let entity = match (scope, row_column(scope), dialect) {
            (DailyScope::Tag, ..) => "tags.value".to_owned(),
            (_, Some(column), _) => format!("COALESCE(\"{column}\", '')"),
            (_, None, _) => "''".to_owned(),
        };
        let mut sql = Sql::read(dialect, "SELECT 0 AS side, ");
        sql.push(&entity).push(" AS entity, ").push(&day).push(" AS day, ").push(&dialect.sum_float("\"spend\""));
        sql.push(", COUNT(*) FROM ").name(SpendLogRow::NAME);
        match (scope, dialect) {
            (DailyScope::Tag, Dialect::Sqlite) => sql.push(", json_each(\"request_tags\") AS tags"),
            (DailyScope::Tag, Dialect::Postgres) => {
                sql.push(", jsonb_array_elements_text(\"request_tags\") AS tags(value)")
            }
            _ => &mut sql,
        };
        sql.push(" WHERE ").push(&day).push(" >= ").bind(from);
        if !matches!(scope, DailyScope::User | DailyScope::Global) {
            sql.push(" AND ").push(&entity).push(" <> ''");
        }
        sql.push(" GROUP BY 2, 3 UNION ALL SELECT 1, ");
        match scope.entity() {
            Some(column) => sql.push("COALESCE(").name(column).push(", '')"),
            None => sql.push("''"),
        };
        sql.push(", \"date\", ").push(&dialect.sum_float("\"spend\"")).push(", ");
        sql.push(&dialect.sum_int("\"api_requests\"")).push(" FROM ").name(scope.table());
        sql.push(" WHERE \"date\" >= ").bind(from).push(" GROUP BY 2, 3 ORDER BY 2, 3");
        self.ledger_pairs(sql).await
    }

    /// Rollups against the totals that rows keep themselves; read as in [`Store::ledger_days`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ledger_totals(&self, of: LedgerTotal) -> Result<Vec<LedgerPair>> {
        let dialect = self.dialect();
        let (table, key, total, condition, scope, column) = of.places();
        let mut sql = Sql::read(dialect, "SELECT 1 AS side, t.");
        sql.name(key).push(" AS entity, '' AS day, COALESCE(t.").name(total).push(", 0.0), ");
        sql.push(if dialect == Dialect::Postgres { "0::bigint" } else { "0" });
        sql.push(" FROM ").name(table).push(" AS t WHERE ").push(condition).push(" UNION ALL SELECT 0, ");
        sql.name(column).push(", '', ").push(&dialect.sum_float("\"spend\"")).push(", ");
        sql.push(if dialect == Dialect::Postgres { "0::bigint" } else { "0" });
        sql.push(" FROM ").name(scope.table()).push(" WHERE ").name(column).push(" IN (SELECT ").name(key);
        sql.push(" FROM ").name(table).push(" AS t WHERE ").push(condition).push(") GROUP BY 2 ORDER BY 2");
        self.ledger_pairs(sql).await
    }

    async fn ledger_pairs(&self, sql: Sql) -> Result<Vec<LedgerPair>> {
        let mut pairs: Vec<LedgerPair> = Vec::new();
        for row in self.fetch(sql).await? {
            let (entity, date) = (row.text(1)?.unwrap_or_default(), row.text(2)?.unwrap_or_default());
            let sum = LedgerSum { spend: row.num(3)?.unwrap_or_default(), requests: row.int(4)?.unwrap_or_default() };
            if pairs.last().is_none_or(|last| last.entity != entity || last.date != date) {
                let none = LedgerSum::default();
                pairs.push(LedgerPair { entity, date, from: none, kept: none });
            }
            let Some(pair) = pairs.last_mut() else { continue };
            *(if row.int(0)? == Some(1) { &mut pair.kept } else { &mut pair.from }) = sum;
        }
        Ok(pairs)
    }
}
