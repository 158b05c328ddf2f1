//! What a new configuration changes while the gateway runs.

use std::sync::Arc;

use arc_swap::Guard;

use crate::accounts::Inner;
use crate::identity::Rank;
use crate::{Accounts, AccountsSettings};

impl AccountsSettings {
    /// The next settings, but for what stays as it was at the start: keys of this house, where its files are, the clock of its
    /// budgets, how often jobs run that are running already.
    fn following(&self, next: Self) -> Self {
        Self {
            master_key: self.master_key.clone(),
            salt_key: self.salt_key.clone(),
            encryption_algorithm: self.encryption_algorithm,
            store_model_in_db: self.store_model_in_db,
            config_reload_seconds: self.config_reload_seconds,
            disable_spend_updates: self.disable_spend_updates,
            journal_dir: self.journal_dir.clone(),
            journal_sync_seconds: self.journal_sync_seconds,
            timezone: self.timezone.clone(),
            budget_reset_time: self.budget_reset_time.clone(),
            ..next
        }
    }

    /// True when what is remembered of callers and of whom they name follows from both alike.
    fn binds_like(&self, other: &Self) -> bool {
        let bound = |of: &Self| {
            (
                of.proxy_budget(),
                of.default_key_max_budget_alert_emails.clone(),
                of.budget_exceeded_throttle,
                of.apply_user_budget_to_team_keys,
                of.max_end_user_budget,
                of.max_end_user_budget_id.clone(),
                of.team_callbacks.clone(),
            )
        };
        bound(self) == bound(other)
    }
}

impl Inner {
    /// The settings that hold now. Hold them for as long as one question is answered, not longer.
    pub(crate) fn settings(&self) -> Guard<Arc<AccountsSettings>> {
        self.settings.load()
    }
}

impl Accounts {
    /// The settings that hold now. Hold them for as long as one question is answered, not longer.
    #[must_use]
    pub fn settings(&self) -> Arc<AccountsSettings> {
        self.inner().settings.load_full()
    }

    /// From now on these settings hold, as a whole: no request sees one half of an old configuration and one of a new one. Who
    /// got in by another way than a key is asked again when that way has changed, and what limits a caller is read again when
    /// it follows from other settings. Not two at a time.
    pub fn set_settings(&self, next: AccountsSettings) {
        let inner = self.inner();
        if let (Some(idp), Some(jwt)) = (inner.idp.get(), &next.entry.jwt) {
            idp.set_settings(jwt.keys);
        }
        let before = inner.settings.load_full();
        let next = Arc::new(before.following(next));
        inner.settings.store(Arc::clone(&next));
        inner.journal.follow(Arc::clone(&next));
        if !before.binds_like(&next) {
            tracing::info!("limits of the configuration have changed");
            inner.stand_again();
            self.forget_keys(|_| true);
        }
        if before.entry != next.entry {
            tracing::info!("the ways in have changed");
            // What is being asked by an old way is not remembered: see `answer`.
            inner.forget(|known| known.rank == Rank::Token);
            inner.mapped.clear();
        }
    }
}
