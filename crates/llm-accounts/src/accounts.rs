//! The keys in memory and the way to those that are not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use chrono::Utc;
use dashmap::DashMap;
use llm_kv::MemoryKv;
use llm_store::{Dialect, Store};
use llm_types::record::Caller;
use llm_types::{Error, Result, Secret};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use crate::alerts::Alerts;
use crate::bounds::{Budget, Marks};
use crate::customers::BlockedCustomers;
use crate::digest::{ByDigest, abbreviated};
use crate::flights::Flights;
use crate::identity::{Identity, Rank};
use crate::journal::{Flushed, Journal};
use crate::party::Parties;
use crate::period::ResetClock;
use crate::purse::{Cap, Owner, Purses, nanos, usd};
use crate::shared::Shared;
use crate::source::Source;
use crate::strangers::{self, Strangers};
use crate::{AccountsSettings, Credential, Directory, KeyDigest, MASTER_KEY_ALIAS, MASTER_USER_ID, Role, refusal};

/// Who may do what and how much is left. Cheap to clone; one for the whole gateway.
#[derive(Debug, Clone)]
pub struct Accounts(Arc<Inner>);

/// Key look-ups in the store at the same time: strangers with wrong keys must not take every connection.
const LOOKUPS: usize = 32;

#[derive(Debug)]
pub(crate) struct Inner {
    /// A new configuration exchanges them as a whole.
    pub(crate) settings: ArcSwap<AccountsSettings>,
    pub(crate) store: Option<Store>,
    pub(crate) background: Handle,
    pub(crate) kv: MemoryKv,
    pub(crate) purses: Purses,
    /// End users and tags that were named lately.
    pub(crate) parties: Parties,
    /// When budgets start again.
    pub(crate) clock: Arc<ResetClock>,
    pub(crate) journal: Journal,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    /// The master key, which signs tokens.
    pub(crate) signing: Option<Secret>,
    master: Option<(KeyDigest, ArcSwap<Identity>)>,
    anyone: ArcSwap<Identity>,
    pub(crate) keys: DashMap<KeyDigest, Arc<Identity>, ByDigest>,
    pub(crate) unknown: DashMap<KeyDigest, u64, ByDigest>,
    pub(crate) flights: Arc<Flights>,
    /// Keys that are not in memory.
    pub(crate) strangers: Strangers,
    pub(crate) lookups: Arc<Semaphore>,
    /// Questions to authorization servers at the same time.
    pub(crate) asks: Semaphore,
    /// Credentials that stand for a key, and until when (milliseconds since 1970) that is remembered.
    pub(crate) mapped: DashMap<KeyDigest, (KeyDigest, u64), ByDigest>,
    /// Through whom identity providers are asked.
    pub(crate) idp: OnceLock<Arc<llm_idp::Idp>>,
    /// Changes whenever something is forgotten: what was read before may be out of date.
    pub(crate) generation: AtomicU64,
    /// Where limits and budgets are shared, if they are.
    pub(crate) shared: OnceLock<Shared>,
    /// Who hears of budgets that run out.
    pub(crate) alerts: Alerts,
    /// Who serves, once that is known.
    pub(crate) serving: OnceLock<Arc<dyn crate::Serving>>,
    /// The last look-up found the store away.
    pub(crate) store_away: AtomicBool,
    /// Told when it went.
    pub(crate) store_went: Arc<Notify>,
    /// Passwords that are being judged.
    pub(crate) logins: crate::sessions::Logins,
    /// End users whose calls are refused.
    pub(crate) blocked_customers: BlockedCustomers,
    /// What everybody may know of plugins.
    pub(crate) open_plugins: crate::plugins::OpenPlugins,
    /// The logo that was uploaded, once somebody asked for it.
    pub(crate) logo: parking_lot::Mutex<Option<crate::stored::KnownLogo>>,
}

