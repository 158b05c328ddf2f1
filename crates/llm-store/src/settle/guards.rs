//! What guardrails did: which calls they looked at, and sums by day. All of it stands in the metadata of the rows.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{SettlementBatch, runs};
use crate::clean::{INDEXED_TEXT, fitted};
use crate::defaults::now;
use crate::error::Result;
use crate::rows::{DailyGuardrailRow, GuardrailCallRow};
use crate::sql::Sql;
use crate::table::Table as _;
use crate::transaction::StoreTx;
use crate::value::Value;

/// Where the metadata of a row says what guardrails did: a list.
pub const GUARDRAIL_INFORMATION: &str = "guardrail_information";

/// Rows of one statement.
const ROWS: usize = 128;

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    guardrail_information: Vec<Run>,
}

/// One run; fields of other types say nothing.
#[derive(Deserialize)]
struct Run {
    guardrail_id: Option<String>,
    guardrail_name: Option<String>,
    guardrail_status: Option<String>,
    policy_id: Option<String>,
}

/// What became of a call, from nothing to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardAction {
    /// It did not run.
    NotRun,
    /// The call passed.
    Passed,
    /// The guardrail failed.
    Flagged,
    /// Content was edited or stopped.
    Blocked,
}

impl GuardAction {
    /// What a `guardrail_status` stands for.
    #[must_use]
    pub fn of(status: &str) -> Self {
        let status = status.to_ascii_lowercase();
        let has = |part: &str| status.contains(part);
        if status == "not_run" {
            Self::NotRun
        } else if has("intervened") || has("block") {
            Self::Blocked
        } else if has("flagged") || has("fail") || has("error") {
            Self::Flagged
        } else {
            Self::Passed
        }
    }

    /// LiteLLM's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRun => "not_run",
            Self::Passed => "passed",
            Self::Flagged => "flagged",
            Self::Blocked => "blocked",
        }
    }
}

/// Calls that were evaluated, passed, blocked, flagged.
type Counts = [i64; 4];

/// What a batch says.
#[derive(Default)]
struct Seen {
    calls: Vec<GuardrailCallRow>,
    days: BTreeMap<(String, String), Counts>,
}

impl Seen {
    /// `id` as upstreams and clients chose it; the index has it as the row does.
    fn add(&mut self, id: &str, at: DateTime<Utc>, metadata: &str) {
        // Most calls have no guardrails.
        if !metadata.contains(GUARDRAIL_INFORMATION) {
            return;
        }
        let Ok(Metadata { guardrail_information }) = serde_json::from_str(metadata) else { return };
        let mut worst: BTreeMap<String, (GuardAction, Option<String>)> = BTreeMap::new();
        for run in guardrail_information {
            let name = [run.guardrail_id, run.guardrail_name].into_iter().flatten().find(|name| !name.is_empty());
            let Some(name) = name else { continue };
            let name = fitted(&name, INDEXED_TEXT);
            let action = GuardAction::of(run.guardrail_status.as_deref().unwrap_or_default());
            let (known, policy) = worst.entry(name).or_insert((action, None));
            *known = action.max(*known);
            *policy = policy.take().or_else(|| run.policy_id.map(|id| fitted(&id, INDEXED_TEXT)));
        }
        for (guardrail_id, (action, policy_id)) in worst {
            let counts =
                self.days.entry((guardrail_id.clone(), at.format("%Y-%m-%d").to_string())).or_insert([0_i64; 4]);
            let one = |of: GuardAction| i64::from(action == of);
            let more = [
                i64::from(action != GuardAction::NotRun),
                one(GuardAction::Passed),
                one(GuardAction::Blocked),
                one(GuardAction::Flagged),
            ];
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
            self.calls.push(GuardrailCallRow {
                request_id: fitted(id, INDEXED_TEXT),
                guardrail_id,
                policy_id,
                start_time: at,
            });
        }
    }
}

