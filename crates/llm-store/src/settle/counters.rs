//! Spend added to the rows of keys, users, teams and the rest.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{SettlementBatch, WindowSpend, finite, runs};
use crate::clean::{INDEXED_TEXT, fitted};
use crate::error::Result;
use crate::sql::Sql;
use crate::transaction::StoreTx;
use crate::value::Value;

/// Rows of one statement.
const ROWS: usize = 256;

pub(super) async fn write(tx: &mut StoreTx, batch: &SettlementBatch) -> Result<()> {
    keys(tx, batch).await?;
    for (table, column, entries) in [
        ("LiteLLM_UserTable", "user_id", &batch.users),
        ("LiteLLM_TeamTable", "team_id", &batch.teams),
        ("LiteLLM_OrganizationTable", "organization_id", &batch.organizations),
        ("LiteLLM_TagTable", "tag_name", &batch.tags),
        ("LiteLLM_ProjectTable", "project_id", &batch.projects),
        ("LiteLLM_AgentsTable", "agent_id", &batch.agents),
    ] {
        add(tx, table, column, entries).await?;
    }
    let members = &batch.team_members;
    add_pairs(tx, "LiteLLM_TeamMembership", "team_id", &["spend", "total_spend"], members).await?;
    let members = &batch.organization_members;
    add_pairs(tx, "LiteLLM_OrganizationMembership", "organization_id", &["spend"], members).await?;
    upsert(tx, "LiteLLM_EndUserTable", "user_id", &batch.end_users).await?;
    upsert(tx, "LiteLLM_ModelAccessGroupBudgetTable", "access_group_name", &batch.model_access_groups).await?;
    windows(tx, &batch.windows).await
}

/// `(v1, v2), (v1, v2) ...` for a `VALUES` list.
fn tuples<'a>(sql: &mut Sql, rows: impl Iterator<Item = Vec<Value<'a>>>) {
    for (i, row) in rows.enumerate() {
        sql.push(if i > 0 { ", (" } else { "(" });
        for (j, value) in row.into_iter().enumerate() {
            sql.push(if j > 0 { ", " } else { "" }).bind(value);
        }
        sql.push(")");
    }
}

/// One sum per id, in the order of ids.
fn summed(entries: &[(String, f64)], what: &str) -> Vec<(String, f64)> {
    let mut out = BTreeMap::new();
    for (id, spend) in entries {
        *out.entry(id.clone()).or_insert(0.0) += finite(*spend, what);
    }
    out.into_iter().collect()
}

