//! `cargo xtask quickstart`: the gateway in front of a simulated provider, and its first answer. No account, no network.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use anyhow::Result;

use crate::generated::root;
use crate::process::{Running, build, free_address, post};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Cargo profile that the gateway is built with; `release` is the fast one, and slow to build.
    #[arg(long, default_value = "dev")]
    profile: String,
    /// End after the first answer.
    #[arg(long)]
    once: bool,
}

const ASK: &str = r#"{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Is anybody there?"}]}"#;

/// Starts both, asks once, and serves until it is interrupted.
///
/// # Errors
/// When something does not build, start or answer; the logs are in `target/quickstart`.
pub(crate) fn run(out: &mut impl Write, options: &Options) -> Result<()> {
    let binary = build(out, &options.profile)?;
    let folder = root().join("target/quickstart");
    std::fs::create_dir_all(&folder)?;

    let provider = free_address()?;
    let mut command = Command::new(&binary);
    command.args(["simulate", "--port", &provider.port().to_string()]);
    let mut simulator = Running::start("the simulated provider", command, &folder.join("simulator.log"))?;
    simulator.wait(provider, "/v1/models")?;

    let gateway = address()?;
    let mut command = Command::new(&binary);
    command.arg("--config").arg(root().join("examples/quickstart.yaml")).arg("--ephemeral");
    command.args(["--host", "127.0.0.1", "--port", &gateway.port().to_string()]);
    command
        .env("PROVIDER_URL", format!("http://{provider}"))
        .env_remove("DATABASE_URL")
        .env_remove("LITELLM_MASTER_KEY");
    let mut running = Running::start("the gateway", command, &folder.join("gateway.log"))?;
    running.wait(gateway, "/health/liveliness")?;

    let answer = post(gateway, "/v1/chat/completions", ASK)?;
    writeln!(out, "\ncurl http://{gateway}/v1/chat/completions -H 'content-type: application/json' -d '{ASK}'")?;
    writeln!(out, "\n{answer}\n")?;
    if options.once {
        return Ok(());
    }
    writeln!(
        out,
        "The gateway serves at http://{gateway}; its models are in examples/quickstart.yaml. Ctrl-C ends it."
    )?;
    running.finished()
}

/// The gateway's own port, or another one when that is taken.
fn address() -> Result<SocketAddr> {
    let own = SocketAddr::from(([127, 0, 0, 1], 4000));
    if TcpListener::bind(own).is_ok() { Ok(own) } else { free_address() }
}
