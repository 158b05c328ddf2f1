//! The command line: LiteLLM's flags and variables, and a few of our own.

mod inert;

use std::ffi::OsString;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use llm_types::Json;

use crate::config::{CommandModel, Environment, Mark, Problem, Severity, Source};

pub use inert::Inert;
use inert::MISSED;

/// A gateway to LLM providers that reads LiteLLM's configuration.
#[derive(Debug, Parser)]
#[command(name = "llm-proxy", version, disable_version_flag = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Commands; without one the gateway serves.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What serving wants to know.
    #[command(flatten)]
    pub serve: Serve,
    /// Print the version.
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what is wrong with a configuration, without starting.
    Check(Check),
    /// Tell which deployments a request would be sent to, and why not to the others.
    Explain(crate::explain::Explain),
    /// Prove or explain what was spent.
    Ledger(crate::ledger::Ledger),
    /// Bring the database's schema up to date, or tell what that would do.
    Migrate(crate::migrate::Migrate),
    /// Simulated OpenAI, Azure and Anthropic, for trying the gateway out.
    Simulate {
        /// Port to listen on, at 127.0.0.1.
        #[arg(long, default_value_t = 9911)]
        port: u16,
    },
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file.
    pub config: PathBuf,
    /// Treat Python hooks as if starting with the same flag.
    #[arg(long)]
    pub ignore_python_hooks: bool,
    /// Treat what is not served yet as if starting with the same flag.
    #[arg(long)]
    pub ignore_unserved: bool,
    /// The address it would listen on.
    #[arg(long, env = "HOST", value_parser = host)]
    pub host: Option<IpAddr>,
}

/// Flags of serving.
#[derive(Debug, Clone, Default, Args)]
pub struct Serve {
    /// Configuration file.
    #[arg(short, long, env = "CONFIG_FILE_PATH")]
    pub config: Option<PathBuf>,
    /// Address to listen on; 0.0.0.0, but 127.0.0.1 without a master key.
    #[arg(long, env = "HOST", value_parser = host)]
    pub host: Option<IpAddr>,
    /// Port; another free one is taken when 4000 is busy and no port was asked for.
    #[arg(long, env = "PORT")]
    pub port: Option<u16>,
    /// Serving threads; one per processor when nothing is said.
    #[arg(long, env = "LLM_PROXY_WORKERS")]
    pub workers: Option<usize>,
    /// Folder of the store and the journal.
    #[arg(long, env = "LLM_PROXY_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Keep everything in memory.
    #[arg(long)]
    pub ephemeral: bool,
    /// Start although the configuration names Python code.
    #[arg(long)]
    pub ignore_python_hooks: bool,
    /// Start although the configuration names guardrails or protections that are not served yet.
    #[arg(long)]
    pub ignore_unserved: bool,
    /// Serve this model, without a configuration file.
    #[arg(short, long)]
    pub model: Option<String>,
    /// Public name of --model.
    #[arg(long)]
    pub alias: Option<String>,
    /// Base URL of --model.
    #[arg(long = "api_base")]
    pub api_base: Option<String>,
    /// API version of --model, for Azure.
    #[arg(long = "api_version")]
    pub api_version: Option<String>,
    /// Headers of --model, as JSON.
    #[arg(long)]
    pub headers: Option<String>,
    /// Default temperature of --model.
    #[arg(long)]
    pub temperature: Option<f64>,
    /// Default limit of --model's output.
    #[arg(long = "max_tokens")]
    pub max_tokens: Option<u64>,
    /// Time limit of a call in seconds.
    #[arg(long = "request_timeout")]
    pub request_timeout: Option<f64>,
    /// Leave parameters out that a provider does not take.
    #[arg(long = "drop_params")]
    pub drop_params: bool,
    /// Budget of the whole gateway in US dollars.
    #[arg(long = "max_budget")]
    pub max_budget: Option<f64>,
    /// Log at level info.
    #[arg(long, env = "DEBUG", num_args = 0..=1, default_missing_value = "true", value_parser = truth)]
    pub debug: Option<bool>,
    /// Log at level debug.
    #[arg(long = "detailed_debug", env = "DETAILED_DEBUG", num_args = 0..=1, default_missing_value = "true", value_parser = truth)]
    pub detailed_debug: Option<bool>,
    /// TLS key file.
    #[arg(long = "ssl_keyfile_path", env = "SSL_KEYFILE_PATH")]
    pub ssl_keyfile: Option<PathBuf>,
    /// TLS certificate file.
    #[arg(long = "ssl_certfile_path", env = "SSL_CERTFILE_PATH")]
    pub ssl_certfile: Option<PathBuf>,
    /// Seconds a connection may be silent between requests.
    #[arg(long = "keepalive_timeout", env = "KEEPALIVE_TIMEOUT")]
    pub keepalive_timeout: Option<f64>,
    /// Connections at the most; more get 503.
    #[arg(long = "limit_concurrency", env = "LIMIT_CONCURRENCY")]
    pub limit_concurrency: Option<u64>,
    /// Bring the database's schema up to date, then exit.
    #[arg(long = "skip_server_startup", num_args = 0..=1, default_missing_value = "true", value_parser = truth)]
    pub skip_server_startup: Option<bool>,
    /// Load the configuration, exit 0 or 1.
    #[arg(long = "validate_config", num_args = 0..=1, default_missing_value = "true", value_parser = truth)]
    pub validate_config: Option<bool>,
    /// LiteLLM's name of --workers.
    #[arg(long = "num_workers", env = "NUM_WORKERS")]
    pub num_workers: Option<usize>,
    /// Ask a gateway that runs whether its deployments are well, then exit.
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub health: Option<String>,
    /// Send a test request to a gateway that runs, here or at this URL, then exit.
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    pub test: Option<String>,
    /// Flags without effect.
    #[command(flatten)]
    pub inert: Inert,
}

