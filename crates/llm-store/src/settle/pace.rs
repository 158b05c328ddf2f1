//! How fast models answer, added to the sums of the day.

use std::collections::BTreeMap;

use super::{finite, runs};
use crate::clean::{INDEXED_TEXT, fitted};
use crate::defaults::now;
use crate::error::Result;
use crate::rows::{DailyGatewayRow, DailyPaceRow};
use crate::sql::Sql;
use crate::store::Store;
use crate::table::Table as _;
use crate::transaction::StoreTx;

/// Rows of one statement.
const ROWS: usize = 128;

/// What is added up.
const SUMS: [&str; 6] =
    ["requests", "slow_requests", "timed_requests", "seconds_per_token", "streams", "first_token_seconds"];

pub(super) async fn write(tx: &mut StoreTx, rows: &[DailyPaceRow]) -> Result<()> {
    let fit = |text: &str| fitted(text, INDEXED_TEXT);
    // One row for each key, or the statement would change a row twice.
    let mut sums: BTreeMap<[String; 4], DailyPaceRow> = BTreeMap::new();
    for row in rows {
        let key = [fit(&row.model_group), fit(&row.date), fit(&row.model), fit(&row.api_base)];
        let sum = sums.entry(key).or_default();
        sum.requests += row.requests;
        sum.slow_requests += row.slow_requests;
        sum.timed_requests += row.timed_requests;
        sum.seconds_per_token += finite(row.seconds_per_token, "seconds per token");
        sum.streams += row.streams;
        sum.first_token_seconds += finite(row.first_token_seconds, "seconds to the first token");
    }
    let sums: Vec<_> = sums.into_iter().collect();
    for run in runs(&sums, ROWS) {
        let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
        sql.name(DailyPaceRow::NAME).push(" AS t (").names(DailyPaceRow::COLUMNS).push(") VALUES ");
        for (i, ([group, date, model, base], row)) in run.iter().enumerate() {
            sql.push(if i > 0 { ", (" } else { "(" }).bind(group).push(", ").bind(date).push(", ").bind(model);
            sql.push(", ").bind(base).push(", ").bind(row.requests).push(", ").bind(row.slow_requests).push(", ");
            sql.bind(row.timed_requests).push(", ").bind(row.seconds_per_token).push(", ").bind(row.streams);
            sql.push(", ").bind(row.first_token_seconds).push(")");
        }
        sql.push(" ON CONFLICT (").names(DailyPaceRow::KEY).push(") DO UPDATE SET ");
        add(&mut sql, &SUMS);
        tx.execute(sql).await?;
    }
    Ok(())
}

/// `column = t.column + excluded.column` for each.
fn add(sql: &mut Sql, columns: &[&str]) {
    for (i, column) in columns.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" }).name(column).push(" = t.").name(column);
        sql.push(" + excluded.").name(column);
    }
}

impl Store {
    /// Adds to what the gateway answered. Each key stands in `rows` once.
    ///
    /// # Errors
    /// When the database does not take it; then nothing was added.
    pub async fn add_gateway_requests(&self, rows: &[DailyGatewayRow]) -> Result<()> {
        let mut tx = self.begin().await?;
        for run in runs(rows, ROWS) {
            let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
            sql.name(DailyGatewayRow::NAME).push(" AS t (\"date\", \"category\", \"route\", \"successful_requests\", ");
            sql.push("\"failed_requests\", \"updated_at\") VALUES ");
            for (i, row) in run.iter().enumerate() {
                sql.push(if i > 0 { ", (" } else { "(" }).bind(&row.date).push(", ").bind(&row.category).push(", ");
                sql.bind(&row.route).push(", ").bind(row.successful_requests).push(", ").bind(row.failed_requests);
                sql.push(", ").bind(now()).push(")");
            }
            sql.push(" ON CONFLICT (").names(DailyGatewayRow::KEY).push(") DO UPDATE SET ");
            add(&mut sql, &["successful_requests", "failed_requests"]);
            sql.push(", \"updated_at\" = excluded.\"updated_at\"");
            tx.execute(sql).await?;
        }
        tx.commit().await
    }
}
