//! Settings of a client. Plain data; nothing is read or opened until the first connection needs it.

use std::path::PathBuf;
use std::time::Duration;

/// How to reach hosts.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// How long an unused connection is kept. Keep it below what upstreams do themselves.
    pub pool_idle: Duration,
    /// Unused connections kept per host.
    pub pool_max_idle_per_host: usize,
    /// When HTTP/2 is spoken.
    pub http2: Http2,
    /// Hosts (`name` or `name:port`) that speak HTTP/2 from the first byte, without TLS negotiation.
    pub http2_prior_knowledge: Vec<String>,
    /// Streams per HTTP/2 connection; one more opens another connection instead of waiting in a queue.
    /// A host that allows fewer makes the rest wait; most allow 100 or more.
    pub http2_max_streams: usize,
    /// Whom to trust and who we are.
    pub tls: TlsConfig,
    /// Which proxy leads out.
    pub proxy: ProxyConfig,
    /// How long a looked-up name is believed.
    pub dns_ttl: Duration,
    /// TCP keep-alive probes, so that a model may think for minutes behind a NAT. `None`: off.
    pub tcp_keepalive: Option<Duration>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            pool_idle: Duration::from_secs(90),
            pool_max_idle_per_host: 1024,
            http2: Http2::Alpn,
            http2_prior_knowledge: Vec::new(),
            http2_max_streams: 100,
            tls: TlsConfig::default(),
            proxy: ProxyConfig::Env,
            dns_ttl: Duration::from_secs(30),
            tcp_keepalive: Some(Duration::from_secs(60)),
        }
    }
}

/// When HTTP/2 is spoken with hosts that are not listed as prior knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Http2 {
    /// Offered in the TLS handshake; the host chooses.
    #[default]
    Alpn,
    /// Never offered.
    Off,
}

/// Whom to trust and who we are.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// The base set of trusted authorities.
    pub roots: Roots,
    /// A PEM file with authorities to trust in addition.
    pub extra_ca: Option<PathBuf>,
    /// PEM file with our certificate chain; the key may be in the same file.
    pub client_cert: Option<PathBuf>,
    /// PEM file with our private key; without it the key is looked for in `client_cert`.
    pub client_key: Option<PathBuf>,
    /// Hosts (names without port, `*` for all) whose certificate is not checked.
    pub insecure_hosts: Vec<String>,
}

/// The base set of trusted authorities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Roots {
    /// What the operating system trusts, or `SSL_CERT_FILE` and `SSL_CERT_DIR` when set; a built-in copy of Mozilla's
    /// list when that is empty.
    #[default]
    System,
    /// Only this PEM file.
    File(PathBuf),
}

/// Which proxy leads out. Addresses are URLs: `http://user:password@proxy:3128`, `https://…`, `socks5://…` (name
/// looked up here), `socks5h://…` (name looked up there).
#[derive(Clone, PartialEq, Eq, Default)]
pub enum ProxyConfig {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, read when the client is made.
    #[default]
    Env,
    /// None.
    Off,
    /// These, in the same sense as the variables; empty strings mean unset.
    Fixed {
        /// For `http://` targets.
        http: String,
        /// For `https://` targets.
        https: String,
        /// Hosts, domains and networks to reach directly, separated by commas.
        no_proxy: String,
    },
}

impl std::fmt::Debug for ProxyConfig {
    // Proxy URLs carry passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ProxyConfig::Env => "Env",
            ProxyConfig::Off => "Off",
            ProxyConfig::Fixed { .. } => "Fixed",
        })
    }
}
