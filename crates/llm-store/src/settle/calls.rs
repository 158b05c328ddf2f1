//! Rows of requests that have much in common: what a whole statement shares is given to the database once.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::columns::{COLUMNS, Column, Shape};
use super::{Applied, runs, spend_rows};
use crate::clean::clean_text;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::rows::SpendLogRow;
use crate::sql::Sql;
use crate::table::Table;
use crate::transaction::StoreTx;

/// Rows of one statement on SQLite: each statement is a turn of two threads. On PostgreSQL columns are arrays of any length.
const SQLITE_ROWS: usize = 256;

/// The same for PostgreSQL: bounds the size of one message.
const POSTGRES_ROWS: usize = 1000;

/// Requests of one caller to one deployment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SpendRun {
    /// The columns they share; what [`SpendCall`] has is not read here.
    pub shared: SpendLogRow,
    /// What differs.
    pub calls: Vec<SpendCall>,
}

/// What tells one request of a [`SpendRun`] from the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpendCall {
    /// Response id or call id.
    pub request_id: Arc<str>,
    /// Our own call id.
    pub call_id: Arc<str>,
    /// Conversation; none: the call is its own.
    pub session_id: Option<Arc<str>>,
    /// USD.
    pub spend: f64,
    /// All tokens.
    pub total_tokens: i64,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Completion tokens.
    pub completion_tokens: i64,
    /// When it came.
    pub start_time: DateTime<Utc>,
    /// When its answer was complete.
    pub end_time: DateTime<Utc>,
    /// Milliseconds from one to the other.
    pub duration_ms: i64,
    /// When the first token was there.
    pub completion_start_time: Option<DateTime<Utc>>,
    /// A JSON object, as text.
    pub metadata: Arc<str>,
    /// Address of the client.
    pub ip: Option<Arc<str>>,
    /// Key in the cache, or `Cache OFF`.
    pub cache_key: Arc<str>,
}

impl SpendRun {
    /// One of its calls as a row.
    #[must_use]
    pub fn row(&self, call: &SpendCall) -> SpendLogRow {
        full(&self.shared, call)
    }
}

fn full(shared: &SpendLogRow, call: &SpendCall) -> SpendLogRow {
    let own = |text: &Arc<str>| text.as_ref().to_owned();
    SpendLogRow {
        request_id: own(&call.request_id),
        spend: call.spend,
        total_tokens: call.total_tokens,
        prompt_tokens: call.prompt_tokens,
        completion_tokens: call.completion_tokens,
        start_time: call.start_time,
        end_time: call.end_time,
        request_duration_ms: Some(call.duration_ms),
        completion_start_time: call.completion_start_time,
        metadata: llm_types::RawJson::parse(&*call.metadata).ok(),
        cache_key: Some(own(&call.cache_key)),
        requester_ip_address: call.ip.as_ref().map(own),
        session_id: Some(own(call.session_id.as_ref().unwrap_or(&call.call_id))),
        litellm_call_id: Some(own(&call.call_id)),
        ..shared.clone()
    }
}

/// A call on its way into the table, under an id that is free as far as the batch knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) id: &'a Arc<str>,
    pub(super) shared: &'a SpendLogRow,
    pub(super) call: &'a SpendCall,
}

impl Item<'_> {
    fn row(&self) -> SpendLogRow {
        SpendLogRow { request_id: self.id.as_ref().to_owned(), ..full(self.shared, self.call) }
    }
}

/// Writes the rows of all runs; those that need care come back as rows of their own.
pub(super) async fn write(
    tx: &mut StoreTx,
    batch: &[SpendRun],
    seen: &mut HashSet<String>,
    done: &mut Applied,
) -> Result<Vec<SpendLogRow>> {
    let mut rest = Vec::new();
    let ids = free_ids(batch, seen, done);
    let mut items = Vec::with_capacity(ids.len());
    let calls = sorted(batch).into_iter().flat_map(|run| run.calls.iter().map(move |call| (&run.shared, call)));
    for ((shared, call), id) in calls.zip(&ids) {
        match id {
            Some(id) => items.push(Item { id, shared, call }),
            None => rest.push(full(shared, call)),
        }
    }
    done.spend_rows += items.len();
    let floor = if tx.dialect() == Dialect::Sqlite { last_row(tx).await? } else { 0 };
    let taken = match tx.dialect() {
        Dialect::Sqlite => {
            let mut taken = Vec::new();
            for run in runs(&items, SQLITE_ROWS) {
                taken.extend(insert_sqlite(tx, run, floor).await?);
            }
            taken
        }
        Dialect::Postgres => {
            let mut taken = Vec::new();
            for run in items.chunks(POSTGRES_ROWS) {
                taken.extend(insert_postgres(tx, run).await?);
            }
            taken
        }
    };
    done.renamed += taken.len();
    for item in taken {
        spend_rows::insert_renamed(tx, item.row(), seen).await?;
    }
    Ok(rest)
}

/// Calls to one deployment stand together, so statements share as much as can be.
fn sorted(batch: &[SpendRun]) -> Vec<&SpendRun> {
    let mut runs: Vec<&SpendRun> = batch.iter().collect();
    runs.sort_by(|a, b| by_deployment(&a.shared, &b.shared));
    runs
}

