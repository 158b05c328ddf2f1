//! The keys in memory: fresh, getting old, read again, forgotten.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use llm_types::{Error, Json, Result};

use crate::accounts::Inner;
use crate::flights::Flights;
use crate::identity::{Identity, Rank};
use crate::load::Rows;
use crate::source::Source;
use crate::strangers::{Asked, Found};
use crate::{Accounts, AccountsSettings, KeyDigest, refusal};

/// How long it is remembered that a key does not exist, in milliseconds; another gateway may make it meanwhile.
const UNKNOWN_MS: u64 = 2000;

/// Unknown keys remembered at the most.
const UNKNOWN_KEYS: usize = 10_000;

/// Keys unused for so long are forgotten, in milliseconds.
const IDLE_MS: u64 = 10 * 60 * 1000;

impl Inner {
    /// The identity if it is fresh enough to be used; asks the store beside when it gets old.
    pub(crate) fn fresh(self: &Arc<Self>, digest: KeyDigest, known: Arc<Identity>) -> Option<Arc<Identity>> {
        let now = self.kv.now().0;
        let ttl = AccountsSettings::millis(self.settings().user_api_key_cache_ttl);
        let age = now.saturating_sub(known.fresh.loaded);
        known.touch(now);
        if age <= ttl {
            return Some(known);
        }
        if !known.fresh.refreshing.swap(true, Ordering::Relaxed) {
            let inner = Arc::clone(self);
            let old = Arc::clone(&known);
            self.background.spawn(async move {
                if let Err(error) = Box::pin(inner.refresh(digest)).await {
                    tracing::warn!(%error, "a key could not be refreshed");
                }
                old.fresh.refreshing.store(false, Ordering::Relaxed);
            });
        }
        let away = self.store_away.load(Ordering::Relaxed);
        let most =
            if away { AccountsSettings::millis(self.settings().stale_key_ttl).max(ttl) } else { ttl.saturating_mul(2) };
        (age <= most).then_some(known)
    }

    /// Asks the store for a key that is not in memory, together with everyone else who asks for it, and with others who ask
    /// for theirs.
    pub(crate) async fn look_up(&self, digest: KeyDigest, source: Option<Source>) -> Result<Option<Arc<Identity>>> {
        let (answer, landing) = Flights::join(&self.flights, digest);
        if let Some(landing) = landing {
            self.strangers.ask(Asked { digest, source, landing }, self.kv.now().0);
        }
        answer.await.unwrap_or_else(|_| Err(Error::internal("the look-up of the key was stopped")))
    }

    /// Reads a key again.
    async fn refresh(&self, digest: KeyDigest) -> Result<Option<Arc<Identity>>> {
        let (answer, landing) = Flights::join(&self.flights, digest);
        if let Some(landing) = landing {
            landing.land(&self.read(digest, None).await);
        }
        answer.await.unwrap_or_else(|_| Err(Error::internal("the look-up of the key was stopped")))
    }

    /// Reads a key and remembers it, or that there is none. `found`: its row, when that was read.
    pub(crate) async fn read(&self, digest: KeyDigest, mut found: Option<Found>) -> Result<Option<Arc<Identity>>> {
        let Some(store) = &self.store else { return Ok(None) };
        let _permit = self.lookups.acquire().await.map_err(|_| refusal::no_database())?;
        for last in [false, false, true] {
            let (row, generation, epoch) = match found.take() {
                Some(Found { row, generation, epoch }) => (Some(row), generation, epoch),
                None => (None, self.generation.load(Ordering::SeqCst), self.journal.epoch()),
            };
            let hash = digest.hex();
            let rows = match row {
                Some(row) => self.ask(Box::pin(Rows::below(store, row))).await.map(Some)?,
                None => self.ask(Box::pin(Rows::read(store, &hash))).await?,
            };
            // Something was changed while it was read: it may be the row before the change.
            if generation != self.generation.load(Ordering::SeqCst) && !last {
                continue;
            }
            let clean = self.journal.quiet_since(epoch);
            let identity = rows.map(|rows| rows.identity(self, digest, clean));
            if let Some(identity) = &identity {
                self.ask(self.learn_windows(store, &identity.bounds)).await?;
            }
            return Ok(self.remember(digest, identity));
        }
        Ok(None)
    }

