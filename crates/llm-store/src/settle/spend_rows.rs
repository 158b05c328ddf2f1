//! The rows of requests. Upstreams repeat response ids, so a taken id is changed, never the row lost.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Applied, SpendCall, finite, runs};
use crate::clean::{INDEXED_TEXT, fitted};
use crate::defaults::{empty_list, empty_object, new_id};
use crate::error::{Result, StoreError};
use crate::rows::SpendLogRow;
use crate::sql::Sql;
use crate::table::Table;
use crate::transaction::StoreTx;

/// Rows of one statement: 64 rows of 35 columns stay far below both engines' limits on arguments.
const ROWS: usize = 64;

/// Writes rows one by one when `careful`; `seen` has the ids that the batch uses already.
pub(super) async fn write(
    tx: &mut StoreTx,
    rows: &[SpendLogRow],
    careful: bool,
    seen: &mut HashSet<String>,
    done: &mut Applied,
) -> Result<()> {
    done.spend_rows += rows.len();
    let mut ready: Vec<Cow<'_, SpendLogRow>> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = storable(row);
        if !seen.insert(row.request_id.clone()) {
            rename(&mut row, seen);
            done.renamed += 1;
        }
        ready.push(row);
    }
    for run in runs(&ready, if careful { 1 } else { ROWS }) {
        let taken = if careful { insert_careful(tx, run, done).await? } else { insert(tx, run).await? };
        done.renamed += taken.len();
        for row in taken {
            insert_renamed(tx, row.into_owned(), seen).await?;
        }
    }
    Ok(())
}

/// Writes a row whose id is taken under another.
pub(super) async fn insert_renamed(tx: &mut StoreTx, row: SpendLogRow, seen: &mut HashSet<String>) -> Result<()> {
    let mut row = Cow::Owned(row);
    rename(&mut row, seen);
    while !insert(tx, std::slice::from_ref(&row)).await?.is_empty() {
        row.to_mut().request_id = format!("{}:{}", row.request_id, new_id());
    }
    Ok(())
}

/// Gives the row an id of its own: the one it has, then our call id, which no upstream chose.
fn rename(row: &mut Cow<'_, SpendLogRow>, seen: &mut HashSet<String>) {
    let row = row.to_mut();
    let own = row.litellm_call_id.as_deref().filter(|id| *id != row.request_id);
    row.request_id = other_id(&row.request_id, own, seen);
}

/// An id for a row whose own is taken: with the call's id behind it, or a new one.
pub(super) fn other_id(taken: &str, own: Option<&str>, seen: &mut HashSet<String>) -> String {
    let mut id = match own {
        Some(own) => [taken, ":", own].concat(),
        None => format!("{taken}:{}", new_id()),
    };
    while !seen.insert(id.clone()) {
        id = format!("{taken}:{}", new_id());
    }
    id
}

/// Inserts rows; those whose id exists come back.
async fn insert<'r>(tx: &mut StoreTx, rows: &[Cow<'r, SpendLogRow>]) -> Result<Vec<Cow<'r, SpendLogRow>>> {
    let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
    sql.name(SpendLogRow::NAME).push(" (").names(SpendLogRow::COLUMNS).push(") VALUES ");
    for (i, row) in rows.iter().enumerate() {
        sql.push(if i > 0 { ", (" } else { "(" });
        for (j, value) in row.values().into_iter().enumerate() {
            sql.push(if j > 0 { ", " } else { "" }).bind(value);
        }
        sql.push(")");
    }
    sql.push(" ON CONFLICT (\"request_id\") DO NOTHING RETURNING \"request_id\"");
    let written = tx.fetch(sql).await?;
    if written.len() == rows.len() {
        return Ok(Vec::new());
    }
    let mut ids = HashSet::with_capacity(written.len());
    for row in &written {
        ids.insert(row.text(0)?.unwrap_or_default());
    }
    Ok(rows.iter().filter(|row| !ids.contains(row.request_id.as_str())).cloned().collect())
}

