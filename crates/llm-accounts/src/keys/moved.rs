//! Copies of a team's keys, when the team's place in the secret manager is another one.

use std::time::Duration;

use llm_store::{Filter, TeamRow, VerificationToken};
use llm_types::Json;

use super::copies::KeyCopies;
use crate::Accounts;
use crate::request::Outcome;
use crate::teams::SECRET_MANAGER;

/// How long a secret manager that fails is left alone before it is asked again.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(300)];

impl Accounts {
    /// Moves the copies of a team's keys when its place is another one than `before`. Nobody waits for that, as for no other
    /// word to the secret manager; what it does not take is tried again, and the log says so.
    pub(crate) fn move_copies(&self, before: &TeamRow, after: &TeamRow) {
        let [old, new]: [Json; 2] = [before, after].map(|row| row.metadata.read().unwrap_or_default());
        if old.get(SECRET_MANAGER) == new.get(SECRET_MANAGER) {
            return;
        }
        let Some(copies) = self.key_copies() else { return };
        let (this, team) = (self.clone(), after.team_id.clone());
        // A place that this vault does not have has no copies.
        let Ok(old) = copies.of_team(&old) else { return };
        self.background().spawn(async move {
            for wait in WAITS {
                match this.move_to_place(&old, &team).await {
                    Ok(0) => return,
                    Ok(left) => tracing::error!(team, left, "keys of a team were not moved in the secret manager yet"),
                    Err(problem) => {
                        tracing::error!(
                            team,
                            problem = problem.text(),
                            "keys of a team cannot be moved in the secret manager yet"
                        );
                    }
                }
                tokio::time::sleep(wait).await;
            }
            if !matches!(this.move_to_place(&old, &team).await, Ok(0)) {
                tracing::error!(team, "keys of a team stay where they were in the secret manager: rotate them");
            }
        });
    }

    /// Moves what is at an old place to where the team's keys are now; how many the secret manager did not take.
    async fn move_to_place(&self, old: &KeyCopies, team: &str) -> Outcome<usize> {
        let store = self.store_or_refuse()?;
        let keys = store.keys().find(Filter::new().is("team_id", team.to_owned())).await?;
        let mut left = 0;
        for key in &keys {
            left += usize::from(!self.move_one(old, key).await?);
        }
        Ok(left)
    }

    async fn move_one(&self, old: &KeyCopies, key: &VerificationToken) -> Outcome<bool> {
        let store = self.store_or_refuse()?;
        let _turn = self.turns([key.team_id.as_deref()]).await?;
        // Key and team may have been changed since, by who had a turn before.
        let Some(key) = store.keys().get_by_hash(&key.token).await? else { return Ok(true) };
        let Some(new) = self.copies_for(store.table(), key.team_id.as_deref()).await? else { return Ok(true) };
        Ok(old.moved(&key, &key, &new).await)
    }
}
