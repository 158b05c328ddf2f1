//! Whether tables changed, without reading them.

use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::sql::Sql;
use crate::store::Store;

/// How many rows a table has, and when the last one was changed: other numbers, another content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableVersion {
    /// How many.
    pub rows: i64,
    /// When; nothing in an empty table.
    pub changed: Option<DateTime<Utc>>,
}

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
}