impl Serve {
    /// What to load.
    #[must_use]
    pub fn source(&self) -> Source {
        Source {
            path: self.config.clone().filter(|p| !p.as_os_str().is_empty()),
            model: self.command_model(),
            host: self.host,
            ignore_python_hooks: self.ignore_python_hooks,
            ignore_unserved: self.ignore_unserved,
            ..Source::default()
        }
    }

    fn command_model(&self) -> Option<CommandModel> {
        let number = |n: f64| serde_json::Number::from_f64(n).map(Json::Number);
        let text = |t: &Option<String>| t.clone().map(Json::String);
        let headers = self.headers.as_deref().and_then(|h| serde_json::from_str::<Json>(h).ok());
        let params = [
            ("api_base", text(&self.api_base)),
            ("api_version", text(&self.api_version)),
            ("extra_headers", headers),
            ("temperature", self.temperature.and_then(number)),
            ("max_tokens", self.max_tokens.map(|n| Json::Number(n.into()))),
        ];
        Some(CommandModel {
            model: self.model.clone()?,
            alias: self.alias.clone(),
            params: params.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        })
    }

    /// Lays flags over what the configuration says, and the configuration's variables over the environment in which
    /// providers look for keys.
    pub fn apply(&self, loaded: &mut crate::config::Loaded) {
        llm_providers::overlay_environment(loaded.environment.overlay());
        loaded.engine.drop_params |= self.drop_params;
        loaded.router.drop_params = Some(loaded.engine.drop_params);
        if let Some(limit) = self.request_timeout.and_then(llm_client::target::seconds) {
            loaded.engine.request_timeout = Some(limit);
            loaded.router.request_timeout = Some(llm_router::Seconds(limit));
        }
        if let Some(budget) = self.max_budget {
            loaded.accounts.max_budget = budget;
        }
        if self.debug == Some(true) {
            loaded.logging.level = Some("info");
        }
        if self.detailed_debug == Some(true) {
            loaded.logging.level = Some("debug");
        }
    }

