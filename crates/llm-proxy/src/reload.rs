//! A new configuration in place of the old one, while requests run: file and database are read anew, everything that is
//! derived from them is built, and only then exchanged as a whole. What has a problem is refused whole; what was served
//! before goes on. Requests keep the snapshot that they began with; cooldowns and counters of known deployments go on.

mod held;
mod prices;
mod serving;
mod watch;

use std::sync::{Arc, OnceLock, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};
use llm_accounts::{Stored, StoredVersion};
use llm_http::HttpClient;
use parking_lot::Mutex;

use crate::app::App;
use crate::cli::Serve;
use crate::config::{self, Environment, Fetched, Loaded, Problem, Severity, Source};
use crate::secrets::Secrets;
use crate::snapshot::{Snapshot, directory};
use prices::PriceTable;
pub use watch::follow;

/// Reads the configuration, at start and later.
pub struct Reloader {
    flags: Serve,
    env: Environment,
    http: OnceLock<HttpClient>,
    app: OnceLock<Weak<App>>,
    /// One reload at a time.
    turn: tokio::sync::Mutex<()>,
    /// What the database had when the snapshot in force was made.
    last: ArcSwap<Stored>,
    seen: Mutex<StoredVersion>,
    prices: ArcSwap<PriceTable>,
    followed: Mutex<prices::Followed>,
    /// What the bucket held, where the configuration lies in one.
    fetched: ArcSwapOption<Fetched>,
    /// What the files held when they were last looked at.
    files: Mutex<watch::Contents>,
    secrets: Secrets,
    /// The environment together with what a secret manager said.
    filled: ArcSwap<Environment>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

/// Problems for people, one line each.
fn lines<'p>(problems: impl Iterator<Item = &'p Problem>) -> Vec<String> {
    problems.map(|problem| problem.to_string().trim_end().to_owned()).collect()
}

fn errors(problems: &[Problem]) -> Vec<String> {
    lines(problems.iter().filter(|p| p.severity == Severity::Error))
}

impl Reloader {
    /// For a process started with these flags. `fetched`: the configuration of a bucket.
    #[must_use]
    pub fn new(flags: &Serve, env: &Environment, fetched: Option<Arc<Fetched>>) -> Self {
        Self {
            files: Mutex::new(watch::Contents::read(&flags.source())),
            fetched: ArcSwapOption::new(fetched),
            flags: flags.clone(),
            env: env.clone(),
            http: OnceLock::new(),
            app: OnceLock::new(),
            turn: tokio::sync::Mutex::new(()),
            last: ArcSwap::default(),
            seen: Mutex::default(),
            prices: ArcSwap::default(),
            followed: Mutex::default(),
            secrets: Secrets::default(),
            filled: ArcSwap::from_pointee(env.clone()),
        }
    }

    /// The configuration at start, when the database is open. Settings of the database that cannot be served are left out
    /// with a warning: whoever made them has to be able to reach the gateway to mend them.
    #[must_use]
    pub fn first(&self, stored: Stored, version: StoredVersion) -> (Option<Loaded>, Vec<Problem>) {
        *self.seen.lock() = version;
        let (loaded, mut problems) = self.load(&stored);
        let lists = [&stored.search_tools, &stored.vector_stores, &stored.indexes].iter().all(|list| list.is_empty());
        if loaded.is_some() || stored.sections.is_empty() && lists {
            self.last.store(Arc::new(stored));
            return (loaded, problems);
        }
        let bare = Stored {
            sections: Vec::new(),
            search_tools: Vec::new(),
            vector_stores: Vec::new(),
            indexes: Vec::new(),
            ..stored
        };
        let (loaded, of_file) = self.load(&bare);
        if loaded.is_some() {
            problems.iter_mut().for_each(|p| p.severity = Severity::Warning);
        }
        self.last.store(Arc::new(bare));
        (loaded, if loaded_is_fine(&of_file) { problems } else { of_file })
    }

    /// Tells what is served; once, when the server stands.
    pub fn attach(&self, app: &Arc<App>, http: &HttpClient) {
        let set = self.app.set(Arc::downgrade(app)).is_ok() && self.http.set(http.clone()).is_ok();
        debug_assert!(set, "attached once");
    }

    /// Where the configuration is.
    pub(crate) fn source(&self) -> Source {
        Source { fetched: self.fetched.load_full(), ..self.flags.source() }
    }

    /// The operator's variables, those of the configuration over those of the process.
    fn variables(&self) -> Environment {
        self.app().map_or_else(|_| self.env.clone(), |app| app.cache_setup.load().environment.clone())
    }

    fn load(&self, stored: &Stored) -> (Option<Loaded>, Vec<Problem>) {
        self.load_under(stored, &self.filled.load())
    }

    fn load_under(&self, stored: &Stored, env: &Environment) -> (Option<Loaded>, Vec<Problem>) {
        let prices = self.prices.load().prices.clone();
        let source = Source { stored: Some(stored.clone()), prices, ..self.source() };
        let (mut loaded, problems) = config::load(&source, env);
        if let Some(loaded) = &mut loaded {
            self.flags.apply(loaded);
        }
        (loaded, problems)
    }

