//! A running gateway process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Method;
use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::binary;
use crate::call::{HttpClient, Live, Reply, client, open};
use crate::config::MASTER_KEY;

/// A debug binary with an empty store is up in a second or two; a loaded machine takes longer.
const START: Duration = Duration::from_secs(60);

/// How a gateway is started.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// A state directory that outlives the gateway; without one it gets its own.
    pub state_dir: Option<PathBuf>,
    /// More arguments.
    pub args: Vec<String>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
    /// No configuration file is named.
    pub without_file: bool,
}

/// The binary on a free loopback port. It is killed when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    addr: SocketAddr,
    logs: Arc<Mutex<String>>,
    client: HttpClient,
    // holds the config file and, unless one was given, the state directory
    folder: TempDir,
}

impl Gateway {
    /// Starts a gateway with this config file and waits until it is alive.
    ///
    /// # Errors
    /// The binary does not build, exits, or is not alive within a minute; the message has its log.
    pub async fn start(config: &str) -> Result<Self> {
        Self::start_with(config, &Options::default()).await
    }

    /// As [`Gateway::start`], with more control.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub async fn start_with(config: &str, options: &Options) -> Result<Self> {
        let binary = tokio::task::spawn_blocking(binary::path).await??;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config)?;
        let state = options.state_dir.clone().unwrap_or_else(|| folder.path().join("state"));
        let addr = free_port()?;
        let mut child = spawn(&binary, &file, &state, addr, options)?;
        let logs = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take(), &logs);
        collect(child.stderr.take(), &logs);
        let mut gateway = Self { child, addr, logs, client: client(false), folder };
        gateway.wait_alive().await?;
        Ok(gateway)
    }

    /// Runs the binary to its end, with these arguments and variables and no others: its exit code, and what it wrote.
    ///
    /// # Errors
    /// The binary does not build or cannot be started.
    pub async fn command(args: &[&str], env: &[(&str, &str)]) -> Result<(Option<i32>, String)> {
        let binary = tokio::task::spawn_blocking(binary::path).await??;
        let output = Command::new(binary).args(args).env_clear().envs(env.iter().copied()).output().await?;
        let both = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&both).into_owned()))
    }

    /// Writes another configuration into its file; `POST /config/reload` takes it over.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn rewrite(&self, config: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.path().join("config.yaml"), config)?)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it wrote to stdout and stderr so far.
    pub fn logs(&self) -> String {
        self.logs.lock().clone()
    }

    /// POST with `Authorization: Bearer key`; no header for an empty key.
    ///
    /// # Errors
    /// No response came. A body that breaks is no error, see [`Reply::complete`].
    pub async fn post(&self, path: &str, body: &Value, key: &str) -> Result<Reply> {
        self.open(path, body, key).await?.rest().await
    }

    /// POST with the master key.
    ///
    /// # Errors
    /// As [`Gateway::post`].
    pub async fn ask(&self, path: &str, body: &Value) -> Result<Reply> {
        self.post(path, body, MASTER_KEY).await
    }

    /// GET with a key.
    ///
    /// # Errors
    /// As [`Gateway::post`].
    pub async fn get(&self, path: &str, key: &str) -> Result<Reply> {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        self.send(Method::GET, path, if key.is_empty() { &[] } else { &headers }, Bytes::new()).await
    }

    /// A request with a key and a body of JSON; `null` is no body.
    ///
    /// # Errors
    /// As [`Gateway::post`].
    pub async fn call(&self, method: Method, path: &str, body: &Value, key: &str) -> Result<Reply> {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        self.send(method, path, &headers, body).await
    }

    /// POST, with the body still to come.
    ///
    /// # Errors
    /// No response came.
    pub async fn open(&self, path: &str, body: &Value, key: &str) -> Result<Live> {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("content-type", "application/json")];
        if !key.is_empty() {
            headers.push(("authorization", bearer.as_str()));
        }
        let url = format!("{}{path}", self.url());
        open(&self.client, Method::POST, &url, &headers, body.to_string().into()).await
    }

    /// Any request.
    ///
    /// # Errors
    /// No response came.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Reply> {
        open(&self.client, method, &format!("{}{path}", self.url()), headers, body).await?.rest().await
    }

    /// Any request, with the body of the reply still to come.
    ///
    /// # Errors
    /// No response came.
    pub async fn open_any(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Live> {
        open(&self.client, method, &format!("{}{path}", self.url()), headers, body).await
    }

    /// Any request over HTTP/2 with prior knowledge.
    ///
    /// # Errors
    /// No response came.
    pub async fn send_http2(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Reply> {
        open(&client(true), method, &format!("{}{path}", self.url()), headers, body).await?.rest().await
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// It is gone already.
    pub fn terminate(&self) -> Result<()> {
        let id = self.child.id().context("the gateway has exited")?;
        let status = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status()?;
        if !status.success() {
            bail!("kill failed: {status}");
        }
        Ok(())
    }

    /// Kills it at once (SIGKILL), as a crash would.
    ///
    /// # Errors
    /// It cannot be killed.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Its process, to be killed while calls run; nothing when it has exited.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for it to exit by itself.
    ///
    /// # Errors
    /// It still runs after `time`.
    pub async fn exited(&mut self, time: Duration) -> Result<ExitStatus> {
        match tokio::time::timeout(time, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("the gateway still runs; its log:\n{}", self.logs()),
        }
    }

    async fn wait_alive(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                // the log may lag behind the exit
                tokio::time::sleep(Duration::from_millis(100)).await;
                bail!("the gateway exited with {status}; its log:\n{}", self.logs());
            }
            if let Ok(reply) = self.get("/health/liveliness", "").await
                && reply.status == 200
            {
                return Ok(());
            }
            if started.elapsed() > START {
                bail!("the gateway is not alive after {START:?}; its log:\n{}", self.logs());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

fn spawn(binary: &Path, config: &Path, state: &Path, addr: SocketAddr, options: &Options) -> Result<Child> {
    let mut command = Command::new(binary);
    if !options.without_file {
        command.arg("--config").arg(config);
    }
    command
        .args(["--host", &addr.ip().to_string(), "--port", &addr.port().to_string()])
        .arg("--state-dir")
        .arg(state)
        .args(&options.args)
        // settings of the machine must not leak into a test
        .env_clear()
        .envs(["PATH", "HOME", "TMPDIR"].iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .env("RUST_BACKTRACE", "1")
        .envs(options.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().with_context(|| format!("{} could not be started", binary.display()))
}

/// A port nobody listens on, and none that was given out before. It is not one of those that the system gives to whoever
/// asks for any: a simulator or an outgoing connection could take it before the gateway does.
fn free_port() -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 11_000;
    const COUNT: u16 = 20_000;
    // other runs of tests on this machine begin elsewhere
    let offset = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    for _ in 0..COUNT {
        let at = (offset + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % u32::from(COUNT);
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + u16::try_from(at)?));
        if TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    bail!("no port is free from {FIRST} on")
}

fn collect(stream: Option<impl AsyncRead + Unpin + Send + 'static>, logs: &Arc<Mutex<String>>) {
    let Some(stream) = stream else { return };
    let logs = Arc::clone(logs);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut logs = logs.lock();
            logs.push_str(&line);
            logs.push('\n');
        }
    });
}