/// The ids to store the calls under, in the order of [`sorted`]: their own or, where the batch has it twice, one with the
/// call id, which no upstream chose. None for calls that do not fit the columns as they are.
fn free_ids(batch: &[SpendRun], seen: &mut HashSet<String>, done: &mut Applied) -> Vec<Option<Arc<str>>> {
    let mut ids = Vec::with_capacity(batch.iter().map(|run| run.calls.len()).sum());
    for run in sorted(batch) {
        let odd = spend_rows::odd_caller(&run.shared);
        for call in &run.calls {
            if odd || spend_rows::odd_call(call) {
                ids.push(None);
            } else if seen.insert(call.request_id.as_ref().to_owned()) {
                ids.push(Some(Arc::clone(&call.request_id)));
            } else {
                let own = (call.call_id != call.request_id).then_some(&*call.call_id);
                ids.push(Some(spend_rows::other_id(&call.request_id, own, seen).into()));
                done.renamed += 1;
            }
        }
    }
    ids
}

/// The number of the youngest row: rows of this transaction have greater ones.
async fn last_row(tx: &mut StoreTx) -> Result<i64> {
    let mut sql = Sql::write(Dialect::Sqlite, "SELECT COALESCE(MAX(rowid), 0) FROM ");
    sql.name(SpendLogRow::NAME);
    crate::access::first_int(&tx.fetch(sql).await?)
}

/// The names of all columns, and what a statement selects for them. `once` binds what all rows share.
fn select<'a>(
    sql: &mut Sql,
    items: &[Item<'a>],
    shape: &Shape,
    source: impl Fn(&mut Sql, usize, &Column),
) -> Vec<&'static Column> {
    let dialect = sql.dialect();
    let mut own: Vec<&'static Column> = Vec::with_capacity(COLUMNS.len());
    sql.name(SpendLogRow::NAME).push(" (");
    for (i, column) in COLUMNS.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" }).name(column.name);
    }
    sql.push(") SELECT ");
    for (i, column) in COLUMNS.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" });
        match (shape.once(column), items.first()) {
            (true, Some(first)) => {
                sql.bind((column.get)(first, dialect));
            }
            _ => {
                // A call that is its own session needs its id only once.
                let at = if shape.is_call_id(column) { own.iter().position(|c| c.is_call_id()) } else { None };
                let at = at.unwrap_or_else(|| {
                    own.push(column);
                    own.len() - 1
                });
                source(sql, at + 1, column);
            }
        }
    }
    own
}

/// Inserts rows; those whose id exists come back.
async fn insert_sqlite<'a>(tx: &mut StoreTx, items: &[Item<'a>], floor: i64) -> Result<Vec<Item<'a>>> {
    let shape = Shape::of(items);
    // IGNORE, not ON CONFLICT: a statement that cannot fail keeps no copies of the pages it changes.
    let mut sql = Sql::write(Dialect::Sqlite, "INSERT OR IGNORE INTO ");
    let own = select(&mut sql, items, &shape, |sql, at, _| {
        sql.push("v.column").push(&at.to_string());
    });
    sql.push(" FROM (VALUES ");
    for (i, item) in items.iter().enumerate() {
        sql.push(if i > 0 { ", (" } else { "(" });
        for (j, column) in own.iter().enumerate() {
            sql.push(if j > 0 { ", " } else { "" }).bind((column.get)(item, Dialect::Sqlite));
        }
        sql.push(")");
    }
    sql.push(") AS v");
    let written = tx.execute(sql).await?;
    if written == items.len() as u64 {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = items.iter().map(|item| item.id.as_ref().to_owned()).collect();
    let mut sql = Sql::write(Dialect::Sqlite, "SELECT \"request_id\" FROM ");
    sql.name(SpendLogRow::NAME).push(" WHERE \"request_id\"").is_any_of(&ids).push(" AND +rowid > ").bind(floor);
    not_in(&tx.fetch(sql).await?, items)
}

async fn insert_postgres<'a>(tx: &mut StoreTx, items: &[Item<'a>]) -> Result<Vec<Item<'a>>> {
    let shape = Shape::of(items);
    let mut sql = Sql::write(Dialect::Postgres, "INSERT INTO ");
    let own = select(&mut sql, items, &shape, |sql, at, column| {
        sql.push("v.c").push(&at.to_string()).push(if column.is_json() { "::jsonb" } else { "" });
    });
    sql.push(" FROM UNNEST(");
    for (i, column) in own.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" });
        sql.bind_array(column.kind, items.iter().map(|item| (column.get)(item, Dialect::Postgres)));
        sql.push("::").push(column.kind.name());
    }
    sql.push(") AS v(");
    for at in 1..=own.len() {
        sql.push(if at > 1 { ", c" } else { "c" }).push(&at.to_string());
    }
    sql.push(") ON CONFLICT (\"request_id\") DO NOTHING RETURNING \"request_id\"");
    let written = tx.fetch(sql).await?;
    if written.len() == items.len() { Ok(Vec::new()) } else { not_in(&written, items) }
}

/// The items whose ids are not among `written`.
fn not_in<'a>(written: &[crate::Row], items: &[Item<'a>]) -> Result<Vec<Item<'a>>> {
    let mut ids = HashSet::with_capacity(written.len());
    for row in written {
        ids.insert(row.text(0)?.unwrap_or_default());
    }
    Ok(items.iter().filter(|item| !ids.contains(clean_text(item.id).as_ref())).copied().collect())
}

/// Orders rows by what they say of the deployment.
fn by_deployment(a: &SpendLogRow, b: &SpendLogRow) -> Ordering {
    a.model
        .cmp(&b.model)
        .then_with(|| a.model_id.cmp(&b.model_id))
        .then_with(|| a.model_group.cmp(&b.model_group))
        .then_with(|| a.call_type.cmp(&b.call_type))
        .then_with(|| a.status.cmp(&b.status))
        .then_with(|| a.api_key.cmp(&b.api_key))
}
