//! Outbound HTTP: pool, TLS, proxies, egress guard, a timeout per phase.
//!
//! | file | what |
//! |---|---|
//! | [`transport`] | [`Transport`]: send a request, upgrade a connection; [`Timeouts`] |
//! | [`client`] | [`HttpClient`], the transport over real sockets |
//! | [`config`] | [`HttpConfig`]: pool, HTTP/2, TLS, proxies |
//! | [`body`], [`reply`] | request body in pieces; reply body that watches the clock and returns its connection |
//! | [`error`] | [`TransportError`]: in which phase, what happened, was anything sent |
//! | `forward` | headers of a message that is passed on |
//! | [`egress`], [`fetch`] | which addresses a stranger's URL may reach; downloading such a URL |
//!
//! Made for one client per server thread: the pool's lock is then never contended, a pooled exchange spawns no task and
//! opens no channel of ours, and arms a timer only now and then (see `alarm.rs`).

mod alarm;
pub mod body;
pub mod client;
pub mod config;
mod dial;
mod dns;
mod dress;
pub mod egress;
pub mod error;
pub mod fetch;
mod forward;
mod io;
mod multiplex;
mod pool;
mod proxy;
pub mod reply;
mod shown;
mod tcp;
mod tls;
pub mod transport;

pub use body::Body;
pub use client::HttpClient;
pub use config::{Http2, HttpConfig, ProxyConfig, Roots, TlsConfig};
pub use egress::EgressPolicy;
pub use error::{ErrorKind, Phase, TransportError};
pub use fetch::{FetchError, FetchLimits, Fetched, fetch_url};
pub use forward::end_to_end;
pub use reply::ReplyBody;
pub use shown::shown;
pub use transport::{BoxError, BoxFuture, Timeouts, Transport, UpgradeReply, UpgradedIo};