impl Accounts {
    /// Opens the accounts over a store, or over nothing but the master key. `background` is the runtime that drives the
    /// store. Spend that an earlier process left in the journal goes to the store at once.
    ///
    /// # Errors
    /// When the journal cannot be opened, or the time of resets cannot be read.
    pub fn new(settings: AccountsSettings, store: Option<Store>, background: Handle) -> Result<Self> {
        let settings = Arc::new(settings);
        let clock = ResetClock::new(settings.timezone.as_deref(), settings.budget_reset_time.as_deref());
        let clock = Arc::new(clock.map_err(Error::internal)?);
        let purses = Purses::default();
        let journal = Journal::open(&settings, store.is_some(), &purses)
            .map_err(|error| Error::internal(format!("the spend journal cannot be opened: {error}")))?;
        let directory = Arc::<ArcSwap<Directory>>::default();
        let proxy = || proxy_budget(&settings, &purses);
        let master = settings.master_key.as_ref().filter(|key| !key.is_empty()).map(|key| {
            let admin = master_identity(Arc::clone(&directory), proxy());
            (KeyDigest::of(key.expose()), ArcSwap::from_pointee(admin))
        });
        let anyone = ArcSwap::from_pointee(anyone(Arc::clone(&directory), proxy()));
        let (strangers, waiting) = Strangers::new();
        let inner = Inner {
            store,
            background,
            kv: MemoryKv::new(),
            journal,
            directory,
            signing: settings.master_key.clone(),
            master,
            anyone,
            keys: DashMap::default(),
            unknown: DashMap::default(),
            flights: Arc::default(),
            strangers,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            asks: Semaphore::new(LOOKUPS),
            mapped: DashMap::default(),
            idp: OnceLock::new(),
            generation: AtomicU64::new(0),
            shared: OnceLock::new(),
            alerts: Alerts::default(),
            serving: OnceLock::new(),
            store_away: AtomicBool::new(false),
            store_went: Arc::default(),
            logins: crate::sessions::Logins::default(),
            blocked_customers: BlockedCustomers::default(),
            open_plugins: crate::plugins::OpenPlugins::default(),
            logo: parking_lot::Mutex::default(),
            purses,
            parties: Parties::default(),
            clock,
            settings: ArcSwap::new(settings),
        };
        let inner = Arc::new(inner);
        strangers::serve(&inner, waiting);
        if inner.store.is_some() {
            inner.background.spawn(crate::flush::flush_forever(Arc::downgrade(&inner)));
            inner.background.spawn(crate::away::watch(Arc::downgrade(&inner)));
        }
        if inner.store.as_ref().is_some_and(|store| store.dialect() == Dialect::Postgres) {
            inner.background.spawn(crate::changes::watch(Arc::downgrade(&inner)));
        }
        Ok(Self(inner))
    }

    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// The store, if there is one. Its calls belong on [`Accounts::background`].
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.0.store.as_ref()
    }

    /// The runtime that drives the store.
    #[must_use]
    pub fn background(&self) -> &Handle {
        &self.0.background
    }

    /// Writes the row of a call that was refused before anything was set aside for it. Nothing is charged.
    pub fn note_refusal(&self, who: &Arc<Identity>, record: Arc<llm_types::LogRecord>) {
        self.0.journal.push(&crate::journal::Note {
            who: Arc::clone(who),
            group: (&*record.model_group).into(),
            route: record.route,
            record: Some(record),
            nanos: 0,
            counts: crate::journal::Counts::of(&llm_types::Usage::default()),
            interrupted: false,
            windows: Vec::new(),
        });
    }

    /// Tells what models are served; call it with every new configuration.
    pub fn set_directory(&self, directory: Directory) {
        self.0.directory.store(Arc::new(directory));
    }

    /// Who shows this credential, if that is known without asking the store. `None`: ask [`Accounts::identify`].
    pub fn identify_now(&self, credential: &Credential<'_>) -> Option<Result<Arc<Identity>>> {
        let inner = &self.0;
        let Some((master, admin)) = &inner.master else { return Some(Ok(inner.anyone.load_full())) };
        let key = match credential {
            Credential::None => return Some(Err(refusal::no_key())),
            Credential::Malformed => return Some(Err(refusal::malformed_key())),
            Credential::Key(key) => *key,
        };
        let digest = KeyDigest::of(key);
        if digest.same(master) {
            return Some(Ok(admin.load_full()));
        }
        // What a provider said holds only where it was asked: see `enter`.
        let known = inner.keys.get(&digest).map(|entry| Arc::clone(&entry)).filter(|known| known.rank != Rank::Token);
        if let Some(known) = known {
            return inner.fresh(digest, known).map(|known| accept(known, key));
        }
        if !key.starts_with("sk-") {
            return Some(Err(refusal::not_a_virtual_key(&abbreviated(key))));
        }
        if inner.store.is_none() {
            return Some(Err(refusal::unknown_key(&abbreviated(key))));
        }
        let now = inner.kv.now().0;
        let unknown = inner.unknown.get(&digest).is_some_and(|until| now < *until);
        unknown.then(|| Err(refusal::unknown_key(&abbreviated(key))))
    }

    /// Who shows this credential. May be called on any runtime; the store is asked on its own.
    ///
    /// # Errors
    /// 401 for wrong credentials; 503 when the store cannot be asked.
    pub async fn identify(&self, credential: &Credential<'_>) -> Result<Arc<Identity>> {
        self.identify_from(credential, None).await
    }

    /// The same for a credential that came from there.
    pub(crate) async fn identify_from(
        &self,
        credential: &Credential<'_>,
        source: Option<Source>,
    ) -> Result<Arc<Identity>> {
        if let Some(known) = self.identify_now(credential) {
            return known;
        }
        let Credential::Key(key) = credential else { return Err(refusal::no_key()) };
        let digest = KeyDigest::of(key);
        let found = self.0.look_up(digest, source).await;
        match found {
            Ok(Some(known)) => accept(known, key),
            Ok(None) => Err(refusal::unknown_key(&abbreviated(key))),
            Err(error) => self.0.without_store(digest, error).and_then(|known| accept(known, key)),
        }
    }

    /// Forgets what is known of a key, so the next request reads it again. Call it after every change to its row.
    pub fn forget_key(&self, digest: &KeyDigest) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        self.0.keys.remove(digest);
        self.0.unknown.remove(digest);
    }

    /// Forgets every key for which `matches` holds: after a change to a team, a user or a budget.
    pub fn forget_keys(&self, matches: impl Fn(&Identity) -> bool) {
        self.0.forget(matches);
        // Whatever was changed may hold for those as well.
        self.0.forget_parties();
    }

    /// Brings finished calls into the store now; it happens every `proxy_batch_write_at` seconds anyway.
    ///
    /// # Errors
    /// When the store does not take them; they stay in the journal.
    pub async fn flush(&self) -> Result<Flushed> {
        let inner = Arc::clone(&self.0);
        let flushed = self.0.background.spawn(async move { inner.flush().await });
        flushed.await.unwrap_or_else(|_| Err(Error::internal("the flush was stopped")))
    }

    /// Flushes for the last time; call it when no request runs any more.
    ///
    /// # Errors
    /// When the store does not take everything; what is left is flushed at the next start if there is a journal folder.
    pub async fn shutdown(&self) -> Result<Flushed> {
        self.flush().await
    }

    /// What the whole proxy has spent in its budget window, US dollars, and its budget. Known when there is a budget.
    #[must_use]
    pub fn proxy_spend(&self) -> Option<(f64, f64)> {
        let max = self.0.settings().proxy_budget()?;
        Some((usd(self.0.purses.get(Owner::Proxy, "").spent()), max))
    }
}