pub(super) async fn write(tx: &mut StoreTx, batch: &SettlementBatch) -> Result<()> {
    let mut seen = Seen::default();
    for call in batch.spend_runs.iter().flat_map(|run| &run.calls) {
        seen.add(&call.request_id, call.start_time, &call.metadata);
    }
    for row in &batch.spend_rows {
        let metadata = row.metadata.as_ref().map_or("", |metadata| metadata.get());
        seen.add(&row.request_id, row.start_time, metadata);
    }
    index(tx, seen.calls).await?;
    let days: Vec<_> = seen.days.into_iter().collect();
    for run in runs(&days, ROWS) {
        add(tx, run).await?;
    }
    Ok(())
}

async fn index(tx: &mut StoreTx, mut calls: Vec<GuardrailCallRow>) -> Result<()> {
    let mut known = HashSet::new();
    calls.retain(|row| known.insert((row.request_id.clone(), row.guardrail_id.clone())));
    for run in runs(&calls, ROWS) {
        let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
        sql.name(GuardrailCallRow::NAME).push(" (").names(GuardrailCallRow::COLUMNS).push(") VALUES ");
        for (i, row) in run.iter().enumerate() {
            sql.push(if i > 0 { ", (" } else { "(" }).bind(&row.request_id).push(", ").bind(&row.guardrail_id);
            sql.push(", ").bind(Value::Text(row.policy_id.as_deref().map(Into::into))).push(", ");
            sql.bind(row.start_time).push(")");
        }
        sql.push(" ON CONFLICT DO NOTHING");
        tx.execute(sql).await?;
    }
    Ok(())
}

async fn add(tx: &mut StoreTx, days: &[((String, String), Counts)]) -> Result<()> {
    const SUMS: [&str; 4] = ["requests_evaluated", "passed_count", "blocked_count", "flagged_count"];
    let at = now();
    let mut sql = Sql::write(tx.dialect(), "INSERT INTO ");
    sql.name(DailyGuardrailRow::NAME).push(" AS t (\"guardrail_id\", \"date\", ").names(&SUMS);
    sql.push(", \"updated_at\") VALUES ");
    for (i, ((guardrail, date), counts)) in days.iter().enumerate() {
        sql.push(if i > 0 { ", (" } else { "(" }).bind(guardrail).push(", ").bind(date);
        for count in counts {
            sql.push(", ").bind(*count);
        }
        sql.push(", ").bind(at).push(")");
    }
    sql.push(" ON CONFLICT (").names(DailyGuardrailRow::KEY).push(") DO UPDATE SET ");
    for column in SUMS {
        sql.name(column).push(" = t.").name(column).push(" + excluded.").name(column).push(", ");
    }
    sql.push("\"updated_at\" = excluded.\"updated_at\"");
    tx.execute(sql).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_once_for_a_guardrail_with_the_worst_that_became_of_it() {
        let mut seen = Seen::default();
        let at = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let text = r#"{"guardrail_information":[{"guardrail_name":"pii","guardrail_status":"success"},
            {"guardrail_name":"pii","guardrail_status":"guardrail_intervened"},
            {"guardrail_name":"slow","guardrail_status":"guardrail_failed_to_respond"},{"guardrail_status":"success"}]}"#;
        seen.add("r1", at, text);
        seen.add("r2", at, r#"{"guardrail_information":[{"guardrail_name":"pii","guardrail_status":"success"}]}"#);
        seen.add("r3", at, r#"{"applied_guardrails":["pii"]}"#);
        seen.add("r4", at, r#"{"guardrail_information":7}"#);
        let days: Vec<_> = seen.days.iter().map(|((name, _), counts)| (name.as_str(), *counts)).collect();
        assert_eq!(days, [("pii", [2, 1, 1, 0]), ("slow", [1, 0, 0, 1])]);
        let calls: Vec<_> = seen.calls.iter().map(|row| format!("{}/{}", row.request_id, row.guardrail_id)).collect();
        assert_eq!(calls, ["r1/pii", "r1/slow", "r2/pii"]);
    }
}
