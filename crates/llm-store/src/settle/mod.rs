//! What a flush of the journal writes, in one transaction, once.

mod calls;
mod columns;
mod counters;
mod daily;
mod guards;
mod pace;
mod spend_rows;
mod tools;

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::daily::DailySpendRow;
use crate::dialect::Dialect;
use crate::error::{Result, StoreError};
use crate::rows::{DailyPaceRow, SpendLogRow};
use crate::sql::Sql;
use crate::store::Store;
use crate::transaction::StoreTx;
pub use calls::{SpendCall, SpendRun};
pub use guards::{GUARDRAIL_INFORMATION, GuardAction};

/// Held while sums are updated: gateways that flush at once touch the same rows, and would lock them in different orders.
const SETTLEMENT_LOCK: i64 = 0x6c6c_6d5f_6d69_6702;

/// Everything one segment of the journal has to say. Entries about the same row are summed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SettlementBatch {
    /// The segment's id. A batch whose id was applied before changes nothing.
    pub batch_id: String,
    /// One row per request.
    pub spend_rows: Vec<SpendLogRow>,
    /// Rows of requests that have much in common; cheaper than [`SettlementBatch::spend_rows`].
    pub spend_runs: Vec<SpendRun>,
    /// Spend of keys, with when they were last used.
    pub keys: Vec<KeySpend>,
    /// User id, USD. The proxy's own total goes to the pseudo-user `litellm-proxy-budget`.
    pub users: Vec<(String, f64)>,
    /// Team id, USD.
    pub teams: Vec<(String, f64)>,
    /// Team id, user id, USD.
    pub team_members: Vec<(String, String, f64)>,
    /// Organization id, USD.
    pub organizations: Vec<(String, f64)>,
    /// Organization id, user id, USD.
    pub organization_members: Vec<(String, String, f64)>,
    /// End user id, USD. Rows that do not exist are made.
    pub end_users: Vec<(String, f64)>,
    /// Tag, USD.
    pub tags: Vec<(String, f64)>,
    /// Project id, USD.
    pub projects: Vec<(String, f64)>,
    /// Agent id, USD.
    pub agents: Vec<(String, f64)>,
    /// Model access group, USD. Rows that do not exist are made.
    pub model_access_groups: Vec<(String, f64)>,
    /// Spend of budget windows. Rows that do not exist are made.
    pub windows: Vec<WindowSpend>,
    /// Counts for the daily rollups. Rows that do not exist are made.
    pub daily: Vec<DailySpendRow>,
    /// How fast models answered. Rows that do not exist are made.
    pub pace: Vec<DailyPaceRow>,
}

/// What a key spent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeySpend {
    /// The key's hash.
    pub token: String,
    /// USD, added to `spend` and `total_spend`.
    pub spend: f64,
    /// When it was last used; an older time than the stored one changes nothing.
    pub last_active: Option<DateTime<Utc>>,
}

/// What was spent in one window of an entity that has several budgets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowSpend {
    /// `key`, `team`, `user` ...
    pub entity_type: String,
    /// Its id.
    pub entity_id: String,
    /// Length: `1d`, `30d` ...
    pub window_duration: String,
    /// Start of the window. A newer window than the stored one replaces it, an older one is dropped.
    pub window_start: DateTime<Utc>,
    /// USD.
    pub spend: f64,
}

/// What [`Store::apply`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// The batch had been applied before; nothing was written.
    pub already: bool,
    /// Rows of requests written.
    pub spend_rows: usize,
    /// How many of them got another id because theirs was taken.
    pub renamed: usize,
    /// How many of them lost their JSON columns because the database refused them.
    pub reduced: usize,
}

