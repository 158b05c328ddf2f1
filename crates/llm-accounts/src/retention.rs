//! Old rows of calls go, in small steps. Sums and totals stay.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use llm_store::{Filter, GuardrailCallRow, SpendLogRow, Store};
use llm_types::{Error, Result};
use serde::Deserialize;

use crate::period::Period;
use crate::{Accounts, refusal};

/// The job's name in the table of leaders.
const JOB: &str = "spend_log_cleanup_job";

/// How long rows of calls stay, and how they go.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Rows older than this go (`maximum_spend_logs_retention_period`): `30d`, or seconds. Nothing: all stay.
    pub period: Option<String>,
    /// Pause between two runs (`maximum_spend_logs_retention_interval`), in seconds.
    pub interval: f64,
    /// Rows of one delete (`maximum_spend_logs_cleanup_batch_size`).
    pub batch: u32,
    /// Deletes of one run (`maximum_spend_logs_cleanup_max_batches`).
    pub batches: u32,
    /// Seconds that a run may take (`maximum_spend_logs_cleanup_run_budget`).
    pub budget: f64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { period: None, interval: 86_400.0, batch: 1000, batches: 500, budget: 300.0 }
    }
}

/// Seconds of `30d`, `12h` or a bare number of seconds; nothing for another text.
#[must_use]
pub fn seconds_of(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Some(seconds).filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    }
    let start = DateTime::<Utc>::UNIX_EPOCH;
    let length = Period::parse(text)?.after(start)?.signed_duration_since(start);
    Some(length.num_milliseconds() as f64 / 1000.0)
}

impl Accounts {
    /// Deletes rows of calls that are older than the configured period at `now`; how many. Of several gateways on one
    /// database one does it (`holder` names this one). What is left after the run's limits goes in the next run.
    ///
    /// # Errors
    /// When the store fails; what was deleted stays deleted.
    pub async fn delete_old_rows(&self, holder: &str, now: DateTime<Utc>) -> Result<u64> {
        let period = self.settings().retention.period.as_deref().and_then(seconds_of);
        let (Some(period), Some(store)) = (period, self.store().cloned()) else { return Ok(0) };
        let before = chrono::TimeDelta::try_milliseconds((period * 1000.0) as i64);
        let Some(before) = before.and_then(|period| now.checked_sub_signed(period)) else { return Ok(0) };
        let (limits, holder) = (self.settings().retention.clone(), holder.to_owned());
        let run = self.background().spawn(async move { delete(&store, &limits, &holder, before).await });
        let done = run.await.map_err(|_| Error::internal("the deletion was stopped"))?;
        done.map_err(|error| refusal::store(&error))
    }
}

async fn delete(store: &Store, limits: &Retention, holder: &str, before: DateTime<Utc>) -> llm_store::Result<u64> {
    let budget = Duration::try_from_secs_f64(limits.budget).unwrap_or_default();
    if !store.lead(JOB, holder, budget + Duration::from_secs(60)).await? {
        return Ok(0);
    }
    let started = Instant::now();
    let mut gone = 0;
    for _ in 0..limits.batches {
        let step = store.table::<SpendLogRow>().delete_before(before, limits.batch.max(1)).await?;
        gone += step;
        if step < u64::from(limits.batch.max(1)) {
            // What refers to rows goes with the last of them.
            let old = Filter::new().below("start_time", before);
            store.table::<GuardrailCallRow>().delete_where(&old).await?;
            break;
        }
        if started.elapsed() > budget {
            break;
        }
        // Writers come in between.
        tokio::task::yield_now().await;
    }
    store.stop_leading(JOB, holder).await?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use llm_store::StoreConfig;

    use super::*;
    use crate::AccountsSettings;

    #[test]
    fn lengths() {
        for (text, wanted) in
            [("30d", Some(2_592_000.0)), ("12h", Some(43_200.0)), ("3600", Some(3600.0)), ("soon", None), ("-1", None)]
        {
            assert_eq!(seconds_of(text), wanted, "{text}");
        }
    }

    #[tokio::test]
    async fn old_rows_go_and_young_ones_stay() {
        let store = Store::open(&StoreConfig::memory()).await.unwrap();
        store.migrate().await.unwrap();
        let now = Utc::now();
        for (id, days) in [("a", 40), ("b", 35), ("c", 31), ("d", 2)] {
            let start_time = now - TimeDelta::days(days);
            let row = SpendLogRow { request_id: id.into(), start_time, ..SpendLogRow::default() };
            store.table().insert(&row).await.unwrap();
        }
        let accounts = |period: Option<&str>, batches| {
            let retention = Retention { period: period.map(str::to_owned), batch: 1, batches, ..Retention::default() };
            let settings = AccountsSettings { retention, ..AccountsSettings::default() };
            Accounts::new(settings, Some(store.clone()), tokio::runtime::Handle::current()).unwrap()
        };
        assert_eq!(accounts(None, 10).delete_old_rows("x", now).await.unwrap(), 0, "nothing was configured");
        assert_eq!(accounts(Some("30d"), 2).delete_old_rows("x", now).await.unwrap(), 2, "no more than a run may");
        assert!(store.lead(JOB, "other", Duration::from_secs(60)).await.unwrap());
        assert_eq!(accounts(Some("30d"), 10).delete_old_rows("x", now).await.unwrap(), 0, "another gateway does it");
        store.stop_leading(JOB, "other").await.unwrap();
        assert_eq!(accounts(Some("30d"), 10).delete_old_rows("x", now).await.unwrap(), 1);
        assert_eq!(store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap(), 1);
    }
}
