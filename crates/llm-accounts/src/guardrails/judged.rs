//! The calls that a guardrail looked at (`/guardrails/usage/logs`). Call this on the store's runtime.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use llm_store::{Filter, GUARDRAIL_INFORMATION, GuardAction, GuardrailCallRow, ListQuery, SpendLogRow};
use llm_types::Json;

use crate::Accounts;
use crate::request::Outcome;
use crate::tools::{said, snippet};

/// Characters of a reason that are shown.
const REASON: usize = 500;

/// What `GET /guardrails/usage/logs` asks for.
#[derive(Debug, Clone, Default)]
pub struct JudgedQuery {
    /// A guardrail's id or name.
    pub guardrail_id: Option<String>,
    /// A policy's id.
    pub policy_id: Option<String>,
    /// `blocked`, `passed`, `flagged`, `not_run`.
    pub action: Option<String>,
    /// From this instant.
    pub from: Option<DateTime<Utc>>,
    /// Until this instant.
    pub until: Option<DateTime<Utc>>,
    /// Page, from 1.
    pub page: u32,
    /// Calls on a page.
    pub size: u32,
}

impl JudgedQuery {
    fn answer(&self, logs: Vec<Json>, total: u64) -> Json {
        Json::object([
            ("logs", Json::Array(logs)),
            ("total", Json::from(total)),
            ("page", Json::from(self.page)),
            ("page_size", Json::from(self.size)),
        ])
    }
}

impl Accounts {
    /// `GET /guardrails/usage/logs`: the latest first. Without a guardrail and a policy nothing is asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judged_calls(&self, query: &JudgedQuery) -> Outcome<Json> {
        if query.guardrail_id.is_none() && query.policy_id.is_none() {
            return Ok(query.answer(Vec::new(), 0));
        }
        self.flushed("calls of a guardrail").await;
        let mut filter =
            Filter::new().maybe("policy_id", query.policy_id.clone()).between("start_time", query.from, query.until);
        if let Some(id) = &query.guardrail_id {
            filter = filter.any_of("guardrail_id", self.names_of_guardrail(id).await?);
        }
        let page = ListQuery::page(filter, query.page, query.size).sorted("start_time", true);
        let store = self.store_or_refuse()?;
        let found = store.table::<GuardrailCallRow>().list(&page).await?;
        let ids: Vec<String> = found.rows.iter().map(|row| row.request_id.clone()).collect();
        let rows = store.table::<SpendLogRow>().get_many(&ids).await?;
        let rows: HashMap<&str, &SpendLogRow> = rows.iter().map(|row| (row.request_id.as_str(), row)).collect();
        let logs = found.rows.iter().filter_map(|call| entry(call, rows.get(call.request_id.as_str())?));
        let wanted = |entry: &Json| query.action.as_deref().is_none_or(|action| entry.text("action") == Some(action));
        Ok(query.answer(logs.filter(wanted).collect(), found.total))
    }
}

/// A call, with the worst that this guardrail made of it.
fn entry(call: &GuardrailCallRow, row: &SpendLogRow) -> Option<Json> {
    let metadata: Json = row.metadata.as_ref().map(Json::from).unwrap_or_default();
    let runs = metadata.get(GUARDRAIL_INFORMATION).and_then(Json::as_array).unwrap_or_default();
    let name = |run: &Json| run.text("guardrail_id").or_else(|| run.text("guardrail_name")).map(str::to_owned);
    let action = |run: &Json| GuardAction::of(run.text("guardrail_status").unwrap_or_default());
    let own = runs.iter().filter(|run| name(run).as_deref() == Some(&call.guardrail_id));
    let worst = own.max_by_key(|run| action(run));
    let number = |name: &str| worst.and_then(|run| run.get(name)).and_then(Json::as_f64);
    let score = number("confidence_score").or_else(|| number("risk_score"));
    let reason = worst.and_then(|run| run.get("guardrail_response")).filter(|reason| !reason.is_null());
    let reason = reason.map(|reason| reason.as_str().map_or_else(|| reason.to_string(), str::to_owned));
    Some(Json::object([
        ("id", Json::from(row.request_id.as_str())),
        ("timestamp", Json::from(row.start_time.to_rfc3339())),
        ("action", Json::from(worst.map_or(GuardAction::Passed, action).name())),
        ("score", Json::from(score.map(|score| (score * 100.0).round() / 100.0))),
        ("latency_ms", Json::from(number("duration").map(|seconds| (seconds * 1000.0).round()))),
        ("model", Json::from(Some(row.model.as_str()).filter(|model| !model.is_empty()))),
        ("input_snippet", Json::from(snippet(row))),
        ("output_snippet", Json::from(row.response.as_ref().and_then(said))),
        ("reason", Json::from(reason.map(|reason| reason.chars().take(REASON).collect::<String>()))),
    ]))
}
