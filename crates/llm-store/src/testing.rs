//! A PostgreSQL server for tests: `initdb` into a temporary folder, one server on a free loopback port.
//!
//! [`PostgresServer::pooler`] puts a pgbouncer before it, in transaction mode, where prepared statements get lost.
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
    pub fn start() -> io::Result<Option<Self>> {
        let Some(bin) = binaries() else { return missing("PostgreSQL (initdb, postgres)") };
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
        self.create_like("template1").await
    }

    /// Makes a copy of the database `template`, which nobody may be connected to, and gives its address.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_like(&self, template: &str) -> Result<String, sqlx::Error> {
        use sqlx::Connection as _;
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = sqlx::PgConnection::connect(&self.url("postgres")).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}")))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(self.url(&name))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Closing the pipe tells the shell to stop the server; wait until it did.
fn stop(child: &mut Child) {
    drop(child.stdin.take());
    drop(child.wait());
}

/// A running pgbouncer. Dropping it stops it.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    port: u16,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

impl Pooler {
    /// `url`, an address of the server behind it, through the pooler.
    #[must_use]
    pub fn through(&self, server: &PostgresServer, url: &str) -> String {
        url.replace(&format!("127.0.0.1:{}", server.port), &format!("127.0.0.1:{}", self.port))
    }
}

impl PostgresServer {
    /// Starts a pgbouncer in transaction mode before this server, with two server connections per database, so clients do
    /// change connections. `None`, with a message on standard error, when it is not installed.
    ///
    /// # Errors
    /// When it is installed and does not start, or when it is not installed and [`REQUIRE_SERVERS`] is `1`.
    pub fn pooler(&self) -> io::Result<Option<Pooler>> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
        let Some(program) = places.map(|dir| dir.join("pgbouncer")).find(|file| file.exists()) else {
            return missing("pgbouncer");
        };
        let account = Account::unprivileged()?;
        let dir = new_folder(account)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 2\nmax_client_conn = 500\n",
            self.port
        );
        let file = dir.join("pgbouncer.ini");
        std::fs::write(&file, settings)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
        let mut command = command("sh", &dir, account);
        command.arg("-c").arg(WATCH).arg(&dir).arg(program).arg(&file);
        let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let pooler = Pooler { child, port };
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > end {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("pgbouncer did not start: {log}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(pooler))
    }
}

#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
fn missing<T>(program: &str) -> io::Result<Option<T>> {
    if std::env::var(REQUIRE_SERVERS).is_ok_and(|v| v == "1") {
        return Err(io::Error::other(format!("{program} is not installed, and tests must not be skipped")));
    }
    eprintln!("SKIPPED: {program} is not installed; its tests did not run");
    Ok(None)
}

fn new_folder(account: Option<Account>) -> io::Result<PathBuf> {
    let dir = tempfile::Builder::new().prefix("llm-store-pg-").tempdir()?.keep();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))?;
    if let Some(account) = account {
        chown(&dir, Some(account.uid), Some(account.gid))?;
    }
    Ok(dir)
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

/// `$0` is the folder; the rest is the server's command line. Reading ends when our end of the pipe closes. PostgreSQL stops
/// at once on QUIT, which the shell makes pgbouncer ignore; that one stops on TERM.
const WATCH: &str = r#""$@" 2>"$0/log" & server=$!; read -r _; kill -TERM $server; kill -QUIT $server; wait $server; cd /; rm -rf "$0""#;

/// `None` when the port was taken meanwhile.
fn start_in_new_folder(bin: &Path, account: Option<Account>) -> io::Result<Option<PostgresServer>> {
    let dir = new_folder(account)?;
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
