//! Whole days of the users' rollup, for exports: which of them changed, and their rows.

use chrono::{DateTime, Utc};

use crate::daily::{DailyScope, DailySpendRow, read_row, write_columns};
use crate::error::Result;
use crate::sql::Sql;
use crate::store::Store;

impl Store {
    /// The days (`YYYY-MM-DD`, newest first) of the users' rollup with a row that was written between two times.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_changed(
        &self,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Result<Vec<String>> {
        let mut sql = Sql::read(self.dialect(), "SELECT DISTINCT \"date\" FROM ");
        sql.name(DailyScope::User.table()).push(" WHERE 1 = 1");
        if let Some(since) = since {
            sql.push(" AND \"updated_at\" >= ").bind(since);
        }
        if let Some(until) = until {
            sql.push(" AND \"updated_at\" <= ").bind(until);
        }
        sql.push(" ORDER BY 1 DESC");
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
    }

    /// How many rows a day of the users' rollup has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_count(&self, date: &str) -> Result<u64> {
        let mut sql = Sql::read(self.dialect(), "SELECT COUNT(*) FROM ");
        sql.name(DailyScope::User.table()).push(" WHERE \"date\" = ").bind(date);
        let count = crate::access::first_int(&self.fetch(sql).await?)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Rows of a day of the users' rollup behind the row with the id `after` (none: the first), by id; with their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_of_day(
        &self,
        date: &str,
        after: Option<&str>,
        size: u32,
    ) -> Result<Vec<(String, DailySpendRow)>> {
        let mut sql = Sql::read(self.dialect(), "SELECT \"id\", ");
        write_columns(DailyScope::User, &mut sql);
        sql.push(" FROM ").name(DailyScope::User.table()).push(" WHERE \"date\" = ").bind(date);
        if let Some(after) = after {
            sql.push(" AND \"id\" > ").bind(after);
        }
        sql.push(" ORDER BY \"id\" LIMIT ").bind(i64::from(size));
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok((row.text(0)?.unwrap_or_default(), read_row(DailyScope::User, row, 1)?))).collect()
    }
}