/// As [`insert`]; a row the database refuses is written without its JSON.
async fn insert_careful<'r>(
    tx: &mut StoreTx,
    rows: &[Cow<'r, SpendLogRow>],
    done: &mut Applied,
) -> Result<Vec<Cow<'r, SpendLogRow>>> {
    tx.script("SAVEPOINT spend_row").await?;
    match insert(tx, rows).await {
        Err(StoreError::Data(error)) => {
            tx.script("ROLLBACK TO SAVEPOINT spend_row").await?;
            let bare: Vec<Cow<'r, SpendLogRow>> = rows.iter().map(|row| Cow::Owned(without_json(row))).collect();
            for row in &bare {
                tracing::error!(%error, request_id = row.request_id, "a spend row was stored without its JSON columns");
            }
            done.reduced += bare.len();
            insert(tx, &bare).await
        }
        taken => {
            tx.script("RELEASE SAVEPOINT spend_row").await?;
            taken
        }
    }
}

fn without_json(row: &SpendLogRow) -> SpendLogRow {
    SpendLogRow {
        metadata: Some(empty_object()),
        request_tags: Some(empty_list()),
        messages: Some(empty_object()),
        response: Some(empty_object()),
        proxy_server_request: Some(empty_object()),
        ..row.clone()
    }
}

/// Ids are compared with what the database has, so they must be what it can keep.
fn odd_id(id: &str) -> bool {
    long(id) || id.as_bytes().contains(&0)
}

fn odd_count(count: i64) -> bool {
    i32::try_from(count).is_err()
}

/// What the rows of a run share does not fit its columns.
pub(super) fn odd_caller(row: &SpendLogRow) -> bool {
    let texts = [&row.end_user, &row.user, &row.team_id, &row.mcp_namespaced_tool_name];
    long(&row.api_key) || texts.into_iter().flatten().any(|text| long(text))
}

const fn long(text: &str) -> bool {
    text.len() > INDEXED_TEXT
}

/// What a call of a run has of its own does not fit its columns.
pub(super) fn odd_call(call: &SpendCall) -> bool {
    odd_id(&call.request_id)
        || [Some(&call.call_id), call.session_id.as_ref()].into_iter().flatten().any(|text| long(text))
        || [call.total_tokens, call.prompt_tokens, call.completion_tokens, call.duration_ms].into_iter().any(odd_count)
        || !call.spend.is_finite()
}

/// The row in the ranges of its columns; borrowed when it is already.
fn storable(row: &SpendLogRow) -> Cow<'_, SpendLogRow> {
    let texts = [row.session_id.as_ref(), row.litellm_call_id.as_ref()];
    let long_own = texts.into_iter().flatten().any(|text| long(text));
    let counts = [row.total_tokens, row.prompt_tokens, row.completion_tokens, row.request_duration_ms.unwrap_or(0)];
    let odd = odd_id(&row.request_id) || odd_caller(row) || long_own || counts.into_iter().any(odd_count);
    if !odd && row.spend.is_finite() {
        return Cow::Borrowed(row);
    }
    let mut row = row.clone();
    let SpendLogRow {
        request_id,
        api_key,
        end_user,
        user,
        team_id,
        session_id,
        litellm_call_id,
        mcp_namespaced_tool_name: tool,
        ..
    } = &mut row;
    let texts = [end_user, user, team_id, session_id, litellm_call_id, tool].into_iter().flatten();
    for text in texts.chain([request_id, api_key]) {
        *text = fitted(text, INDEXED_TEXT);
    }
    // The columns are 32 bits wide.
    let fit = |n: i64| n.clamp(i32::MIN.into(), i32::MAX.into());
    row.total_tokens = fit(row.total_tokens);
    row.prompt_tokens = fit(row.prompt_tokens);
    row.completion_tokens = fit(row.completion_tokens);
    row.request_duration_ms = row.request_duration_ms.map(fit);
    row.spend = finite(row.spend, "request");
    Cow::Owned(row)
}
