//! Redis servers for tests: one, a cluster of three, sentinels, each on free loopback ports.
//!
//! A server hangs on a pipe to this process: when the process ends, however it ends, a small shell stops the server and
//! removes its folder.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set to `1` where tests must not be skipped for lack of a server.
pub const REQUIRE_SERVERS: &str = "LLM_TESTS_REQUIRE_SERVERS";

/// Starts the server in the background, notes its number, and waits for the end of its own input.
const WATCH: &str = r#"dir=$1; shift
"$@" >"$dir/log" 2>&1 &
pid=$!
echo $pid >"$dir/pid"
cat >/dev/null
kill -CONT $pid 2>/dev/null
kill -KILL $pid 2>/dev/null
[ -e "$dir/keep" ] || rm -rf "$dir""#;

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    dir: PathBuf,
    port: u16,
    args: Vec<String>,
}

impl RedisServer {
    /// Starts a server without persistence. `None`, with a message on standard error, when Redis is not installed.
    ///
    /// # Errors
    /// When it is installed and does not start, or when it is not installed and [`REQUIRE_SERVERS`] is `1`.
    pub fn start() -> io::Result<Option<Self>> {
        Self::start_with(&[])
    }

    /// As [`RedisServer::start`], with more arguments. The port is the plain one; `{port}` in an argument stands for it.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_with(more: &[&str]) -> io::Result<Option<Self>> {
        if !installed()? {
            return Ok(None);
        }
        for _ in 0..3 {
            let port = free_port()?;
            let dir = tempfile::Builder::new().prefix("redis-test").tempdir()?.keep();
            let plain = if more.contains(&"--tls-port") { 0 } else { port };
            let mut args: Vec<String> =
                ["--port", &plain.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]
                    .map(str::to_owned)
                    .to_vec();
            args.push(dir.display().to_string());
            args.extend(more.iter().map(|arg| arg.replace("{port}", &port.to_string())));
            if let Some(server) = spawn(dir, port, args)? {
                return Ok(Some(server));
            }
        }
        Err(io::Error::other("redis-server found no free port"))
    }

    /// The port it listens on, on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a signal, such as `STOP`, `CONT` or `KILL`.
    ///
    /// # Errors
    /// When it is not running.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let pid = std::fs::read_to_string(self.dir.join("pid"))?;
        let status = Command::new("kill").arg(format!("-{name}")).arg(pid.trim()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("the signal was not sent")) }
    }

    /// Kills it; what it knew is lost.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill(&mut self) -> io::Result<()> {
        std::fs::write(self.dir.join("keep"), "")?;
        stop(&mut self.child);
        std::fs::remove_file(self.dir.join("keep"))
    }

    /// Starts it again after [`RedisServer::kill`], on the same port, empty.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        let again = spawn(self.dir.clone(), self.port, self.args.clone())?;
        let mut again = again.ok_or_else(|| io::Error::other("the port is taken"))?;
        std::mem::swap(&mut self.child, &mut again.child);
        // `again` holds the ended child now; its drop waits for nothing.
        Ok(())
    }

    /// Runs `redis-cli` against it and gives what it prints.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn cli(&self, args: &[&str]) -> io::Result<String> {
        let output = Command::new("redis-cli").arg("-p").arg(self.port.to_string()).args(args).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Starts a cluster of three masters. `None` when Redis is not installed.
///
/// # Errors
/// As [`RedisServer::start`]; when the nodes do not agree within ten seconds.
pub fn cluster() -> io::Result<Option<Vec<RedisServer>>> {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let bus = free_port()?.to_string();
        let args = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
        let Some(node) = RedisServer::start_with(&args)? else { return Ok(None) };
        nodes.push((node, bus));
    }
    for (at, (node, _)) in nodes.iter().enumerate() {
        let (first, last) = (at * 5462, ((at + 1) * 5462 - 1).min(16_383));
        node.cli(&["cluster", "addslotsrange", &first.to_string(), &last.to_string()])?;
        for (other, bus) in &nodes {
            if other.port != node.port {
                node.cli(&["cluster", "meet", "127.0.0.1", &other.port.to_string(), bus])?;
            }
        }
    }
    let nodes: Vec<RedisServer> = nodes.into_iter().map(|(node, _)| node).collect();
    let agreed = || nodes.iter().all(|node| node.cli(&["cluster", "info"]).is_ok_and(|info| agrees(&info)));
    until("the cluster", agreed)?;
    Ok(Some(nodes))
}

fn agrees(info: &str) -> bool {
    info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
}

/// Starts a sentinel that watches `master` under the name `main`. `None` when Redis is not installed.
///
/// # Errors
/// As [`RedisServer::start`].
pub fn sentinel(master: &RedisServer) -> io::Result<Option<RedisServer>> {
    if !installed()? {
        return Ok(None);
    }
    let port = free_port()?;
    let dir = tempfile::Builder::new().prefix("redis-test").tempdir()?.keep();
    let file = dir.join("sentinel.conf");
    let settings = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
        master.port
    );
    std::fs::write(&file, settings)?;
    spawn(dir, port, vec![file.display().to_string(), "--sentinel".to_owned()])
}

fn spawn(dir: PathBuf, port: u16, args: Vec<String>) -> io::Result<Option<RedisServer>> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(WATCH).arg("sh").arg(&dir).arg("redis-server").args(&args);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let server = RedisServer { child, dir, port, args };
    let log = |dir: &Path| std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let said = log(&server.dir);
        if said.contains("Address already in use") {
            return Ok(None);
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(Some(server));
        }
        if Instant::now() > end {
            return Err(io::Error::other(format!("redis-server did not start: {said}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn stop(child: &mut Child) {
    drop(child.stdin.take());
    drop(child.wait());
}

fn until(what: &str, done: impl Fn() -> bool) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        if Instant::now() > end {
            return Err(io::Error::other(format!("{what} did not come up")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
fn installed() -> io::Result<bool> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&paths).any(|dir| dir.join("redis-server").exists()) {
        return Ok(true);
    }
    if std::env::var(REQUIRE_SERVERS).is_ok_and(|v| v == "1") {
        return Err(io::Error::other("redis-server is not installed, and tests must not be skipped"));
    }
    eprintln!("SKIPPED: redis-server is not installed; its tests did not run");
    Ok(false)
}
