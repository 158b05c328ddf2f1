//! What to load, and what comes of it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use llm_accounts::{AccountsSettings, Stored};
use llm_client::{EngineSettings, Prices};
use llm_http::HttpConfig;
use llm_router::{Deployment, RouterSettings};
use llm_store::StoreConfig;
use llm_types::Json;

use super::{CacheConfig, Callbacks, CommandModel, Environment, Fetched, Logging, RedisConfig, Settings, SsoPlan};

/// What to load, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The file (`--config`, `CONFIG_FILE_PATH`).
    pub path: Option<PathBuf>,
    /// `--model`
    pub model: Option<CommandModel>,
    /// The address that was asked for (`--host`, `HOST`); nothing leaves it to us.
    pub host: Option<IpAddr>,
    /// `--ignore-python-hooks`: what names Python code is a warning.
    pub ignore_python_hooks: bool,
    /// `--ignore-unserved`: guardrails and protections that are not served yet are warnings.
    pub ignore_unserved: bool,
    /// Also look for keys and prices that are missing: `check` does, starting does not.
    pub thorough: bool,
    /// The text of a bucket, where no file is named.
    pub fetched: Option<Arc<Fetched>>,
    /// What the database adds, once it was read.
    pub stored: Option<Stored>,
    /// The database is still to be read: a credential that is not in the file may be there.
    pub unread: bool,
    /// The price table.
    pub prices: Prices,
}

/// A configuration, translated.
#[derive(Debug)]
pub struct Loaded {
    /// The data plane's settings.
    pub settings: Settings,
    /// The engine's settings.
    pub engine: EngineSettings,
    /// The price table.
    pub prices: Prices,
    /// The deployments, in order; their payload is an [`llm_client::Target`].
    pub deployments: Vec<Deployment>,
    /// The router's settings.
    pub router: RouterSettings,
    /// What relays use.
    pub relays: crate::pass::relays::RelaySettings,
    /// MCP servers and sets of their tools.
    pub mcp: llm_mcp::Registry,
    /// A2A agents.
    pub agents: crate::agents::Agents,
    /// The response cache, when it is on.
    pub cache: Option<CacheConfig>,
    /// The guardrails that are served, as they were written, references resolved.
    pub guardrails: Vec<Json>,
    /// Which of them run for whom.
    pub policies: llm_accounts::Policies,
    /// The managed prompts that are served.
    pub prompts: Vec<crate::templates::Prompt>,
    /// Who is told of calls.
    pub callbacks: Callbacks,
    /// Who is told of budgets that run out.
    pub alerts: llm_callbacks::AlertSettings,
    /// Where gateways share state, if they do.
    pub redis: Option<RedisConfig>,
    /// Settings of keys, budgets and limits.
    pub accounts: AccountsSettings,
    /// The identity provider that people log in at.
    pub sso: Option<SsoPlan>,
    /// The database; nothing: the embedded one in the state directory.
    pub database: Option<StoreConfig>,
    /// Outgoing connections.
    pub http: HttpConfig,
    /// What is logged.
    pub logging: Logging,
    /// The address to listen on.
    pub host: IpAddr,
    /// The environment, with that of the configuration laid over it.
    pub environment: Environment,
}

impl Loaded {
    /// Everything as it is where nothing is said.
    pub(super) fn new(env: &Environment) -> Self {
        Self {
            settings: Settings::default(),
            engine: EngineSettings::default(),
            prices: Prices::default(),
            deployments: Vec::new(),
            router: RouterSettings::default(),
            relays: crate::pass::relays::RelaySettings::default(),
            mcp: llm_mcp::Registry::default(),
            agents: crate::agents::Agents::default(),
            cache: None,
            guardrails: Vec::new(),
            policies: llm_accounts::Policies::default(),
            prompts: Vec::new(),
            callbacks: Callbacks::default(),
            alerts: llm_callbacks::AlertSettings::default(),
            redis: None,
            accounts: AccountsSettings::default(),
            sso: None,
            database: None,
            http: HttpConfig::default(),
            logging: Logging::default(),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            environment: env.clone(),
        }
    }

    /// The names under which models are served, each once, in order.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<str>> {
        let mut out: Vec<Arc<str>> = Vec::new();
        for d in &self.deployments {
            if !out.contains(d.public_name()) {
                out.push(Arc::clone(d.public_name()));
            }
        }
        out
    }
}