    /// Serving threads: `--workers`, `--num_workers`; nothing: one per processor.
    #[must_use]
    pub fn threads(&self) -> Option<usize> {
        self.workers.or(self.num_workers).filter(|n| *n > 0)
    }

    /// What is wrong with the flags themselves.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |severity, key: &str, message: &str| Problem {
            severity,
            mark: Mark::whole("command line"),
            key: format!("--{key}"),
            message: message.to_owned(),
            suggestion: None,
        };
        let mut out: Vec<Problem> = self
            .inert
            .given()
            .into_iter()
            .filter(|(flag, value)| MISSED.contains(flag) && !value.eq_ignore_ascii_case("false"))
            .map(|(flag, _)| problem(Severity::Warning, flag, "this flag has no effect"))
            .collect();
        if self.headers.as_deref().is_some_and(|h| !matches!(serde_json::from_str(h), Ok(Json::Object(_)))) {
            out.push(problem(Severity::Error, "headers", "expected a JSON object"));
        }
        if self.ssl_keyfile.is_some() != self.ssl_certfile.is_some() {
            out.push(problem(Severity::Error, "ssl_certfile_path", "TLS needs both a key file and a certificate file"));
        }
        out
    }

    /// The folder for store and journal: `--state-dir`, else `llm-proxy` in the user's state folder.
    #[must_use]
    pub fn state_dir(&self, env: &Environment) -> Option<PathBuf> {
        if self.ephemeral {
            return None;
        }
        let fallback = || {
            let folder = |name: &str| env.filled(name).map(PathBuf::from);
            let home = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
            home.or_else(|| folder("LOCALAPPDATA")).map(|d| d.join("llm-proxy"))
        };
        self.state_dir.clone().or_else(fallback)
    }

    /// The folder of this gateway: the one that was named, or its own below the common one.
    #[must_use]
    pub fn state_folder(&self, env: &Environment) -> Option<PathBuf> {
        let root = self.state_dir(env)?;
        Some(if self.state_dir.is_some() { root } else { root.join(self.instance()) })
    }

    /// A name for the lock and the store of this gateway within the state folder: gateways with other configurations
    /// get other ones, the same configuration gets the same.
    #[must_use]
    pub fn instance(&self) -> String {
        use sha2::{Digest, Sha256};
        let Some(path) = &self.config else { return "default".to_owned() };
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        let hash = hex::encode(Sha256::digest(path.as_os_str().as_encoded_bytes()));
        let stem: String = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        format!("{stem}-{}", hash.get(..12).unwrap_or_default())
    }
}

/// Reads the command line. LiteLLM spells flags with `_`; ours may be written so too.
///
/// # Errors
/// The error of the parser, which also carries `--help` and `--version`.
pub fn parse<I: IntoIterator<Item = OsString>>(args: I) -> Result<Cli, clap::Error> {
    let ours = ["state_dir", "ignore_python_hooks", "ignore_unserved"];
    let args = args.into_iter().map(|arg| {
        let Some(text) = arg.to_str() else { return arg };
        let Some(flag) = text.strip_prefix("--") else { return arg };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(n, v)| (n, Some(v)));
        if !ours.contains(&name) {
            return arg;
        }
        let name = name.replace('_', "-");
        OsString::from(value.map_or_else(|| format!("--{name}"), |v| format!("--{name}={v}")))
    });
    Cli::try_parse_from(args)
}

/// An address, or a name that stands for one.
fn host(text: &str) -> Result<IpAddr, String> {
    let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Ok(address);
    }
    let found = (bare, 0).to_socket_addrs().map_err(|e| format!("no address is known for {text:?}: {e}"))?;
    let all: Vec<IpAddr> = found.map(|a| a.ip()).collect();
    let first = all.iter().find(|a| a.is_ipv4()).or(all.first()).copied();
    first.ok_or_else(|| format!("no address is known for {text:?}"))
}

/// Python's idea of true in variables such as `DEBUG`, whatever else stands there is false.
fn truth(text: &str) -> Result<bool, String> {
    Ok(matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t" | "y"))
}

#[cfg(test)]
mod tests;
