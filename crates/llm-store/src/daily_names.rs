//! Who has rows in a rollup.

use crate::daily::{DailyFilter, DailyScope};
use crate::error::Result;
use crate::filter::contains;
use crate::sql::Sql;
use crate::store::Store;

impl Store {
    /// The entities (tags, users, teams ...) that have a row, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_entities(&self, scope: DailyScope, filter: &DailyFilter) -> Result<Vec<String>> {
        let Some(entity) = scope.entity() else { return Ok(Vec::new()) };
        let mut sql = Sql::read(self.dialect(), "SELECT DISTINCT ");
        sql.name(entity).push(" FROM ").name(scope.table());
        filter.write(scope, &mut sql);
        sql.push(" AND ").name(entity).push(" IS NOT NULL ORDER BY 1");
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
    }

    /// A page of the entities that have a row and whose name contains `part`, in any case; in order, and one more than the
    /// page has, when there is one. `page` is the number, from 1, and the size.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_entities_named(
        &self,
        scope: DailyScope,
        filter: &DailyFilter,
        part: Option<&str>,
        (page, size): (u32, u32),
    ) -> Result<Vec<String>> {
        let Some(entity) = scope.entity() else { return Ok(Vec::new()) };
        let mut sql = Sql::read(self.dialect(), "SELECT DISTINCT ");
        sql.name(entity).push(" FROM ").name(scope.table());
        filter.write(scope, &mut sql);
        sql.push(" AND ").name(entity).push(" <> ''");
        if let Some(part) = part {
            sql.push(" AND ");
            contains(&mut sql, entity, part);
        }
        sql.push(" ORDER BY 1 LIMIT ").bind(i64::from(size) + 1).push(" OFFSET ");
        sql.bind(i64::from(page.saturating_sub(1)) * i64::from(size));
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
    }
}