async fn keys(tx: &mut StoreTx, batch: &SettlementBatch) -> Result<()> {
    let mut sums: BTreeMap<&str, (f64, Option<DateTime<Utc>>)> = BTreeMap::new();
    for key in &batch.keys {
        let sum = sums.entry(&key.token).or_default();
        sum.0 += finite(key.spend, "key");
        sum.1 = sum.1.max(key.last_active);
    }
    let sums: Vec<_> = sums.into_iter().collect();
    for run in runs(&sums, ROWS) {
        let mut sql = Sql::write(tx.dialect(), r#"UPDATE "LiteLLM_VerificationToken" AS t SET "#);
        // COALESCE: older databases have no default on the newer column.
        sql.push(r#""spend" = t."spend" + v.column2, "total_spend" = COALESCE(t."total_spend", 0) + v.column2, "#);
        sql.push(r#""last_active" = CASE WHEN v.column3 IS NULL OR t."last_active" > v.column3 THEN t."last_active" "#);
        sql.push(r#"ELSE v.column3 END FROM (VALUES "#);
        tuples(
            &mut sql,
            run.iter().map(|(token, (spend, active))| vec![(*token).into(), (*spend).into(), Value::Time(*active)]),
        );
        sql.push(r#") AS v WHERE t."token" = v.column1"#);
        tx.execute(sql).await?;
    }
    Ok(())
}

async fn add(tx: &mut StoreTx, table: &str, column: &str, entries: &[(String, f64)]) -> Result<()> {
    for run in runs(&summed(entries, table), ROWS) {
        let mut sql = Sql::write(tx.dialect(), "UPDATE ");
        sql.name(table).push(r#" AS t SET "spend" = t."spend" + v.column2 FROM (VALUES "#);
        tuples(&mut sql, run.iter().map(|(id, spend)| vec![id.into(), (*spend).into()]));
        sql.push(") AS v WHERE t.").name(column).push(" = v.column1");
        tx.execute(sql).await?;
    }
    Ok(())
}

/// Members: the entity's id, then the user's.
async fn add_pairs(
    tx: &mut StoreTx,
    table: &str,
    column: &str,
    sums: &[&str],
    entries: &[(String, String, f64)],
) -> Result<()> {
    let mut summed: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for (entity, user, spend) in entries {
        *summed.entry((entity, user)).or_default() += finite(*spend, table);
    }
    let summed: Vec<_> = summed.into_iter().collect();
    for run in runs(&summed, ROWS) {
        let mut sql = Sql::write(tx.dialect(), "UPDATE ");
        sql.name(table).push(" AS t SET ");
        for (i, sum) in sums.iter().enumerate() {
            sql.push(if i > 0 { ", " } else { "" }).name(sum).push(" = COALESCE(t.").name(sum).push(", 0) + v.column3");
        }
        sql.push(" FROM (VALUES ");
        tuples(
            &mut sql,
            run.iter().map(|((entity, user), spend)| vec![(*entity).into(), (*user).into(), (*spend).into()]),
        );
        sql.push(") AS v WHERE t.").name(column).push(" = v.column1 AND t.\"user_id\" = v.column2");
        tx.execute(sql).await?;
    }
    Ok(())
}

/// As [`add`], and rows that do not exist are made.
async fn upsert(tx: &mut StoreTx, table: &str, column: &str, entries: &[(String, f64)]) -> Result<()> {
    // Strangers choose the ids of end users, and a primary key has a limit.
    let clipped: Vec<_> = entries.iter().map(|(id, spend)| (fitted(id, INDEXED_TEXT), *spend)).collect();
    for run in runs(&summed(&clipped, table), ROWS) {
        // The other columns that take no NULL.
        let (more, fill): (&[&str], Option<Value<'_>>) =
            if column == "user_id" { (&["blocked"], Some(false.into())) } else { (&[], None) };
        let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
        sql.name(table).push(" AS t (").names(&[&[column, "spend"], more].concat()).push(") VALUES ");
        tuples(
            &mut sql,
            run.iter().map(|(id, spend)| {
                let mut row: Vec<Value<'_>> = vec![id.into(), (*spend).into()];
                row.extend(fill.clone());
                row
            }),
        );
        sql.push(" ON CONFLICT (").name(column).push(r#") DO UPDATE SET "spend" = t."spend" + excluded."spend""#);
        tx.execute(sql).await?;
    }
    Ok(())
}

async fn windows(tx: &mut StoreTx, entries: &[WindowSpend]) -> Result<()> {
    let mut sums: BTreeMap<(&str, String, &str), (DateTime<Utc>, f64)> = BTreeMap::new();
    for w in entries {
        let key = (w.entity_type.as_str(), fitted(&w.entity_id, INDEXED_TEXT), w.window_duration.as_str());
        let sum = sums.entry(key).or_insert((w.window_start, 0.0));
        if w.window_start > sum.0 {
            *sum = (w.window_start, 0.0);
        }
        if w.window_start == sum.0 {
            sum.1 += finite(w.spend, "window");
        }
    }
    let sums: Vec<_> = sums.into_iter().collect();
    let now = crate::defaults::now();
    for run in runs(&sums, ROWS) {
        let mut sql = Sql::write(tx.dialect(), r#"INSERT INTO "LiteLLM_BudgetWindowSpend" AS t ("entity_type", "#);
        sql.push(r#""entity_id", "window_duration", "window_start", "spend", "updated_at") VALUES "#);
        tuples(
            &mut sql,
            run.iter().map(|((kind, id, length), (start, spend))| {
                vec![(*kind).into(), id.into(), (*length).into(), (*start).into(), (*spend).into(), now.into()]
            }),
        );
        sql.push(r#" ON CONFLICT ("entity_type", "entity_id", "window_duration") DO UPDATE SET "spend" = CASE "#);
        sql.push(r#"WHEN excluded."window_start" > t."window_start" THEN excluded."spend" "#);
        sql.push(
            r#"WHEN excluded."window_start" = t."window_start" THEN t."spend" + excluded."spend" ELSE t."spend" END, "#,
        );
        sql.push(
            r#""window_start" = CASE WHEN excluded."window_start" > t."window_start" THEN excluded."window_start" "#,
        );
        sql.push(r#"ELSE t."window_start" END, "updated_at" = excluded."updated_at""#);
        tx.execute(sql).await?;
    }
    Ok(())
}
