//! Who gets in and how, as it holds now: what a new configuration changes while the gateway runs.

use std::sync::Arc;

use crate::identity::Rank;
use crate::{Accounts, AccountsSettings, EntrySettings, LoginSettings};

/// Everything that decides who gets in beside the keys themselves. It changes as a whole: no request sees one half of an old
/// configuration and one of a new one.
#[derive(Debug, Clone, Default)]
pub struct WaysIn {
    /// The ways in beside keys.
    pub entry: EntrySettings,
    /// How people log in.
    pub login: LoginSettings,
    /// Routes for administrators only.
    pub admin_only_routes: Vec<String>,
}

impl WaysIn {
    /// Those of a configuration.
    #[must_use]
    pub fn of(settings: &AccountsSettings) -> Self {
        Self {
            entry: settings.entry.clone(),
            login: settings.login.clone(),
            admin_only_routes: settings.admin_only_routes.clone(),
        }
    }
}

impl Accounts {
    /// Who gets in and how. Hold it for as long as one question is answered, not longer.
    #[must_use]
    pub fn ways_in(&self) -> Arc<WaysIn> {
        self.inner().ways.load_full()
    }

    /// From now on these count. Who got in by another way than a key is asked again when that way has changed; keys stay known.
    pub fn set_ways_in(&self, ways: WaysIn) {
        let inner = self.inner();
        if let (Some(idp), Some(jwt)) = (inner.idp.get(), &ways.entry.jwt) {
            idp.set_settings(jwt.keys);
        }
        let before = inner.ways.swap(Arc::new(ways));
        if before.entry == inner.ways.load().entry {
            return;
        }
        tracing::info!("the ways in have changed");
        // What is being asked by an old way is not remembered: see `answer`.
        inner.forget(|known| known.rank == Rank::Token);
        inner.mapped.clear();
    }
}
