//! What callers use.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{
    Batch, CacheBackend, CacheError, CacheSettings, CallType, Controls, Entry, Flights, KeyOptions, MemoryCache,
    MemoryLimits, Now, Seat, SemanticCache, key,
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
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The answer: JSON text.
    pub response: Bytes,
    /// How old it is.
    pub age: Duration,
    /// How like the question was, from a semantic cache.
    pub similarity: Option<f32>,
}

/// Where answers are kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// Under the key of the request.
    Exact(Arc<dyn CacheBackend>),
    /// By what the request means.
    Semantic(Arc<SemanticCache>),
}

/// Answers that were given, to be given again. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cache {
    settings: Arc<CacheSettings>,
    place: Place,
    flights: Flights,
}

impl Cache {
    /// A cache over a backend.
    #[must_use]
    pub fn new(settings: CacheSettings, backend: Arc<dyn CacheBackend>) -> Self {
        Self { settings: Arc::new(settings), place: Place::Exact(backend), flights: Flights::default() }
    }

    /// A cache that compares by meaning.
    #[must_use]
    pub fn semantic(settings: CacheSettings, semantic: SemanticCache) -> Self {
        let place = Place::Semantic(Arc::new(semantic));
        Self { settings: Arc::new(settings), place, flights: Flights::default() }
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

    /// Where the answers are kept.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Takes a seat among identical requests; nothing when those are not collapsed.
    #[must_use]
    pub fn board(&self, key: &str, plan: &Plan) -> Option<Seat> {
        (self.settings.collapse && plan.look_up && plan.store).then(|| self.flights.board(key))
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

    pub(crate) fn complete<'o>(&'o self, options: &KeyOptions<'o>) -> KeyOptions<'o> {
        let settings = &self.settings;
        KeyOptions {
            namespace: options.namespace.filter(|n| !n.is_empty()).or(settings.namespace.as_deref()),
            provider_specific: options.provider_specific
                || settings.enable_caching_on_provider_specific_optional_params,
            tenant: options.tenant.filter(|_| settings.isolates()),
            ..*options
        }
    }

    /// Looks an answer up without waiting: `None` when the backend is elsewhere and [`Self::get`] must be asked.
    #[must_use]
    pub fn get_now(&self, key: &str, plan: &Plan, now: SystemTime) -> Option<Option<Hit>> {
        let Place::Exact(backend) = &self.place else { return Some(None) };
        if !plan.look_up {
            return Some(None);
        }
        match backend.get_now(key) {
            Now::Known(entry) => Some(entry.and_then(|entry| fresh(entry, plan, now))),
            Now::Elsewhere => None,
        }
    }

    /// Looks an answer up.
    ///
    /// # Errors
    /// When the backend does not work. The call goes on without a cache then.
    pub async fn get(&self, key: &str, plan: &Plan, now: SystemTime) -> Result<Option<Hit>, CacheError> {
        match (self.get_now(key, plan, now), &self.place) {
            (Some(known), _) => Ok(known),
            (None, Place::Exact(backend)) => Ok(backend.get(key).await?.and_then(|entry| fresh(entry, plan, now))),
            (None, Place::Semantic(_)) => Ok(None),
        }
    }

    /// Looks several answers up: those of the items of an embedding request.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_many(&self, keys: &[String], plan: &Plan, now: SystemTime) -> Result<Batch<Hit>, CacheError> {
        let nothing = || Batch::new(keys.iter().map(|_| None).collect());
        let Place::Exact(backend) = &self.place else { return Ok(nothing()) };
        if !plan.look_up {
            return Ok(nothing());
        }
        let here = keys.iter().map(|key| match backend.get_now(key) {
            Now::Known(entry) => Some(entry),
            Now::Elsewhere => None,
        });
        let entries = match here.collect::<Option<Vec<_>>>() {
            Some(entries) => entries,
            None => backend.get_many(keys).await?,
        };
        Ok(Batch::new(entries.into_iter().map(|e| e.and_then(|e| fresh(e, plan, now))).collect()))
    }

    /// Stores an answer, if the plan says so.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn put(&self, key: &str, response: Bytes, plan: &Plan, now: SystemTime) -> Result<(), CacheError> {
        let Place::Exact(backend) = &self.place else { return Ok(()) };
        if self.put_now(key, &response, plan, now) {
            return Ok(());
        }
        backend.set(key, Entry::new(response, now), plan.ttl).await
    }

    /// Stores several answers.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn put_many(
        &self,
        answers: Vec<(String, Bytes)>,
        plan: &Plan,
        now: SystemTime,
    ) -> Result<(), CacheError> {
        let Place::Exact(backend) = &self.place else { return Ok(()) };
        if !plan.store {
            return Ok(());
        }
        let elsewhere: Vec<(String, Entry)> = answers
            .into_iter()
            .map(|(key, response)| (key, Entry::new(response, now)))
            .filter(|(key, entry)| !backend.set_now(key, entry, plan.ttl))
            .collect();
        if elsewhere.is_empty() { Ok(()) } else { backend.set_many(elsewhere, plan.ttl).await }
    }

    /// Stores an answer without waiting; false when the backend is elsewhere and [`Self::put`] must be asked.
    #[must_use]
    pub fn put_now(&self, key: &str, response: &Bytes, plan: &Plan, now: SystemTime) -> bool {
        match &self.place {
            Place::Exact(backend) if plan.store => backend.set_now(key, &Entry::new(response.clone(), now), plan.ttl),
            _ => true,
        }
    }
}

/// An entry that is young enough.
pub(crate) fn fresh(entry: Entry, plan: &Plan, now: SystemTime) -> Option<Hit> {
    let age = entry.age(now);
    let young = plan.max_age.is_none_or(|most| age <= most);
    young.then_some(Hit { response: entry.response, age, similarity: None })
}
