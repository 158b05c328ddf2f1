//! `llm-proxy migrate`: the database's schema, brought up to date or only looked at.

use std::io::Write;

use anyhow::{Context as _, Result};
use clap::Args;
use llm_store::{Migrated, Store};

use crate::config::Environment;
use crate::ledger::Place;

/// `migrate`
#[derive(Debug, Args)]
pub struct Migrate {
    /// Where the database is.
    #[command(flatten)]
    pub place: Place,
    /// Only tell what would be done; it is done and undone in one transaction.
    #[arg(long)]
    pub dry_run: bool,
}

/// Migrates and tells what was done. Returns the exit code.
///
/// # Errors
/// The configuration is wrong, or the database refuses.
pub fn run(flags: &Migrate, env: &Environment, out: &mut dyn Write) -> Result<u8> {
    let found = flags.place.find(env)?;
    if let Some(file) = found.missing_file() {
        if flags.dry_run {
            writeln!(out, "{} would be made", file.display())?;
            return Ok(0);
        }
        let folder = file.parent().context("the database has no folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done: Migrated = runtime.block_on(async {
        let store = Store::open(&found.store).await.context("cannot open the database")?;
        let done = if flags.dry_run { store.migrate_dry().await } else { store.migrate().await };
        store.close().await;
        done.context("the database refused")
    })?;
    let would = if flags.dry_run { "would be " } else { "" };
    if done.from >= done.to {
        writeln!(out, "up to date: version {}", done.to)?;
    }
    for name in &done.applied {
        writeln!(out, "{would}applied: {name}")?;
    }
    for added in &done.added {
        writeln!(out, "{would}added to what LiteLLM made: {added}")?;
    }
    Ok(0)
}
