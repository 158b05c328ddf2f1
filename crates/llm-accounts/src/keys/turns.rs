//! Turns of those who write copies of keys. A secret manager cannot compare before it writes, so whoever moves a copy could put an
//! old secret over one that was made meanwhile: of one team's keys, one copy at a time is written, on whichever gateway.

use std::collections::BTreeSet;
use std::time::Duration;

use llm_store::Store;
use tokio::runtime::Handle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::request::Outcome;
use crate::{Accounts, refusal};

/// What turns are called among the jobs that one gateway leads.
const JOB: &str = "llm_proxy_key_copies";
/// When a turn ends whose process died.
const LONGEST: Duration = Duration::from_secs(120);
/// How long one is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(25);

/// The right to write copies of a team's keys; it ends when this is dropped.
pub(super) struct Turn {
    store: Store,
    background: Handle,
    job: String,
    holder: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (store, job, holder) =
            (self.store.clone(), std::mem::take(&mut self.job), std::mem::take(&mut self.holder));
        self.background.spawn(async move {
            if let Err(error) = store.stop_leading(&job, &holder).await {
                tracing::warn!(%error, "a turn at the copies of keys could not be given up: it ends by itself");
            }
        });
    }
}

impl Accounts {
    /// Waits for a turn at the copies of the keys of these teams (`None`: of those without a team); nothing where keys are stored
    /// nowhere else.
    ///
    /// # Errors
    /// 503 when others do not end theirs; when the store fails.
    pub(super) async fn turns<const N: usize>(&self, teams: [Option<&str>; N]) -> Outcome<Vec<Turn>> {
        let mut turns = Vec::new();
        if self.key_copies().is_none() {
            return Ok(turns);
        }
        let (store, until) = (self.store_or_refuse()?, Instant::now() + PATIENCE);
        // In one order, so that nobody waits in a circle.
        for team in BTreeSet::from(teams.map(Option::unwrap_or_default)) {
            let (job, holder) = (format!("{JOB}:{team}"), Uuid::now_v7().to_string());
            while !store.lead(&job, &holder, LONGEST).await? {
                if Instant::now() >= until {
                    return Err(refusal::copies_busy().into());
                }
                tokio::time::sleep(PAUSE).await;
            }
            turns.push(Turn { store: store.clone(), background: self.background().clone(), job, holder });
        }
        Ok(turns)
    }

    /// The same for who changed a key already: its copy follows, turn or none.
    pub(super) async fn turns_or_tell<const N: usize>(&self, teams: [Option<&str>; N]) -> Vec<Turn> {
        self.turns(teams).await.unwrap_or_else(|problem| {
            tracing::warn!(problem = problem.text(), "the copy of a key is written beside others");
            Vec::new()
        })
    }
}