impl Store {
    /// Writes a batch in one transaction, exactly once however often it is applied. A busy database is tried again a few
    /// times.
    ///
    /// # Errors
    /// When the database cannot take it; then nothing was written and the batch can be applied again.
    pub async fn apply(&self, batch: &SettlementBatch) -> Result<Applied> {
        let mut careful = false;
        let mut tries = 0_u32;
        loop {
            match self.apply_once(batch, careful).await {
                // One refused row fails the whole statement: go row by row.
                Err(StoreError::Data(error)) if !careful && batch.has_rows() => {
                    tracing::warn!(%error, batch = batch.batch_id, "a row was refused; writing rows one by one");
                    careful = true;
                }
                Err(StoreError::Busy(error)) if tries < 3 => {
                    tracing::debug!(%error, batch = batch.batch_id, "the database was busy; trying again");
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(20 << tries)).await;
                }
                done => return done,
            }
        }
    }

    async fn apply_once(&self, batch: &SettlementBatch, careful: bool) -> Result<Applied> {
        let mut tx = self.begin().await?;
        if !claim(&mut tx, &batch.batch_id).await? {
            tx.rollback().await?;
            return Ok(Applied { already: true, ..Applied::default() });
        }
        let done = rows(&mut tx, batch, careful).await?;
        if tx.dialect() == Dialect::Postgres {
            crate::migrate::lock(&mut tx, SETTLEMENT_LOCK).await?;
        }
        counters::write(&mut tx, batch).await?;
        daily::write(&mut tx, &batch.daily).await?;
        pace::write(&mut tx, &batch.pace).await?;
        tools::write(&mut tx, batch).await?;
        guards::write(&mut tx, batch).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Forgets the ids of batches applied before `time`; how many. Keep them longer than a journal segment can live.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_batches(&self, time: DateTime<Utc>) -> Result<u64> {
        let mut sql = Sql::write(self.dialect(), r#"DELETE FROM "LlmProxy_AppliedBatch" WHERE "applied_at" < "#);
        sql.bind(time);
        self.execute(sql).await
    }
}

impl SettlementBatch {
    fn has_rows(&self) -> bool {
        !self.spend_rows.is_empty() || !self.spend_runs.is_empty()
    }
}

/// Writes the rows of requests.
async fn rows(tx: &mut StoreTx, batch: &SettlementBatch, careful: bool) -> Result<Applied> {
    let mut done = Applied::default();
    let mut seen = HashSet::new();
    let rest: Vec<SpendLogRow> = if careful {
        batch.spend_runs.iter().flat_map(|run| run.calls.iter().map(|call| run.row(call))).collect()
    } else {
        calls::write(tx, &batch.spend_runs, &mut seen, &mut done).await?
    };
    spend_rows::write(tx, &rest, careful, &mut seen, &mut done).await?;
    spend_rows::write(tx, &batch.spend_rows, careful, &mut seen, &mut done).await?;
    Ok(done)
}

/// Records the batch; `false` when it is there. Two gateways with the same batch wait for one another here.
async fn claim(tx: &mut StoreTx, batch_id: &str) -> Result<bool> {
    let dialect = tx.dialect();
    let mut sql = Sql::write(dialect, r#"INSERT INTO "LlmProxy_AppliedBatch" ("batch_id", "applied_at") VALUES ("#);
    sql.bind(batch_id).push(", ").push(dialect.now()).push(") ON CONFLICT DO NOTHING");
    Ok(tx.execute(sql).await? > 0)
}

/// Cuts `items` into runs of falling powers of two, so statements come in a few sizes and stay prepared.
fn runs<T>(items: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    let mut size = most;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        while size > rest.len() {
            size /= 2;
        }
        let (run, after) = rest.split_at_checked(size.max(1))?;
        rest = after;
        Some(run)
    })
}

/// Sums must stay numbers: what is not counts as nothing, and is told.
fn finite(spend: f64, what: &str) -> f64 {
    if spend.is_finite() {
        return spend;
    }
    tracing::error!(what, "a spend that is not a number was dropped");
    0.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_are_powers_of_two_and_lose_nothing() {
        for count in [0_usize, 1, 2, 3, 63, 64, 65, 200] {
            let items: Vec<usize> = (0..count).collect();
            let sizes: Vec<usize> = super::runs(&items, 64).map(<[_]>::len).collect();
            assert!(sizes.iter().all(|size| size.is_power_of_two() && *size <= 64), "{sizes:?}");
            assert_eq!(super::runs(&items, 64).flatten().copied().collect::<Vec<_>>(), items);
        }
    }
}
