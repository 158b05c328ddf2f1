//! What callers use.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{
    Batch, CacheBackend, CacheError, CacheSettings, CallType, Controls, Entry, KeyOptions, MemoryCache, MemoryLimits,
    key,
};

/// What caching means for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// An answer may come from the cache.
    pub look_up: bool,
    /// The answer is stored.
    pub store: bool,
    /// Lifetime of the stored answer; nothing leaves it to the backend.
    pub ttl: Option<Duration>,
    /// Oldest answer that is good enough.
    pub max_age: Option<Duration>,
}

impl Plan {
    /// True when there is nothing to do.
    #[must_use]
    pub const fn idle(&self) -> bool {
        !self.look_up && !self.store
    }
}

/// An answer from the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The answer: JSON text.
    pub response: Bytes,
    /// How old it is.
    pub age: Duration,
}

/// Answers that were given, to be given again. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cache {
    settings: Arc<CacheSettings>,
    backend: Arc<dyn CacheBackend>,
}

impl Cache {
    /// A cache over a backend.
    #[must_use]
    pub fn new(settings: CacheSettings, backend: Arc<dyn CacheBackend>) -> Self {
        Self { settings: Arc::new(settings), backend }
    }

    /// A cache in memory, whatever `type` the settings name.
    #[must_use]
    pub fn in_memory(settings: CacheSettings) -> Self {
        let backend = Arc::new(MemoryCache::new(MemoryLimits::of(&settings)));
        Self::new(settings, backend)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &CacheSettings {
        &self.settings
    }

    /// Where the entries live.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn CacheBackend> {
        &self.backend
    }

    /// What caching means for a request.
    #[must_use]
    pub fn plan(&self, call: CallType, controls: &Controls) -> Plan {
        let on = self.settings.supports(call) && controls.takes_part(&self.settings);
        Plan {
            look_up: on && !controls.no_cache,
            store: on && !controls.no_store,
            ttl: controls.ttl.or_else(|| self.settings.default_ttl()),
            max_age: controls.max_age,
        }
    }

    /// The key of a request; see [`key()`]. What the settings say is filled into `options`: the namespace where none is
    /// set, provider-specific fields; without tenant isolation the tenant is ignored.
    #[must_use]
    pub fn key<'a>(&self, fields: impl IntoIterator<Item = (&'a str, &'a str)>, options: &KeyOptions<'_>) -> String {
        key(fields, &self.complete(options))
    }

    /// The keys of an embedding request's items; see [`crate::key::item_keys`].
    #[must_use]
    pub fn item_keys<'a>(
        &self,
        fields: &[(&'a str, &'a str)],
        items: &[&'a str],
        options: &KeyOptions<'_>,
    ) -> Vec<String> {
        key::item_keys(fields, items, &self.complete(options))
    }

    fn complete<'o>(&'o self, options: &KeyOptions<'o>) -> KeyOptions<'o> {
        let settings = &self.settings;
        KeyOptions {
            namespace: options.namespace.filter(|n| !n.is_empty()).or(settings.namespace.as_deref()),
            provider_specific: options.provider_specific
                || settings.enable_caching_on_provider_specific_optional_params,
            tenant: options.tenant.filter(|_| settings.tenant_isolation),
            ..*options
        }
    }

    /// Looks an answer up without waiting: `None` when the backend is elsewhere and [`Self::get`] must be asked.
    #[must_use]
    pub fn get_now(&self, key: &str, plan: &Plan, now: SystemTime) -> Option<Option<Hit>> {
        if !plan.look_up {
            return Some(None);
        }
        Some(self.backend.sync()?.get(key).and_then(|entry| fresh(entry, plan, now)))
    }

    /// Looks an answer up.
    ///
    /// # Errors
    /// When the backend does not work. The call goes on without a cache then.
    pub async fn get(&self, key: &str, plan: &Plan, now: SystemTime) -> Result<Option<Hit>, CacheError> {
        match self.get_now(key, plan, now) {
            Some(known) => Ok(known),
            None => Ok(self.backend.get(key).await?.and_then(|entry| fresh(entry, plan, now))),
        }
    }

    /// Looks several answers up: those of the items of an embedding request.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_many(&self, keys: &[String], plan: &Plan, now: SystemTime) -> Result<Batch<Hit>, CacheError> {
        if !plan.look_up {
            return Ok(Batch::new(keys.iter().map(|_| None).collect()));
        }
        let entries = match self.backend.sync() {
            Some(sync) => keys.iter().map(|k| sync.get(k)).collect(),
            None => self.backend.get_many(keys).await?,
        };
        Ok(Batch::new(entries.into_iter().map(|e| e.and_then(|e| fresh(e, plan, now))).collect()))
    }

    /// Stores an answer, if the plan says so.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn put(&self, key: &str, response: Bytes, plan: &Plan, now: SystemTime) -> Result<(), CacheError> {
        if self.put_now(key, &response, plan, now) {
            return Ok(());
        }
        self.backend.set(key, Entry::new(response, now), plan.ttl).await
    }

    /// Stores an answer without waiting; false when the backend is elsewhere and [`Self::put`] must be asked.
    #[must_use]
    pub fn put_now(&self, key: &str, response: &Bytes, plan: &Plan, now: SystemTime) -> bool {
        match (plan.store, self.backend.sync()) {
            (false, _) => true,
            (true, Some(sync)) => {
                sync.set(key, Entry::new(response.clone(), now), plan.ttl);
                true
            }
            (true, None) => false,
        }
    }
}

/// An entry that is young enough.
fn fresh(entry: Entry, plan: &Plan, now: SystemTime) -> Option<Hit> {
    let age = entry.age(now);
    plan.max_age.is_none_or(|most| age <= most).then_some(Hit { response: entry.response, age })
}
