//! The registry of tools: those of MCP servers that were called, and how often.

use std::collections::BTreeMap;

use super::{SettlementBatch, runs};
use crate::clean::{INDEXED_TEXT, fitted};
use crate::defaults::{new_id, now};
use crate::error::Result;
use crate::filter::Filter;
use crate::rows::{SpendLogRow, ToolRow};
use crate::sql::Sql;
use crate::table::Table as _;
use crate::transaction::StoreTx;
use crate::value::Value;

/// Rows of one statement.
const ROWS: usize = 64;

/// What is written of a tool: who called it stays as it was at first, and so does what administrators said of it.
const COLUMNS: [&str; 10] = [
    "tool_id",
    "tool_name",
    "origin",
    "input_policy",
    "output_policy",
    "call_count",
    "key_hash",
    "team_id",
    "last_used_at",
    "created_by",
];

/// The calls of a tool in a batch.
struct Counted<'b> {
    /// One of them, which succeeded if any did.
    row: &'b SpendLogRow,
    calls: i64,
    /// There is such a tool.
    exists: bool,
}

pub(super) async fn write(tx: &mut StoreTx, batch: &SettlementBatch) -> Result<()> {
    let of_runs = batch.spend_runs.iter().map(|run| (&run.shared, run.calls.len() as i64));
    let calls = of_runs.chain(batch.spend_rows.iter().map(|row| (row, 1)));
    let mut tools: BTreeMap<String, Counted<'_>> = BTreeMap::new();
    for (row, count) in calls {
        let Some(name) = row.mcp_namespaced_tool_name.as_deref().filter(|name| !name.is_empty()) else { continue };
        let counted = tools.entry(fitted(name, INDEXED_TEXT)).or_insert(Counted { row, calls: 0, exists: false });
        counted.calls += count;
        if !counted.exists && row.status.as_deref() != Some("failure") {
            (counted.row, counted.exists) = (row, true);
        }
    }
    // A call that failed says nothing of there being such a tool: clients may make up names without end.
    let doubtful: Vec<String> = tools.iter().filter(|(_, tool)| !tool.exists).map(|(name, _)| name.clone()).collect();
    for names in doubtful.chunks(ROWS) {
        let known = Filter::new().any_of("tool_name", names.to_vec());
        for row in tx.table::<ToolRow>().find(known).await? {
            if let Some(tool) = tools.get_mut(&row.tool_name) {
                tool.exists = true;
            }
        }
    }
    let tools: Vec<_> = tools.into_iter().filter(|(_, tool)| tool.exists).collect();
    for run in runs(&tools, ROWS) {
        upsert(tx, run).await?;
    }
    Ok(())
}

async fn upsert(tx: &mut StoreTx, tools: &[(String, Counted<'_>)]) -> Result<()> {
    let at = now();
    let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
    sql.name(ToolRow::NAME).push(" AS t (").names(&COLUMNS).push(", \"updated_at\") VALUES ");
    for (i, (name, Counted { row, calls, .. })) in tools.iter().enumerate() {
        let origin = name.split_once('/').map_or("user_defined", |(server, _)| server);
        sql.push(if i > 0 { ", (" } else { "(" }).bind(new_id()).push(", ").bind(name).push(", ").bind(origin);
        sql.push(", 'untrusted', 'untrusted', ").bind(*calls).push(", ").bind(&row.api_key).push(", ");
        sql.bind(Value::Text(row.team_id.as_deref().map(|team| fitted(team, INDEXED_TEXT).into())))
            .push(", ")
            .bind(at)
            .push(", 'system', ")
            .bind(at)
            .push(")");
    }
    // `updated_at` stays: it says when the policy changed.
    sql.push(" ON CONFLICT (\"tool_name\") DO UPDATE SET \"call_count\" = t.\"call_count\" + excluded.\"call_count\"");
    sql.push(", \"last_used_at\" = excluded.\"last_used_at\"");
    tx.execute(sql).await.map(drop)
}
