//! The daily rollups: counts added to rows that are made when missing.

use std::collections::BTreeMap;

use super::{finite, runs};
use crate::clean::fitted;
use crate::daily::{DailyCounters, DailyKey, DailyScope, DailySpendRow};
use crate::defaults::new_id;
use crate::error::Result;
use crate::sql::Sql;
use crate::transaction::StoreTx;
use crate::value::Value;

/// Rows of one statement.
const ROWS: usize = 128;

/// The unique index has up to seven text columns, and PostgreSQL takes 2.7 kB in all.
const KEY_TEXT: usize = 256;

pub(super) async fn write(tx: &mut StoreTx, rows: &[DailySpendRow]) -> Result<()> {
    let mut scopes: BTreeMap<DailyScope, BTreeMap<DailyKey, (String, DailyCounters)>> = BTreeMap::new();
    for row in rows {
        let (key, model_group) = storable(row.scope, &row.key);
        let sum =
            scopes.entry(row.scope).or_default().entry(key).or_insert_with(|| (model_group, DailyCounters::default()));
        sum.1.add(&clean_counters(&row.counters));
    }
    for (scope, rows) in scopes {
        let rows: Vec<_> = rows.into_iter().collect();
        for run in runs(&rows, ROWS) {
            upsert(tx, scope, run).await?;
        }
    }
    Ok(())
}

/// The key in the limits of the index, without what does not tell rows apart in this scope; and the model group.
fn storable(scope: DailyScope, key: &DailyKey) -> (DailyKey, String) {
    let fit = |text: &str| fitted(text, KEY_TEXT);
    let global = scope == DailyScope::Global;
    let model_group = fit(&key.model_group);
    let key = DailyKey {
        entity: if global { String::new() } else { fit(&key.entity) },
        date: fit(&key.date),
        api_key: if global { String::new() } else { fit(&key.api_key) },
        model: fit(&key.model),
        model_group: if global { model_group.clone() } else { String::new() },
        custom_llm_provider: fit(&key.custom_llm_provider),
        mcp_namespaced_tool_name: fit(&key.mcp_namespaced_tool_name),
        endpoint: fit(&key.endpoint),
    };
    (key, model_group)
}

fn clean_counters(counters: &DailyCounters) -> DailyCounters {
    DailyCounters {
        spend: finite(counters.spend, "daily spend"),
        compression_savings_spend: finite(counters.compression_savings_spend, "daily savings"),
        prompt_caching_savings_spend: finite(counters.prompt_caching_savings_spend, "daily savings"),
        gateway_injected_caching_savings_spend: finite(
            counters.gateway_injected_caching_savings_spend,
            "daily savings",
        ),
        autorouter_savings_spend: finite(counters.autorouter_savings_spend, "daily savings"),
        ..*counters
    }
}

/// The values of the scope's key columns, in their order.
fn key_values(scope: DailyScope, key: &DailyKey) -> Vec<Value<'_>> {
    let last = [&key.custom_llm_provider, &key.mcp_namespaced_tool_name, &key.endpoint];
    let first: Vec<&String> = match scope {
        DailyScope::Global => vec![&key.date, &key.model, &key.model_group],
        _ => vec![&key.entity, &key.date, &key.api_key, &key.model],
    };
    first.into_iter().chain(last).map(Value::from).collect()
}

async fn upsert(tx: &mut StoreTx, scope: DailyScope, rows: &[(DailyKey, (String, DailyCounters))]) -> Result<()> {
    let key_columns = scope.key_columns();
    let now = crate::defaults::now();
    let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
    sql.name(scope.table()).push(" AS t (\"id\", \"updated_at\", ").names(&key_columns).push(", ");
    if scope != DailyScope::Global {
        sql.push("\"model_group\", ");
    }
    sql.names(DailyCounters::COLUMNS).push(") VALUES ");
    for (i, (key, (model_group, counters))) in rows.iter().enumerate() {
        sql.push(if i > 0 { ", (" } else { "(" }).bind(new_id()).push(", ").bind(now);
        for value in key_values(scope, key) {
            sql.push(", ").bind(value);
        }
        if scope != DailyScope::Global {
            sql.push(", ").bind(model_group);
        }
        for value in counters.values() {
            sql.push(", ").bind(value);
        }
        sql.push(")");
    }
    sql.push(" ON CONFLICT (").names(&key_columns).push(") DO UPDATE SET \"updated_at\" = excluded.\"updated_at\"");
    for column in DailyCounters::COLUMNS {
        sql.push(", ").name(column).push(" = t.").name(column).push(" + excluded.").name(column);
    }
    tx.execute(sql).await.map(drop)
}
