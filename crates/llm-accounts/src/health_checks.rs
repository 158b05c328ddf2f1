//! What health checks found, kept in the store: who was ill, and since when. Call these on the store's runtime.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::defaults::new_id;
use llm_store::{Filter, HealthCheckRow, ListQuery};
use llm_types::{Json, Result};

use crate::keys::view;
use crate::request::Outcome;
use crate::{Accounts, refusal};

/// Rows in an answer at the most.
const LARGEST: u32 = 1000;
/// Somebody whose state does not change is noted once in this time.
const AGAIN: TimeDelta = TimeDelta::hours(1);
/// What nobody has looked at for this long is not there any more.
const LATELY: TimeDelta = TimeDelta::days(7);

/// What a check of a deployment found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The deployment's id.
    pub id: String,
    /// Its group.
    pub model: String,
    /// Why it is not well.
    pub error: Option<String>,
}

impl Checked {
    const fn status(&self) -> &'static str {
        if self.error.is_none() { "healthy" } else { "unhealthy" }
    }
}

impl Accounts {
    /// Notes what a round of checks found: deployments whose state changed, others once an hour. `by` names who checked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_checks(&self, found: &[Checked], by: &str) -> Result<()> {
        let Some(store) = self.store() else { return Ok(()) };
        let now = Utc::now();
        let lately = self.latest_rows(now - AGAIN).await.map_err(|error| refusal::store(&error))?;
        let known: HashMap<&str, &HealthCheckRow> =
            lately.iter().filter_map(|row| Some((row.model_id.as_deref()?, row))).collect();
        for checked in found {
            let same = |row: &&&HealthCheckRow| row.status == checked.status();
            if known.get(checked.id.as_str()).filter(same).is_some() {
                continue;
            }
            let well = checked.error.is_none();
            let row = HealthCheckRow {
                health_check_id: new_id(),
                model_name: checked.model.clone(),
                model_id: Some(checked.id.clone()),
                status: checked.status().to_owned(),
                healthy_count: i64::from(well),
                unhealthy_count: i64::from(!well),
                error_message: checked.error.as_ref().map(|error| error.chars().take(500).collect()),
                checked_by: Some(by.to_owned()),
                checked_at: now,
                ..HealthCheckRow::default()
            };
            store.table().insert(&row).await.map_err(|error| refusal::store(&error))?;
        }
        Ok(())
    }

    /// `GET /health/history`: checks, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn health_history(
        &self,
        model: Option<String>,
        status: Option<String>,
        limit: u32,
        offset: u32,
    ) -> Outcome<Json> {
        let filter = Filter::new().maybe("model_name", model).maybe("status", status);
        let query = ListQuery::window(filter, u64::from(offset), limit.clamp(1, LARGEST)).sorted("checked_at", true);
        let rows = self.store_or_refuse()?.table::<HealthCheckRow>().rows(&query).await?;
        Ok(Json::object([
            ("total_records", Json::from(rows.len() as u64)),
            ("health_checks", Json::Array(rows.iter().map(view::row).collect())),
            ("limit", Json::from(limit)),
            ("offset", Json::from(offset)),
        ]))
    }

    /// `GET /health/latest`: the last check of each deployment, by its id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn latest_health(&self) -> Outcome<Json> {
        self.store_or_refuse()?;
        let rows = self.latest_rows(Utc::now() - LATELY).await?;
        let named =
            |row: &HealthCheckRow| (row.model_id.clone().unwrap_or_else(|| row.model_name.clone()), view::row(row));
        Ok(Json::object([
            ("total_models", Json::from(rows.len() as u64)),
            ("latest_health_checks", Json::Object(rows.iter().map(named).collect())),
        ]))
    }

    /// The last row of each deployment that was noted since then.
    async fn latest_rows(&self, since: DateTime<Utc>) -> llm_store::Result<Vec<HealthCheckRow>> {
        let Some(store) = self.store() else { return Ok(Vec::new()) };
        let filter = Filter::new().at_least("checked_at", since);
        let rows = store.table::<HealthCheckRow>().rows(&ListQuery::all(filter).sorted("checked_at", true)).await?;
        let mut seen = HashSet::new();
        Ok(rows.into_iter().filter(|row| seen.insert((row.model_id.clone(), row.model_name.clone()))).collect())
    }
}
