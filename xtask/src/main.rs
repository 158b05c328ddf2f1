//! `cargo xtask`: code generation and house rules.

mod costs;
mod generated;
mod models;
mod providers;

use std::{io::Write as _, path::PathBuf};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "Code generation and house rules")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read LiteLLM's price map into data/models.jsonl, then generate the catalog.
    ImportModels {
        /// A copy of model_prices_and_context_window.json.
        file: PathBuf,
    },
    /// Write everything that is generated from data/.
    Codegen {
        /// Write nothing; fail when something is stale.
        #[arg(long)]
        check: bool,
    },
    /// Price recorded calls and compare with what they are said to cost.
    Costs {
        /// JSON lines of model, provider, usage, service_tier, prompt_cost, completion_cost.
        file: PathBuf,
    },
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    match Cli::parse().command {
        Command::ImportModels { file } => {
            let models = models::import(&file)?;
            writeln!(out, "{models} models")?;
            codegen(&mut out, false)
        }
        Command::Codegen { check } => codegen(&mut out, check),
        Command::Costs { file } => costs::run(&mut out, &file),
    }
}

/// Runs every generator.
fn codegen(out: &mut impl std::io::Write, check: bool) -> Result<()> {
    let mut files = Vec::new();
    files.extend(models::generate()?);
    files.extend(providers::generate()?);
    let stale = if check { generated::stale(&files) } else { generated::write(&files)? };
    for path in &stale {
        writeln!(out, "{} {}", if check { "stale" } else { "wrote" }, path.display())?;
    }
    if check && !stale.is_empty() {
        bail!("run `cargo xtask codegen`");
    }
    Ok(())
}
