//! Finished calls on their way into the store, and what is learnt from it with them.

use std::sync::Weak;
use std::time::Duration;

use llm_store::{Store, UserRow};
use llm_types::Result;
use llm_types::alert::{AlertType, Notice};

use crate::accounts::Inner;
use crate::journal::Flushed;
use crate::purse::{Owner, nanos};
use crate::{AccountsSettings, PROXY_BUDGET_USER, refusal};

impl Inner {
    pub(crate) async fn flush(&self) -> Result<Flushed> {
        let Some(store) = &self.store else { return Ok(Flushed::default()) };
        let flushed = self.journal.flush(store, &self.purses).await.map_err(|e| refusal::store(&e))?;
        self.learn_proxy_spend(store).await?;
        self.learn_blocked_customers(store).await?;
        self.learn_listed(store).await?;
        Ok(flushed)
    }

    async fn drain(&self) -> Result<Flushed> {
        let Some(store) = &self.store else { return Ok(Flushed::default()) };
        self.journal.drain(store, &self.purses).await.map_err(|e| refusal::store(&e))
    }

    /// Reads what the whole proxy has spent, when it has a budget; its row is made when missing.
    async fn learn_proxy_spend(&self, store: &Store) -> Result<()> {
        let Some(max) = self.settings().proxy_budget() else { return Ok(()) };
        let epoch = self.journal.epoch();
        let row = store.table::<UserRow>().get([PROXY_BUDGET_USER]).await.map_err(|e| refusal::store(&e))?;
        let spend = if let Some(row) = row {
            row.spend
        } else {
            let row = UserRow {
                user_id: PROXY_BUDGET_USER.to_owned(),
                max_budget: Some(max),
                budget_duration: self.settings().budget_duration.clone(),
                ..UserRow::default()
            };
            store.table::<UserRow>().put(&row).await.map_err(|e| refusal::store(&e))?;
            0.0
        };
        let clean = self.journal.quiet_since(epoch);
        self.purses.get(Owner::Proxy, "").learn(nanos(spend), clean);
        Ok(())
    }
}

/// Flushes the journal for as long as anybody uses the accounts: full segments at once, the rest after a pause.
pub(crate) async fn flush_forever(inner: Weak<Inner>) {
    let mut swept = tokio::time::Instant::now();
    loop {
        let (next, full) = {
            let Some(inner) = inner.upgrade() else { return };
            if let Err(error) = inner.flush().await {
                tracing::error!(%error, "finished calls could not be written to the store; they stay in the journal");
                inner.database_failed("writing finished calls", &error.to_string());
                inner.note(AlertType::FailedTrackingSpend, || Notice {
                    kind: AlertType::FailedTrackingSpend,
                    title: "Finished calls could not be written to the database; they stay in the journal".to_owned(),
                    facts: vec![("Error", error.to_string())],
                });
            }
            if swept.elapsed() >= Duration::from_secs(60) {
                swept = tokio::time::Instant::now();
                inner.sweep();
            }
            let pause = AccountsSettings::seconds(inner.settings().proxy_batch_write_at).max(Duration::from_millis(10));
            (tokio::time::Instant::now() + pause, inner.journal.full())
        };
        while tokio::time::timeout_at(next, full.notified()).await.is_ok() {
            let Some(inner) = inner.upgrade() else { return };
            if let Err(error) = inner.drain().await {
                // The next flush tries again, and says so.
                tracing::debug!(%error, "a segment of the journal could not be written to the store");
                break;
            }
        }
        tokio::time::sleep_until(next).await;
    }
}
