//! `llm-proxy ledger`: proof of what was spent, from the rows of calls.

mod explain;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use llm_accounts::{LedgerReport, verify_ledger};
use llm_store::{Store, StoreConfig};

use crate::cli::Serve;
use crate::config::{Environment, Loaded, Severity, load};

/// `ledger`
#[derive(Debug, Args)]
pub struct Ledger {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// Commands of the ledger.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Compare rows of calls with daily sums, and these with what keys, users, teams ... have spent. Exit code 1 when they
    /// differ. A spend that was set or reset by hand differs, too.
    Verify(Place),
    /// Show the row of a request, the price, and how they make the cost.
    Explain {
        /// Response id or call id.
        id: String,
        /// Where the rows are.
        #[command(flatten)]
        place: Place,
    },
}

/// Where a gateway's rows are, in the words of serving.
#[derive(Debug, Clone, Default, Args)]
pub struct Place {
    /// The configuration file.
    #[arg(short, long, env = "CONFIG_FILE_PATH")]
    pub config: Option<PathBuf>,
    /// The folder of the store, where the configuration names no database.
    #[arg(long, env = "LLM_PROXY_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
}

/// A database, and the configuration that named it.
#[derive(Debug)]
pub struct Found {
    /// How to open it.
    pub store: StoreConfig,
    /// The configuration.
    pub loaded: Loaded,
    file: Option<PathBuf>,
}

impl Found {
    /// The database's file, when there should be one and is none.
    #[must_use]
    pub fn missing_file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|file| !file.exists())
    }
}

impl Place {
    /// Finds the database as serving does.
    ///
    /// # Errors
    /// When the configuration is wrong, or there is no folder.
    pub fn find(&self, env: &Environment) -> Result<Found> {
        let flags = Serve {
            config: self.config.clone(),
            state_dir: self.state_dir.clone(),
            ignore_python_hooks: true,
            ignore_unserved: true,
            ..Serve::default()
        };
        let source = flags.source().with_bucket(env).map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let filled = crate::secrets::once(&source, env).map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let (loaded, problems) = load(&source, &filled);
        let wrong = problems.iter().find(|problem| problem.severity == Severity::Error);
        let Some(loaded) = loaded.filter(|_| wrong.is_none()) else {
            bail!(
                "the configuration is wrong; `llm-proxy check` tells what: {}",
                wrong.map_or("", |p| p.message.as_str())
            );
        };
        if let Some(store) = loaded.database.clone() {
            return Ok(Found { store, loaded, file: None });
        }
        let folder = flags.state_folder(&loaded.environment).context("there is no state folder; name one")?;
        let file = folder.join("store.db");
        Ok(Found { store: StoreConfig::file(&file), loaded, file: Some(file) })
    }
}

/// Verifies or explains. Returns the exit code.
///
/// # Errors
/// The configuration is wrong, or the database cannot be read.
pub fn run(flags: &Ledger, env: &Environment, out: &mut dyn Write) -> Result<u8> {
    let (What::Verify(place) | What::Explain { place, .. }) = &flags.what;
    let found = place.find(env)?;
    if let Some(file) = found.missing_file() {
        bail!("there is no database at {}", file.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&found.store).await.context("cannot open the database")?;
        let code = match &flags.what {
            What::Verify(_) => tell(&verify_ledger(&store).await.context("cannot read the ledger")?, out)?,
            What::Explain { id, .. } => explain::run(&store, &found.loaded, id, out).await?,
        };
        store.close().await;
        Ok(code)
    })
}

/// Differences of one comparison that are shown.
const SHOWN: usize = 20;

fn tell(report: &LedgerReport, out: &mut dyn Write) -> std::io::Result<u8> {
    match &report.from {
        Some(from) => writeln!(out, "rows of calls since {from}")?,
        None => writeln!(out, "no rows of calls: only sums are compared")?,
    }
    for check in &report.checks {
        writeln!(out, "{}: {} compared, {} differ", check.name, check.compared, check.differences.len())?;
        for pair in check.differences.iter().take(SHOWN) {
            let entity = if pair.entity.is_empty() { "(none)" } else { &pair.entity };
            write!(out, "  {entity} {}: {} USD, kept {} USD", pair.date, pair.from.spend, pair.kept.spend)?;
            if pair.from.requests != pair.kept.requests {
                write!(out, "; {} calls, kept {}", pair.from.requests, pair.kept.requests)?;
            }
            writeln!(out)?;
        }
        if check.differences.len() > SHOWN {
            writeln!(out, "  and {} more", check.differences.len() - SHOWN)?;
        }
    }
    writeln!(out, "{}", if report.even() { "the ledger is even" } else { "the ledger differs" })?;
    Ok(u8::from(!report.even()))
}
