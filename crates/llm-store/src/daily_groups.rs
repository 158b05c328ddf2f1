//! Sums of a rollup by any of its key columns.

use crate::daily::{DailyCounters, DailyFilter, DailyScope};
use crate::dialect::quoted;
use crate::error::Result;
use crate::sql::Sql;
use crate::store::Store;

/// What the rows of a rollup can be summed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DailyGroup {
    /// User, team, tag ... id.
    Entity,
    /// `YYYY-MM-DD` in UTC.
    Date,
    /// Key hash.
    ApiKey,
    /// Model that answered.
    Model,
    /// Public model name.
    ModelGroup,
    /// Provider.
    Provider,
    /// `server/tool`.
    Tool,
    /// Route.
    Endpoint,
}

impl DailyGroup {
    /// The column in this rollup; the global one has no entity and no key.
    const fn column(self, scope: DailyScope) -> Option<&'static str> {
        match (self, scope.entity()) {
            (Self::Entity, entity) => entity,
            (Self::ApiKey, None) => None,
            (Self::ApiKey, Some(_)) => Some("api_key"),
            (Self::Date, _) => Some("date"),
            (Self::Model, _) => Some("model"),
            (Self::ModelGroup, _) => Some("model_group"),
            (Self::Provider, _) => Some("custom_llm_provider"),
            (Self::Tool, _) => Some("mcp_namespaced_tool_name"),
            (Self::Endpoint, _) => Some("endpoint"),
        }
    }
}

/// Sums over some rows of a rollup.
#[derive(Debug, Clone, PartialEq)]
pub struct DailySum {
    /// What the rows have in common, in the order asked for; empty text where a row has nothing.
    pub group: Vec<String>,
    /// The sums.
    pub counters: DailyCounters,
}

impl DailySum {
    /// Part number `at` of the group.
    #[must_use]
    pub fn part(&self, at: usize) -> &str {
        self.group.get(at).map_or("", String::as_str)
    }
}

impl Store {
    /// The sums of a rollup by the given groups, ordered by them; by none: one sum over all. `most` keeps the dearest sums,
    /// dearest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_groups(
        &self,
        scope: DailyScope,
        filter: &DailyFilter,
        groups: &[DailyGroup],
        most: Option<u32>,
    ) -> Result<Vec<DailySum>> {
        let mut sql = Sql::read(self.dialect(), "SELECT ");
        for group in groups {
            match group.column(scope) {
                Some(column) => sql.push(&self.dialect().group(&quoted(column))).push(", "),
                None => sql.push("'', "),
            };
        }
        sql.push(&DailyCounters::sums(self.dialect()).join(", ")).push(" FROM ").name(scope.table());
        filter.write(scope, &mut sql);
        let positions = (1..=groups.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        if !groups.is_empty() {
            sql.push(" GROUP BY ").push(&positions);
        }
        if let Some(most) = most {
            sql.push(" ORDER BY ").push(&self.dialect().sum_float("\"spend\"")).push(" DESC");
            if !groups.is_empty() {
                sql.push(", ").push(&positions);
            }
            sql.push(" LIMIT ").bind(i64::from(most));
        }
        let rows = self.fetch(sql).await?;
        let read = |row: &crate::Row| {
            let part = |at: usize| row.text(at).map(Option::unwrap_or_default);
            let group = (0..groups.len()).map(part).collect::<Result<_>>()?;
            Ok(DailySum { group, counters: DailyCounters::read(row, groups.len())? })
        };
        let mut sums = rows.iter().map(read).collect::<Result<Vec<DailySum>>>()?;
        if most.is_none() {
            // Here, for the database would follow its language's order, which takes longer than summing.
            sums.sort_by(|a, b| a.group.cmp(&b.group));
        }
        Ok(sums)
    }
}
