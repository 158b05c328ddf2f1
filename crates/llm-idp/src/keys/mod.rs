//! Key sets and discovery documents, remembered.
//!
//! A document is read when it is first needed, again before it gets old, and once more when a token names a key that is
//! not in it: not more often than every [`IdpSettings::pause`]. A provider that is away does no harm until its document is
//! older than [`IdpSettings::ttl`] and [`IdpSettings::stale`] together; then nobody is believed or refused: it is unavailable.

mod discovery;
mod document;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_http::Transport;
use parking_lot::Mutex;
use tokio::runtime::Handle;

pub use discovery::Provider;
use document::{Document, Need};

use crate::{Jws, Key, KeySet, Refused, fetch};

/// Documents remembered at the most. Their addresses are the operator's.
const MOST_DOCUMENTS: usize = 1000;

/// How documents age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdpSettings {
    /// So long a document is good (`public_key_ttl`).
    pub ttl: Duration,
    /// So much longer it is used while the provider is away (`public_key_stale_ttl`).
    pub stale: Duration,
    /// Between two attempts to read a document at the least.
    pub pause: Duration,
}

impl Default for IdpSettings {
    /// LiteLLM's: 600 s and 3600 s; a pause of 10 s.
    fn default() -> Self {
        Self { ttl: Duration::from_secs(600), stale: Duration::from_secs(3600), pause: Duration::from_secs(10) }
    }
}

type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Identity providers, as far as they publish what they are. One for the whole gateway.
pub struct Idp {
    http: Arc<dyn Transport>,
    runtime: Handle,
    settings: Mutex<IdpSettings>,
    clock: Clock,
    sets: Mutex<HashMap<Arc<str>, Arc<Document<KeySet>>>>,
    providers: Mutex<HashMap<Arc<str>, Arc<Document<Provider>>>>,
}

impl std::fmt::Debug for Idp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idp").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Idp {
    /// Reads documents over `http`, on `runtime`: a caller who hangs up ends no reading that others wait for.
    #[must_use]
    pub fn new(http: Arc<dyn Transport>, runtime: Handle, settings: IdpSettings) -> Self {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let clock = Arc::new(clock);
        let (sets, providers) = Default::default();
        Self { http, runtime, settings: Mutex::new(settings), clock, sets, providers }
    }

    /// From now on documents age like this.
    pub fn set_settings(&self, settings: IdpSettings) {
        *self.settings.lock() = settings;
    }

    fn need(&self) -> Need<'_> {
        Need { settings: *self.settings.lock(), clock: &self.clock, runtime: &self.runtime }
    }

    /// What requests to providers go through.
    #[must_use]
    pub fn http(&self) -> &Arc<dyn Transport> {
        &self.http
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now(&self) -> f64 {
        (self.clock)().as_secs_f64()
    }

    /// The key for a token, see [`KeySet::find`].
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    pub(crate) async fn key(&self, place: &KeyPlace, jws: &Jws<'_>) -> Result<Option<Key>, Refused> {
        let (kid, algorithm) = (jws.kid.as_deref(), jws.algorithm);
        let document = remembered(&self.sets, &place.url);
        let has = |set: &KeySet| set.find(kid, algorithm).is_some();
        let set = document.get(&self.need(), has, || read_set(Arc::clone(&self.http), place.clone())).await;
        Ok(set.map_err(|why| unavailable(&place.url, &why))?.find(kid, algorithm).cloned())
    }

    /// What an issuer publishes of itself.
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    pub async fn provider(&self, issuer: &Arc<str>) -> Result<Arc<Provider>, Refused> {
        let document = remembered(&self.providers, issuer);
        let provider =
            document.get(&self.need(), |_| true, || discovery::read(Arc::clone(&self.http), Arc::clone(issuer))).await;
        provider.map_err(|why| unavailable(issuer, &why))
    }
}

fn unavailable(url: &str, why: &str) -> Refused {
    Refused::Unavailable(format!("{url}: {why}"))
}

fn remembered<T>(all: &Mutex<HashMap<Arc<str>, Arc<Document<T>>>>, url: &Arc<str>) -> Arc<Document<T>> {
    let mut all = all.lock();
    if all.len() >= MOST_DOCUMENTS && !all.contains_key(url) {
        all.clear();
    }
    Arc::clone(all.entry(Arc::clone(url)).or_default())
}

/// Where a key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    pub(crate) url: Arc<str>,
    /// The operator's own address that named it.
    pub(crate) named_by: Option<Arc<str>>,
}

/// The key set at an address, or the one that the discovery document there names.
async fn read_set(http: Arc<dyn Transport>, place: KeyPlace) -> Result<KeySet, String> {
    let KeyPlace { url, named_by } = place;
    if let Some(from) = named_by {
        return KeySet::parse(&fetch::get_named(&*http, &from, &url).await?);
    }
    let bytes = fetch::get(&*http, &url).await?;
    match discovery::names_keys(&bytes) {
        Some(named) => KeySet::parse(&fetch::get_named(&*http, &url, &named).await?),
        None => KeySet::parse(&bytes),
    }
}
