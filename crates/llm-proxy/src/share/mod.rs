//! State that several gateways share over Redis, and how it shows when Redis is away.
//!
//! | file | what |
//! |---|---|
//! | `exchange` | the router's state: cooldowns, usage, calls in flight, spend, ties |
//! | `metrics` | the lines of `/metrics` |
//!
//! What is shared, within which bounds, and what happens without Redis: `docs/shared-state.md`.

mod exchange;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::Accounts;
use llm_kv::redis::{RedisClient, RedisHealth, RedisKv};
use llm_types::Json;
use tokio::runtime::Handle;

use crate::app::App;
use crate::config::{Mark, Problem, RedisConfig, Severity};

/// How long Redis may take to be there before `check` and the start say that it is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// The Redis of this gateway.
#[derive(Debug)]
pub struct Share {
    kv: Arc<RedisKv>,
    prefix: String,
    /// Callers with a budget are refused while it is away.
    budgets_refuse: bool,
}

/// How a use of shared state is served right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Shared,
    /// This gateway counts for itself.
    Local,
    /// Callers are refused.
    Refuse,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Shared, Self::Local, Self::Refuse];

    const fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Local => "local",
            Self::Refuse => "refuse",
        }
    }
}

impl Share {
    /// Begins to connect and shares limits and budgets. Whether Redis is there is told in the log, later.
    #[must_use]
    pub fn start(config: RedisConfig, accounts: &Accounts, background: &Handle) -> Self {
        let client = RedisClient::start(config.settings, background);
        let prefix = config.namespace.map_or_else(String::new, |name| format!("{name}:"));
        let kv = RedisKv::new(client, prefix.as_str(), uuid::Uuid::new_v4().to_string(), background);
        accounts.share(Arc::clone(&kv) as Arc<dyn llm_kv::Kv>);
        let (client, mark, key) = (kv.client().clone(), config.mark, config.key);
        background.spawn(async move {
            if !client.ready(PATIENCE).await {
                tracing::warn!("{}", unreachable(&client, &mark, &key));
            }
        });
        Self { kv, prefix, budgets_refuse: accounts.settings().fail_closed_budget_enforcement }
    }

    /// Shares the router's state for as long as the app lives. Once, when the app is put together.
    pub fn exchange(&self, app: &Arc<App>) {
        let owner = uuid::Uuid::new_v4().simple().to_string();
        let exchange = exchange::Exchange::new(self.kv.client().clone(), &self.prefix, owner);
        app.background.spawn(exchange::run(Arc::downgrade(app), exchange));
    }

    /// Waits until it is there, for as long as a start may take.
    pub async fn ready(&self) -> bool {
        self.kv.client().ready(PATIENCE).await
    }

    /// The store that is shared.
    #[must_use]
    pub fn kv(&self) -> &dyn llm_kv::Kv {
        &*self.kv
    }

    fn health(&self) -> RedisHealth {
        self.kv.client().health()
    }

    fn modes(&self) -> [(&'static str, Mode); 3] {
        let up = self.kv.client().is_up();
        let away = if self.budgets_refuse { Mode::Refuse } else { Mode::Local };
        let of = |away| if up { Mode::Shared } else { away };
        [("limits", of(Mode::Local)), ("budgets", of(away)), ("router", of(Mode::Local))]
    }

    /// What readiness says of it.
    #[must_use]
    pub fn state(&self) -> Json {
        let mut state = Json::object([("redis", Json::from(self.health().state.word()))]);
        for (what, mode) in self.modes() {
            state.set(what, mode.word());
        }
        state
    }

    /// The lines of `/metrics`.
    #[must_use]
    pub fn metrics(&self, accounts: &Accounts) -> String {
        metrics::text(&self.health(), &self.modes(), accounts.admitted_alone())
    }
}

/// Tries a configured Redis: the problem to tell when it is not there.
#[must_use]
pub fn check(config: &RedisConfig) -> Option<Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let client = RedisClient::start(config.settings.clone(), &Handle::current());
        if client.ready(PATIENCE).await { None } else { Some(unreachable(&client, &config.mark, &config.key)) }
    })
}

/// Connects to a Redis, once.
///
/// # Errors
/// Why it is not there, without secrets.
pub async fn reached(config: &RedisConfig, background: &Handle) -> Result<(), String> {
    let client = RedisClient::start(config.settings.clone(), background);
    if client.ready(PATIENCE).await {
        return Ok(());
    }
    Err(unreachable(&client, &config.mark, &config.key).message)
}

fn unreachable(client: &RedisClient, mark: &Mark, key: &str) -> Problem {
    let health = client.health();
    let why = health.last_error.unwrap_or_else(|| "no connection yet".to_owned());
    Problem {
        severity: Severity::Warning,
        mark: mark.clone(),
        key: key.to_owned(),
        message: format!("Redis at {} cannot be reached: {why}", health.servers),
        suggestion: Some("the gateway starts all the same; until Redis is there it shares nothing".to_owned()),
    }
}