    pub(crate) fn remember(&self, digest: KeyDigest, found: Option<Identity>) -> Option<Arc<Identity>> {
        let now = self.kv.now().0;
        let Some(identity) = found else {
            self.keys.remove(&digest);
            if self.unknown.len() >= UNKNOWN_KEYS {
                self.unknown.clear();
            }
            self.unknown.insert(digest, now + UNKNOWN_MS);
            return None;
        };
        let identity = Arc::new(identity);
        identity.touch(now);
        self.keys.insert(digest, Arc::clone(&identity));
        Some(identity)
    }

    /// What to do when the store is away: an old row, or nothing.
    pub(crate) fn without_store(&self, digest: KeyDigest, error: Error) -> Result<Arc<Identity>> {
        self.database_failed("looking up a key", &error.message);
        let age = |known: &Identity| self.kv.now().0.saturating_sub(known.fresh.loaded);
        let most = AccountsSettings::millis(self.settings().stale_key_ttl);
        if let Some(known) = self.keys.get(&digest).filter(|known| age(known) <= most) {
            return Ok(Arc::clone(&known));
        }
        if !self.settings().allow_requests_on_db_unavailable || error.openai_type() != "no_db_connection" {
            return Err(error);
        }
        let mut guest = Identity::bare(Rank::Unchecked, "unchecked", Arc::clone(&self.directory));
        guest.bounds.budgets = self.proxy_budget().into_iter().collect();
        guest.caller.user_id = Some("__db_unavailable_fallback__".into());
        Ok(Arc::new(guest))
    }

    /// Forgets keys that nobody used lately, and the oldest ones when there are too many.
    pub(crate) fn sweep(&self) {
        let now = self.kv.now().0;
        let idle = |known: &Identity| now.saturating_sub(known.fresh.used.load(Ordering::Relaxed));
        self.keys.retain(|_, known| idle(known) < IDLE_MS);
        self.unknown.retain(|_, until| now < *until);
        self.mapped.retain(|_, (_, until)| now < *until);
        let most = self.settings().user_api_key_cache_size.max(1);
        if self.keys.len() > most {
            let mut ages: Vec<u64> = self.keys.iter().map(|known| idle(&known)).collect();
            ages.sort_unstable();
            let limit = ages.get(most).copied().unwrap_or(u64::MAX);
            self.keys.retain(|_, known| idle(known) < limit);
        }
        let ttl = AccountsSettings::millis(self.settings().user_api_key_cache_ttl);
        self.parties.sweep(now, ttl.saturating_mul(2));
        self.purses.sweep(i64::try_from(now).unwrap_or(i64::MAX));
    }
}

/// How much is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InMemory {
    /// Keys that are known.
    pub keys: usize,
    /// Counters of limits and budgets.
    pub counters: usize,
}

impl Accounts {
    /// How much is in memory.
    #[must_use]
    pub fn in_memory(&self) -> InMemory {
        InMemory { keys: self.inner().keys.len(), counters: self.inner().kv.len() }
    }

    /// Keys that are known, at most so many: hash → whose they are.
    #[must_use]
    pub fn keys_in_memory(&self, most: usize) -> Vec<(String, Json)> {
        let shown = |digest: &KeyDigest, who: &Identity| {
            let caller = who.caller();
            let whose = Json::object([
                ("key_alias", Json::from(caller.key_alias.as_deref())),
                ("user_id", Json::from(caller.user_id.as_deref())),
                ("team_id", Json::from(caller.team_id.as_deref())),
            ]);
            (digest.hex(), whose)
        };
        self.inner().keys.iter().take(most).map(|known| shown(known.key(), known.value())).collect()
    }
}
