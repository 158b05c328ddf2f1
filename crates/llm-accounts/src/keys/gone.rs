//! Keys that go with those they belong to.

use llm_store::{Filter, StoreTx};

use super::Actor;
use crate::Accounts;
use crate::audit::Action;
use crate::request::Outcome;

impl Accounts {
    /// Deletes keys in a transaction and writes that down; their hashes. Once it lasts, their copies in the secret manager go
    /// as well: nobody waits for that, as for no other word to it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn remove_keys(&self, tx: &mut StoreTx, actor: Actor<'_>, which: Filter) -> Outcome<Vec<String>> {
        let keys = tx.keys().find(which).await?;
        for key in &keys {
            self.audit(tx.table(), actor, Action::Deleted, &key.token, Some(key), None).await?;
        }
        let hashes: Vec<String> = keys.iter().map(|key| key.token.clone()).collect();
        tx.keys().delete_with_copy(&hashes, &actor.deleted_by()).await?;
        let mut copies = Vec::new();
        for key in keys {
            // The team may go, too: where its keys are is known now.
            match self.copies_for(tx.table(), key.team_id.as_deref()).await {
                Ok(place) => copies.extend(place.map(|place| (place, key))),
                Err(problem) => {
                    let key = key.key_alias.as_deref().unwrap_or(&key.token);
                    tracing::error!(key, problem = problem.text(), "where a virtual key is stored cannot be said");
                }
            }
        }
        if !copies.is_empty() {
            tx.then(move || {
                tokio::spawn(async move {
                    for (place, key) in &copies {
                        place.drop_copy(key).await;
                    }
                });
            });
        }
        Ok(hashes)
    }
}
