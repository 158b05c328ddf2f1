//! Opening a connection: TCP, proxy, TLS, protocol.

use std::future::Future;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::alarm::earlier;
use crate::io::Io;
use crate::pool::{Host, Shared};
use crate::proxy::{HttpProxy, Route, SocksProxy, SocksTarget, connect_tunnel, socks5};
use crate::{Body, EgressPolicy, Phase, TransportError, tcp};

/// HTTP/2 windows, large enough that a long answer on a far connection is not throttled by us.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 1 << 23;
/// An HTTP/2 connection with open streams is pinged this often, and given up when the answer is late.
const PING: Duration = Duration::from_secs(20);

pub(crate) enum Opened {
    One(http1::SendRequest<Body>),
    Many(http2::SendRequest<Body>),
}

/// One connection to be made.
pub(crate) struct Dial<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) host: &'a Host,
    /// Judges the host's addresses, not a proxy's.
    pub(crate) guard: Option<&'a EgressPolicy>,
    /// The connection carries one exchange and is HTTP/1.1.
    pub(crate) alone: bool,
    /// The connection may turn into something else.
    pub(crate) upgrade: bool,
    pub(crate) connect_by: Option<Instant>,
    pub(crate) tls: Option<Duration>,
    pub(crate) total_by: Option<Instant>,
}

impl Dial<'_> {
    pub(crate) async fn open(&self) -> Result<Opened, TransportError> {
        let Dial { shared, host, .. } = *self;
        let mut io = self.within(Phase::Connect, self.reach()).await?;
        let mut h2 = host.prior_knowledge && !self.alone;
        if host.tls {
            let offer = !self.alone && host.multiplex.is_possible();
            let agreed;
            (io, agreed) = self.within(Phase::Tls, shared.tls.connect(io, &host.name, offer)).await?;
            h2 |= agreed;
        }
        let broken = |error: hyper::Error| TransportError::from_hyper(&error, Phase::Connect, false);
        if h2 { multiplexed(io).await.map_err(broken) } else { self.plain(io).await.map_err(broken) }
    }

    /// Bytes to and from the host, before any TLS with it.
    async fn reach(&self) -> Result<Io, TransportError> {
        let Dial { shared, host, guard, .. } = *self;
        match &host.route {
            Route::Direct => tcp::connect(&shared.dns, &host.name, host.port, guard, shared.config.tcp_keepalive)
                .await
                .map(Io::Plain),
            Route::Http(proxy) => self.through_http(proxy).await,
            Route::Socks(proxy) => self.through_socks(proxy).await,
        }
    }

    async fn through_http(&self, proxy: &HttpProxy) -> Result<Io, TransportError> {
        let Dial { shared, host, .. } = *self;
        // A guarded target is looked up and judged here, and the proxy is told the address, not the name.
        let pinned = match self.guard {
            Some(_) => self.pinned().await?,
            None => None,
        };
        let tcp = tcp::connect(&shared.dns, &proxy.name, proxy.port, None, shared.config.tcp_keepalive).await?;
        let mut io = Io::Plain(tcp);
        if proxy.tls {
            (io, _) = shared.tls.connect(io, &proxy.name, false).await?;
        }
        // Plain HTTP goes through the proxy as requests, everything else as a tunnel.
        if host.tls || self.alone {
            let authority = match pinned {
                Some(address) => address.to_string(),
                None if host.name.contains(':') => format!("[{}]:{}", host.name, host.port),
                None => format!("{}:{}", host.name, host.port),
            };
            connect_tunnel(&mut io, &authority, proxy.auth.as_ref()).await?;
        }
        Ok(io)
    }

    async fn through_socks(&self, proxy: &SocksProxy) -> Result<Io, TransportError> {
        let Dial { shared, host, .. } = *self;
        let pinned = if self.guard.is_some() || !proxy.remote_dns { self.pinned().await? } else { None };
        let tcp = tcp::connect(&shared.dns, &proxy.name, proxy.port, None, shared.config.tcp_keepalive).await?;
        let mut io = Io::Plain(tcp);
        let target = pinned.map_or(SocksTarget::Name(&host.name), |address| SocksTarget::Ip(address.ip()));
        socks5(&mut io, target, host.port, proxy.login.as_ref()).await?;
        Ok(io)
    }

    async fn pinned(&self) -> Result<Option<std::net::SocketAddr>, TransportError> {
        let Dial { shared, host, guard, .. } = *self;
        let addresses = tcp::checked(&shared.dns, &host.name, host.port, guard).await?;
        Ok(addresses.first().copied())
    }

    async fn plain(&self, io: Io) -> Result<Opened, hyper::Error> {
        let (sender, connection) = http1::handshake(TokioIo::new(io)).await?;
        if self.upgrade {
            spawn(connection.with_upgrades());
        } else {
            spawn(connection);
        }
        Ok(Opened::One(sender))
    }

    async fn within<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let tls = self.tls.filter(|_| phase == Phase::Tls).map(|limit| Instant::now() + limit);
        let connect_by = earlier(self.connect_by, tls);
        let Some(deadline) = earlier(connect_by, self.total_by) else { return work.await };
        match timeout_at(deadline, work).await {
            Ok(done) => done,
            Err(_) if self.total_by == Some(deadline) => Err(TransportError::timeout(Phase::Total, false)),
            Err(_) => Err(TransportError::timeout(phase, false)),
        }
    }
}

async fn multiplexed(io: Io) -> Result<Opened, hyper::Error> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .handshake(TokioIo::new(io))
        .await?;
    spawn(connection);
    Ok(Opened::Many(sender))
}

/// Drives a connection to its end. What goes wrong there is reported to the requests on it.
fn spawn(connection: impl Future<Output = Result<(), hyper::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = crate::error::chain(&error), "connection ended");
        }
    });
}