    fn app(&self) -> Result<Arc<App>, Vec<String>> {
        self.app.get().and_then(Weak::upgrade).ok_or_else(|| vec!["the gateway is starting or stopping".to_owned()])
    }

    /// What would keep things from being served.
    fn faults(&self, stored: &Stored) -> Vec<String> {
        let (_, problems) = self.load(stored);
        let fault = |p: &&Problem| p.severity == Severity::Error || config::leaves_out(p);
        lines(problems.iter().filter(fault))
    }

    /// Reads file and database anew. A database that is away does not keep a new file from being served.
    async fn anew(&self) -> Result<Vec<String>, Vec<String>> {
        let _turn = self.turn.lock().await;
        let app = self.app()?;
        let mut warnings = Vec::new();
        if let Err(problem) = self.fetch_config().await {
            warnings.push(format!("what the bucket held before stays: {problem}"));
        }
        let (stored, version) = match self.read_store(&app).await {
            Ok(read) => read,
            Err(problem) => {
                warnings.push(problem);
                (self.last.load_full(), self.seen.lock().clone())
            }
        };
        let filled = self.ask_secrets(&self.source(), Some(&stored)).await;
        let filled = filled.map_err(|problem| vec![problem.to_string()])?;
        let (loaded, problems) = self.load_under(&stored, &filled.env);
        let Some(mut loaded) = loaded else { return Err(errors(&problems)) };
        if filled.wrong {
            // It could not be read a moment ago: whoever writes it is not done.
            return Err(vec!["the configuration changed while it was read".to_owned()]);
        }
        let accounts = Box::new(loaded.accounts.clone());
        let sso = loaded.sso.take().map(|plan| crate::start::single_sign_on(plan, Arc::clone(&app.idp)));
        let cache = self.another_cache(&app, &mut loaded, &mut warnings).await;
        let state = Arc::clone(app.snapshot.load().engine.router.state());
        let snapshot = Snapshot::build(loaded, &app.bus, Some(state)).map_err(|e| vec![e.to_string()])?;
        self.adopt_secrets(&filled);
        app.accounts.set_directory(directory(&snapshot));
        app.sso.set(sso);
        app.accounts.set_settings(*accounts);
        app.mcp.follow(&snapshot.mcp);
        let deployments = snapshot.engine.router.deployments().len();
        app.snapshot.store(Arc::new(snapshot));
        if let Some((setup, cache)) = cache {
            app.cache.store(cache);
            app.cache_setup.store(Arc::new(setup));
        }
        self.last.store(stored);
        *self.seen.lock() = version;
        tracing::info!(deployments, "a new configuration is served");
        warnings.extend(lines(problems.iter()));
        Ok(warnings)
    }

    /// The cache of a new configuration, where it is another one than that in use.
    async fn another_cache(
        &self,
        app: &App,
        loaded: &mut Loaded,
        warnings: &mut Vec<String>,
    ) -> Option<(crate::cache::Setup, Option<Arc<llm_cache::Cache>>)> {
        let setup = crate::cache::Setup { config: loaded.cache.take(), environment: loaded.environment.clone() };
        let written = |config: &Option<config::CacheConfig>| config.as_ref().map(|config| config.written.clone());
        let http = self.http.get()?;
        if written(&app.cache_setup.load().config) == written(&setup.config) {
            return None;
        }
        let Some(config) = &setup.config else { return Some((setup, None)) };
        let witness = Arc::new(crate::cache::Meter(Arc::clone(&app.metrics)));
        let opening = crate::cache::Opening { http, background: &app.background, witness };
        let (cache, problem) = crate::cache::connect(config, &opening).await;
        warnings.extend(problem.map(|problem| problem.to_string()));
        Some((setup, cache.map(Arc::new)))
    }

    async fn read_store(&self, app: &App) -> Result<(Arc<Stored>, StoredVersion), String> {
        if app.store.is_none() || !app.accounts.settings().store_model_in_db {
            return Ok(Default::default());
        }
        // The version first: what changes in between is read twice rather than never.
        let failed = |problem| format!("the database cannot be read, what it had stays: {problem:?}");
        let version = app.accounts.stored_version().await.map_err(failed)?;
        let stored = app.accounts.stored().await.map_err(failed)?;
        Ok((Arc::new(stored), version))
    }

    /// Serves what another gateway has written into the database, if anything.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub async fn follow(&self) -> Result<(), Vec<String>> {
        let app = self.app()?;
        let version = app.accounts.stored_version().await.map_err(|e| vec![format!("{e:?}")])?;
        if *self.seen.lock() == version {
            return Ok(());
        }
        let followed = self.anew().await.map(drop);
        if followed.is_err() {
            // Told once, not every few seconds.
            *self.seen.lock() = version;
        }
        followed
    }
}

fn loaded_is_fine(problems: &[Problem]) -> bool {
    problems.iter().all(|p| p.severity != Severity::Error)
}
