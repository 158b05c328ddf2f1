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
        if self.key_copies().is_some() && !keys.is_empty() {
            let accounts = self.clone();
            tx.then(move || {
                tokio::spawn(async move { accounts.drop_copies(&keys).await });
            });
        }
        Ok(hashes)
    }
}
