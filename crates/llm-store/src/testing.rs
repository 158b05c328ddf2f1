//! A PostgreSQL server for tests: `initdb` into a temporary folder, one server on a free loopback port.
//!
//! The server hangs on a pipe to this process: when the process ends, however it ends, a small shell stops the server and
//! removes the folder. `initdb` and `postgres` refuse root, so under root they run as `postgres` or `nobody`.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Set to `1` where tests must not be skipped for lack of a server.
pub const REQUIRE_SERVERS: &str = "LLM_TESTS_REQUIRE_SERVERS";

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct PostgresServer {
    child: Child,
    port: u16,
    databases: AtomicU32,
}

impl PostgresServer {
    /// Starts a server. `None`, with a message on standard error, when PostgreSQL is not installed.
    ///
    /// # Errors
    /// When it is installed and does not start, or when it is not installed and [`REQUIRE_SERVERS`] is `1`.
    #[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub fn start() -> io::Result<Option<Self>> {
        let Some(bin) = binaries() else {
            if std::env::var(REQUIRE_SERVERS).is_ok_and(|v| v == "1") {
                return Err(io::Error::other(
                    "PostgreSQL is not installed (initdb, postgres), and tests must not be skipped",
                ));
            }
            eprintln!("SKIPPED: PostgreSQL is not installed (initdb, postgres); its tests did not run");
            return Ok(None);
        };
        let account = Account::unprivileged()?;
        // The port may be taken between asking for a free one and using it.
        for _ in 0..3 {
            if let Some(server) = start_in_new_folder(&bin, account)? {
                return Ok(Some(server));
            }
        }
        Err(io::Error::other("PostgreSQL found no free port"))
    }

    /// The address of a database that no other caller has; the database must be made by [`PostgresServer::create`].
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The port it listens on, on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create(&self) -> Result<String, sqlx::Error> {
        use sqlx::Connection as _;
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = sqlx::PgConnection::connect(&self.url("postgres")).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        connection.close().await?;
        Ok(self.url(&name))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Closing the pipe tells the shell to stop the server; wait until it did.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account to drop to; `None` when this process is not root.
    fn unprivileged() -> io::Result<Option<Self>> {
        use std::os::unix::fs::MetadataExt as _;
        let probe = tempfile::tempfile()?;
        if probe.metadata()?.uid() != 0 {
            return Ok(None);
        }
        let accounts = std::fs::read_to_string("/etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
                let mut numbers = line.split(':').skip(2).map(str::parse);
                Some(Self { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
            })
            .map(Some)
            .ok_or_else(|| io::Error::other("no account to run PostgreSQL as"))
    }
}

/// The folder of `initdb` and `postgres`: the newest of Debian's, or one on the path.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    found.into_iter().find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
}

fn command(program: impl AsRef<std::ffi::OsStr>, dir: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

fn initialise(bin: &Path, dir: &Path, account: Option<Account>) -> io::Result<()> {
    let mut command = command(bin.join("initdb"), dir, account);
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"]).arg(dir.join("data"));
    let output = command.stderr(Stdio::piped()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("initdb: {}", String::from_utf8_lossy(&output.stderr))))
}

/// `$0` is the folder; the rest is the server's command line. Reading ends when our end of the pipe closes.
const WATCH: &str = r#""$@" 2>"$0/log" & server=$!; read -r _; kill -QUIT $server; wait $server; cd /; rm -rf "$0""#;

/// `None` when the port was taken meanwhile.
fn start_in_new_folder(bin: &Path, account: Option<Account>) -> io::Result<Option<PostgresServer>> {
    let dir = tempfile::Builder::new().prefix("llm-store-pg-").tempdir()?.keep();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))?;
    if let Some(account) = account {
        chown(&dir, Some(account.uid), Some(account.gid))?;
    }
    if let Err(error) = initialise(bin, &dir, account) {
        std::fs::remove_dir_all(&dir)?;
        return Err(error);
    }
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut command = command("sh", &dir, account);
    command.arg("-c").arg(WATCH).arg(&dir).arg(bin.join("postgres")).arg("-D").arg(dir.join("data"));
    command.args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
    for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"] {
        command.args(["-c", setting]);
    }
    let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    // From here on the shell owns the folder.
    let server = PostgresServer { child, port, databases: AtomicU32::new(0) };
    let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    if answers(&dir.join("data/postmaster.pid"), port, &log) {
        return Ok(Some(server));
    }
    let log = log();
    if log.contains("in use") { Ok(None) } else { Err(io::Error::other(format!("postgres did not start: {log}"))) }
}

/// The last line of the server's pid file says when it takes connections.
fn answers(pid_file: &Path, port: u16, log: &dyn Fn() -> String) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        let ready = std::fs::read_to_string(pid_file).is_ok_and(|text| text.trim_end().ends_with("ready"));
        if ready && TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        if log().contains("FATAL") {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
