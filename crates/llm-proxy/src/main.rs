//! `llm-proxy`: the gateway's binary.

use std::process::ExitCode;

use llm_proxy::cli::{self, Command};
use llm_proxy::config::Environment;
use llm_proxy::probe::{self, Question};
use llm_proxy::{check, explain, ledger, migrate, start};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let env = Environment::process();
    let mut out = std::io::stdout();
    let outcome = match &cli.command {
        None => match Question::of(&cli.serve) {
            Some(question) => probe::run(question, &cli.serve, &env, &mut out),
            None => start::serve(&cli.serve, &env),
        },
        Some(Command::Check(flags)) => check::run(flags, &env, &mut out).map_err(Into::into),
        Some(Command::Explain(flags)) => explain::run(flags, &env, &mut out),
        Some(Command::Ledger(flags)) => ledger::run(flags, &env, &mut out),
        Some(Command::Migrate(flags)) => migrate::run(flags, &env, &mut out),
        Some(Command::Simulate { port }) => start::simulate(*port, &mut out),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let told = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("llm-proxy: {error:#}\n"));
            ExitCode::from(if told.is_ok() { 1 } else { 2 })
        }
    }
}
