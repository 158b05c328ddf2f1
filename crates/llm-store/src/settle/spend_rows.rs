//! The rows of requests. Upstreams repeat response ids, so a taken id is changed, never the row lost.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Applied, finite, runs};
use crate::clean::clip;
use crate::defaults::{empty_list, empty_object, new_id};
use crate::error::{Result, StoreError};
use crate::rows::SpendLogRow;
use crate::sql::Sql;
use crate::table::Table;
use crate::transaction::StoreTx;

/// Rows of one statement: 64 rows of 35 columns stay far below both engines' limits on arguments.
const ROWS: usize = 64;

/// Indexed text longer than this is cut: PostgreSQL refuses index entries above 2.7 kB, and real ids are short.
const INDEXED_TEXT: usize = 512;

pub(super) async fn write(tx: &mut StoreTx, rows: &[SpendLogRow], careful: bool) -> Result<Applied> {
    let mut done = Applied { spend_rows: rows.len(), ..Applied::default() };
    let mut seen = HashSet::with_capacity(rows.len());
    let mut ready: Vec<Cow<'_, SpendLogRow>> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = storable(row);
        if !seen.insert(row.request_id.clone()) {
            rename(&mut row, &mut seen);
            done.renamed += 1;
        }
        ready.push(row);
    }
    for run in runs(&ready, if careful { 1 } else { ROWS }) {
        let taken = if careful { insert_careful(tx, run, &mut done).await? } else { insert(tx, run).await? };
        done.renamed += taken.len();
        for mut row in taken {
            rename(&mut row, &mut seen);
            while !insert(tx, std::slice::from_ref(&row)).await?.is_empty() {
                row.to_mut().request_id = format!("{}:{}", row.request_id, new_id());
            }
        }
    }
    Ok(done)
}

/// Gives the row an id of its own: the one it has, then our call id, which no upstream chose.
fn rename(row: &mut Cow<'_, SpendLogRow>, seen: &mut HashSet<String>) {
    let row = row.to_mut();
    let own = row.litellm_call_id.clone().filter(|id| *id != row.request_id);
    let mut id = format!("{}:{}", row.request_id, own.unwrap_or_else(new_id));
    while !seen.insert(id.clone()) {
        id = format!("{}:{}", row.request_id, new_id());
    }
    row.request_id = id;
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
    Ok(rows.iter().filter(|row| !ids.contains(crate::clean::clean_text(&row.request_id).as_ref())).cloned().collect())
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

/// The row in the ranges of its columns; borrowed when it is already.
fn storable(row: &SpendLogRow) -> Cow<'_, SpendLogRow> {
    let texts = [Some(&row.request_id), Some(&row.api_key), row.end_user.as_ref(), row.session_id.as_ref()];
    let long = texts.into_iter().chain([row.litellm_call_id.as_ref()]).flatten().any(|t| t.len() > INDEXED_TEXT);
    let narrow = |n: i64| i32::try_from(n).is_ok();
    let counts = [row.total_tokens, row.prompt_tokens, row.completion_tokens, row.request_duration_ms.unwrap_or(0)];
    if !long && counts.into_iter().all(narrow) && row.spend.is_finite() {
        return Cow::Borrowed(row);
    }
    let mut row = row.clone();
    clip(&mut row.request_id, INDEXED_TEXT);
    clip(&mut row.api_key, INDEXED_TEXT);
    for text in [&mut row.end_user, &mut row.session_id, &mut row.litellm_call_id].into_iter().flatten() {
        clip(text, INDEXED_TEXT);
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
