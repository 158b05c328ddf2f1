//! Where the servers are and how to talk to them.

use std::path::PathBuf;
use std::time::Duration;

use llm_types::Secret;
use redis::{ConnectionAddr, IntoConnectionInfo as _};

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// Which servers.
    pub servers: Servers,
    /// Name to log in with; the default user without one.
    pub username: Option<String>,
    /// Password to log in with.
    pub password: Option<Secret>,
    /// Number of the database; a cluster has only 0.
    pub db: i64,
    /// TLS, if wanted.
    pub tls: Option<RedisTls>,
    /// How long a call may take, from the call to its answer.
    pub deadline: Duration,
    /// How long connecting may take, with TLS and login. Nobody waits for it but the background task.
    pub connect_timeout: Duration,
}

/// The three kinds of installation.
#[derive(Debug, Clone)]
pub enum Servers {
    /// One server.
    Single(Endpoint),
    /// A master that sentinels know.
    Sentinel {
        /// The sentinels.
        nodes: Vec<(String, u16)>,
        /// Their name for the master.
        service: String,
        /// Name to log in at the sentinels with.
        username: Option<String>,
        /// Password of the sentinels; the servers' own is another one.
        password: Option<Secret>,
    },
    /// A cluster, known by some of its nodes.
    Cluster(Vec<(String, u16)>),
}

/// The address of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Name or address, and port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// How TLS is done.
#[derive(Debug, Clone, Default)]
pub struct RedisTls {
    /// Certificates to trust, PEM; the system's without them.
    pub ca: Option<Vec<u8>>,
    /// Own certificate and key, PEM, where the server wants to see one.
    pub client: Option<(Vec<u8>, Secret)>,
    /// Accept whatever certificate comes (`ssl_cert_reqs: none`).
    pub insecure: bool,
}

/// The port of Redis.
pub const DEFAULT_PORT: u16 = 6379;

/// How long a call may take unless configured.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(25);

impl RedisSettings {
    /// Settings with everything but the servers left at its default.
    #[must_use]
    pub fn new(servers: Servers) -> Self {
        Self {
            servers,
            username: None,
            password: None,
            db: 0,
            tls: None,
            deadline: DEFAULT_DEADLINE,
            connect_timeout: Duration::from_secs(1),
        }
    }

    /// One server by address: `redis://[user[:password]@]host[:port][/db]`, `rediss://` for TLS (with
    /// `?ssl_cert_reqs=none` it accepts any certificate), `unix:///path?db=0`.
    ///
    /// # Errors
    /// What is wrong with the address. It is not repeated: it may hold a password.
    pub fn from_url(url: &str) -> Result<Self, String> {
        let info = url.into_connection_info().map_err(|error| error.to_string())?;
        let (endpoint, tls) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (Endpoint::Tcp(host.clone(), *port), None),
            ConnectionAddr::TcpTls { host, port, insecure, .. } => {
                let query = url.split_once('?').map_or("", |(_, query)| query);
                let unchecked = query.split(['&', '#']).any(|pair| pair.eq_ignore_ascii_case("ssl_cert_reqs=none"));
                let tls = RedisTls { insecure: *insecure || unchecked, ..RedisTls::default() };
                (Endpoint::Tcp(host.clone(), *port), Some(tls))
            }
            ConnectionAddr::Unix(path) => (Endpoint::Unix(path.clone()), None),
            _ => return Err("unknown kind of address".to_owned()),
        };
        let redis = info.redis_settings();
        Ok(Self {
            username: redis.username().map(str::to_owned),
            password: redis.password().map(Secret::new),
            db: redis.db(),
            tls,
            ..Self::new(Servers::Single(endpoint))
        })
    }

    /// The servers in words, without secrets.
    #[must_use]
    pub fn shown(&self) -> String {
        let list =
            |nodes: &[(String, u16)]| nodes.iter().map(|(h, p)| format!("{h}:{p}")).collect::<Vec<_>>().join(", ");
        match &self.servers {
            Servers::Single(Endpoint::Tcp(host, port)) => format!("{host}:{port}"),
            Servers::Single(Endpoint::Unix(path)) => path.display().to_string(),
            Servers::Sentinel { nodes, service, .. } => format!("{service} of sentinels {}", list(nodes)),
            Servers::Cluster(nodes) => format!("cluster {}", list(nodes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = RedisSettings::from_url("redis://u:p%40ss@h:6380/3").unwrap();
        assert_eq!(read.shown(), "h:6380");
        assert_eq!((read.username.as_deref(), read.password.unwrap().expose(), read.db), (Some("u"), "p@ss", 3));
        assert!(read.tls.is_none());
        let tls = RedisSettings::from_url("rediss://h?ssl_cert_reqs=none").unwrap();
        assert_eq!(tls.shown(), "h:6379");
        assert!(tls.tls.unwrap().insecure);
        assert!(!RedisSettings::from_url("rediss://h").unwrap().tls.unwrap().insecure);
        let unix = RedisSettings::from_url("unix:///run/redis.sock?db=2").unwrap();
        assert_eq!((unix.shown().as_str(), unix.db), ("/run/redis.sock", 2));
        for wrong in ["", "http://h", "redis://:secret@/x", "redis://h/notanumber"] {
            let error = RedisSettings::from_url(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
