//! A rollup day by day: reports over long times are written one day after the other, so none is ever held whole.

use crate::daily::{DailyFilter, DailyScope};
use crate::error::Result;
use crate::sql::Sql;
use crate::store::Store;

/// What one key spent with one model in one day.
#[derive(Debug, Clone, PartialEq)]
pub struct DailyPart {
    /// User, team, tag ... id; empty for calls that no entity was named for.
    pub entity: String,
    /// Model that answered.
    pub model: String,
    /// Key hash.
    pub api_key: String,
    /// USD.
    pub spend: f64,
    /// Prompt and completion.
    pub tokens: i64,
}

/// The keys that spent most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DearestKeys {
    /// Hashes, dearest first.
    pub keys: Vec<String>,
    /// How many keys there are in all.
    pub of: u64,
}

impl Store {
    /// The days of `from..=until` that a rollup has rows of, oldest first. Takes a look into the index per day, whatever the
    /// number of rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_dates(&self, scope: DailyScope, from: &str, until: &str) -> Result<Vec<String>> {
        let mut sql = Sql::read(self.dialect(), "WITH RECURSIVE days(day) AS (SELECT MIN(\"date\") FROM ");
        sql.name(scope.table())
            .push(" WHERE \"date\" >= ")
            .bind(from)
            .push(" UNION ALL SELECT (SELECT MIN(\"date\") FROM ");
        sql.name(scope.table()).push(" WHERE \"date\" > days.day) FROM days WHERE days.day < ").bind(until);
        sql.push(") SELECT day FROM days WHERE day <= ").bind(until);
        let rows = self.fetch(sql).await?;
        rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect()
    }

    /// The parts of a day by entity, model and key, in this order. What the rollup of users has and this one has not is of
    /// calls without such an entity.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_parts(&self, scope: DailyScope, date: &str) -> Result<Vec<DailyPart>> {
        let of = self.day(scope, date).await?;
        if scope == DailyScope::User {
            return Ok(merged(of));
        }
        // Every call is in the rollup of users once.
        let all = self.day(DailyScope::User, date).await?;
        let mut rows: Vec<(DailyPart, i64)> =
            all.into_iter().map(|(part, requests)| (DailyPart { entity: String::new(), ..part }, requests)).collect();
        rows.extend(of.iter().map(|(part, requests)| {
            let (spend, tokens) = (-part.spend, -part.tokens);
            (DailyPart { entity: String::new(), spend, tokens, ..part.clone() }, -requests)
        }));
        rows.extend(of);
        Ok(merged(rows))
    }

    /// The rows of a day, as they lie there, with their requests. Summing them here takes less than it takes the database.
    async fn day(&self, scope: DailyScope, date: &str) -> Result<Vec<(DailyPart, i64)>> {
        let Some(entity) = scope.entity() else { return Ok(Vec::new()) };
        let mut sql = Sql::read(self.dialect(), "SELECT ");
        sql.name(entity).push(", \"model\", \"api_key\", \"spend\", \"prompt_tokens\" + \"completion_tokens\", ");
        sql.push("\"api_requests\" FROM ").name(scope.table()).push(" WHERE \"date\" = ").bind(date);
        let rows = self.fetch(sql).await?;
        let read = |row: &crate::Row| {
            let text = |at| row.text(at).map(Option::unwrap_or_default);
            let part = DailyPart {
                entity: text(0)?,
                model: text(1)?,
                api_key: text(2)?,
                spend: row.num(3)?.unwrap_or_default(),
                tokens: row.int(4)?.unwrap_or_default(),
            };
            Ok((part, row.int(5)?.unwrap_or_default()))
        };
        rows.iter().map(read).collect()
    }

    /// The `most` keys that spent most in the rows that the filter lets through; none in the global rollup.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily_dearest_keys(&self, scope: DailyScope, filter: &DailyFilter, most: u32) -> Result<DearestKeys> {
        if scope.entity().is_none() {
            return Ok(DearestKeys::default());
        }
        let mut sql = Sql::read(self.dialect(), "SELECT \"api_key\", COUNT(*) OVER () FROM ");
        sql.name(scope.table());
        filter.write(scope, &mut sql);
        sql.push(" GROUP BY \"api_key\" ORDER BY SUM(\"spend\") DESC, \"api_key\" LIMIT ").bind(i64::from(most));
        let rows = self.fetch(sql).await?;
        let of = rows.first().map(|row| row.int(1)).transpose()?.flatten().unwrap_or_default();
        let keys = rows.iter().map(|row| Ok(row.text(0)?.unwrap_or_default())).collect::<Result<_>>()?;
        Ok(DearestKeys { keys, of: u64::try_from(of).unwrap_or_default() })
    }
}

/// Parts in order, each once, without those that have no requests.
fn merged(mut rows: Vec<(DailyPart, i64)>) -> Vec<DailyPart> {
    rows.sort_unstable_by(|(a, _), (b, _)| (&a.entity, &a.model, &a.api_key).cmp(&(&b.entity, &b.model, &b.api_key)));
    let mut out: Vec<(DailyPart, i64)> = Vec::new();
    for (part, requests) in rows {
        match out.last_mut() {
            Some((last, all))
                if (&last.entity, &last.model, &last.api_key) == (&part.entity, &part.model, &part.api_key) =>
            {
                last.spend += part.spend;
                last.tokens += part.tokens;
                *all += requests;
            }
            _ => out.push((part, requests)),
        }
    }
    out.into_iter().filter(|(_, requests)| *requests > 0).map(|(part, _)| part).collect()
}
