//! `cargo xtask`: code generation and house rules.

mod costs;
mod demo;
mod fields;
mod generated;
mod models;
mod passthrough;
mod process;
mod providers;
mod quickstart;
mod tidy;

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", about = "Code generation, house rules, demonstrations")]
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
    /// Check the house rules: arrows between crates, sizes, names, places, generated code.
    Tidy,
    /// Put a real model behind the gateway and ask it through the official SDKs.
    Demo(demo::Options),
    /// Start the gateway in front of a simulated provider and ask it once.
    Quickstart(quickstart::Options),
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let Err(error) = run(&mut out) else { return ExitCode::SUCCESS };
    // nobody is left to tell when this fails too
    drop(writeln!(out, "error: {error:#}"));
    ExitCode::FAILURE
}

fn run(out: &mut impl Write) -> Result<()> {
    match Cli::parse().command {
        Command::ImportModels { file } => {
            let models = models::import(&file)?;
            writeln!(out, "{models} models")?;
            codegen(out, false)
        }
        Command::Codegen { check } => codegen(out, check),
        Command::Costs { file } => costs::run(out, &file),
        Command::Tidy => tidy::run(out),
        Command::Demo(options) => demo::run(out, &options),
        Command::Quickstart(options) => quickstart::run(out, &options),
    }
}

/// Runs every generator.
fn codegen(out: &mut impl Write, check: bool) -> Result<()> {
    let files = generate()?;
    let stale = if check { generated::stale(&files) } else { generated::write(&files)? };
    for path in &stale {
        writeln!(out, "{} {}", if check { "stale" } else { "wrote" }, path.display())?;
    }
    if check && !stale.is_empty() {
        bail!("run `cargo xtask codegen`");
    }
    Ok(())
}

/// Everything that is generated.
fn generate() -> Result<Vec<generated::Generated>> {
    let mut files = models::generate()?;
    files.extend(providers::generate()?);
    files.extend(passthrough::generate()?);
    files.extend(fields::generate()?);
    Ok(files)
}