/// Checks what changes while a key stays the same.
pub(crate) fn accept(known: Arc<Identity>, key: &str) -> Result<Arc<Identity>> {
    if let Some(refusal) = &known.refusal {
        return Err(refusal.clone());
    }
    if let Some(expires) = known.expires {
        let now = Utc::now();
        if expires < now && known.rank == Rank::Token {
            return Err(refusal::expired_token());
        }
        if expires < now {
            return Err(refusal::expired_key(&abbreviated(key), expires, now));
        }
    }
    Ok(known)
}

fn master_identity(directory: Arc<ArcSwap<Directory>>, proxy: Option<Budget>) -> Identity {
    let mut admin = Identity::bare(Rank::Master, MASTER_KEY_ALIAS, directory);
    admin.role = Some(Role::ProxyAdmin);
    admin.bounds.budgets = proxy.into_iter().collect();
    admin.caller = Caller {
        key_hash: Some(MASTER_KEY_ALIAS.into()),
        key_alias: Some(MASTER_KEY_ALIAS.into()),
        user_id: Some(MASTER_USER_ID.into()),
        ..Caller::default()
    };
    admin
}

/// Who calls where there is no master key.
fn anyone(directory: Arc<ArcSwap<Directory>>, proxy: Option<Budget>) -> Identity {
    let mut anyone = Identity::bare(Rank::Anyone, "anyone", directory);
    anyone.role = Some(Role::InternalUser);
    anyone.bounds.budgets = proxy.into_iter().collect();
    anyone
}

fn proxy_budget(settings: &AccountsSettings, purses: &Purses) -> Option<Budget> {
    let max = settings.proxy_budget()?;
    Some(Budget {
        owner: Owner::Proxy,
        what: "Proxy ".into(),
        cap: Some(Cap { max: nanos(max), reachable: Owner::Proxy.is_reachable() }),
        max: Some(nanos(max)),
        soft: None,
        marks: Marks::default(),
        purse: purses.get(Owner::Proxy, ""),
        id: "".into(),
        period: 0,
        rolls: None,
    })
}

impl Inner {
    /// Forgets every caller for whom `matches` holds.
    pub(crate) fn forget(&self, matches: impl Fn(&Identity) -> bool) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.keys.retain(|_, known| !known.any(&matches));
    }

    /// Forgets what holds beside callers: end users, tags, groups of models. It is read again before the next call.
    pub(crate) fn forget_parties(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.parties.forget();
    }

    /// True for the master key.
    pub(crate) fn is_master(&self, key: &str) -> bool {
        self.master.as_ref().is_some_and(|(master, _)| KeyDigest::of(key).same(master))
    }

    pub(crate) fn proxy_budget(&self) -> Option<Budget> {
        proxy_budget(&self.settings(), &self.purses)
    }

    /// Those who have no row follow the budget of the proxy.
    pub(crate) fn stand_again(&self) {
        if let Some((_, admin)) = &self.master {
            admin.store(Arc::new(master_identity(Arc::clone(&self.directory), self.proxy_budget())));
        }
        self.anyone.store(Arc::new(anyone(Arc::clone(&self.directory), self.proxy_budget())));
    }
}
