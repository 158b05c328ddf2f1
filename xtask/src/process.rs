//! Processes that the tasks start: builds, servers, scripts.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::generated::root;

/// Loading a model on a busy machine takes its time.
const START: Duration = Duration::from_secs(120);

/// Builds the gateway and says where it is.
pub(crate) fn build(out: &mut impl Write, profile: &str) -> Result<PathBuf> {
    writeln!(out, "building the gateway (profile {profile})")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut build = Command::new(cargo);
    // with the features that the tests have, so that what one of them built serves the other
    build.args(["build", "--workspace", "--bin", "llm-proxy", "--profile", profile]).current_dir(root());
    succeed(&mut build)?;
    Ok(target.join(if profile == "dev" { "debug" } else { profile }).join("llm-proxy"))
}

pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("{name} does not start"))?;
    let what = command.get_args().collect::<Vec<_>>().join(OsStr::new(" "));
    ensure!(status.success(), "{name} {}: {status}", what.to_string_lossy());
    Ok(())
}

/// A port nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A process that ends with this value.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    pub(crate) log: PathBuf,
}

impl Running {
    pub(crate) fn start(name: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("{name} does not start"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// Waits until `path` answers 200.
    pub(crate) fn wait(&mut self, address: SocketAddr, path: &str) -> Result<()> {
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

    /// Waits until it ends by itself.
    pub(crate) fn finished(&mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended with {status}; see {}", self.name, self.log.display());
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
    let reply = exchange(address, &format!("GET {path} HTTP/1.1"), "").ok()?;
    reply.get(..12)?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

/// Posts JSON; the body of a 200.
pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> Result<String> {
    let reply = exchange(address, &format!("POST {path} HTTP/1.1"), body)?;
    let (head, body) = reply.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{reply}");
    Ok(body.to_owned())
}

/// One request on a connection of its own, and all that comes back. Enough for answers that are not chunked.
fn exchange(address: SocketAddr, line: &str, body: &str) -> Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    let headers = "connection: close\r\ncontent-type: application/json";
    // One write: a server that answers the first piece and hangs up would reset the connection under the others.
    let request = format!("{line}\r\nhost: {address}\r\n{headers}\r\ncontent-length: {length}\r\n\r\n{body}");
    socket.write_all(request.as_bytes())?;
    let mut reply = String::new();
    socket.read_to_string(&mut reply)?;
    Ok(reply)
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
    fn answers_are_bodies() {
        assert_eq!(post(answering("HTTP/1.1 200 OK\r\na: b\r\n\r\n{}"), "/", "{}").unwrap(), "{}");
        assert!(post(answering("HTTP/1.1 400 No\r\n\r\nwhy"), "/", "{}").unwrap_err().to_string().contains("why"));
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
}
