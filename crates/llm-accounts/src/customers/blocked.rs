//! The end users whose calls are refused, in memory: a call must not wait for the store.

use std::collections::HashSet;

use arc_swap::ArcSwap;
use llm_store::{EndUserRow, Filter, Store};

use crate::accounts::Inner;
use crate::request::Outcome;
use crate::{Accounts, refusal};

/// Ids of the blocked end users. What another gateway changes is known after the next flush of the journal.
#[derive(Debug, Default)]
pub(crate) struct BlockedCustomers(ArcSwap<HashSet<String>>);

impl BlockedCustomers {
    /// True when this end user's calls are refused.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.load().contains(id)
    }
}

impl Inner {
    /// Reads who is blocked.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn learn_blocked_customers(&self, store: &Store) -> llm_types::Result<()> {
        let rows = store.table::<EndUserRow>().find(Filter::new().is("blocked", true)).await;
        let rows = rows.map_err(|error| refusal::store(&error))?;
        self.blocked_customers.0.store(rows.into_iter().map(|row| row.user_id).collect::<HashSet<_>>().into());
        Ok(())
    }
}

impl Accounts {
    /// After every change of end users.
    pub(super) async fn changed_customers(&self) -> Outcome<()> {
        let store = self.store_or_refuse()?;
        // What holds for them is read again: a region or a budget that is new has to hold for the next call.
        self.inner().forget_parties();
        Ok(self.inner().learn_blocked_customers(store).await?)
    }
}
