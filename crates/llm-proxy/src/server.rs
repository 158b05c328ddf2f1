//! Listeners: one thread, one single-threaded runtime, one listener (SO_REUSEPORT) and one upstream pool per core.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::core::Core;
use crate::deserted::Deserted;
use crate::tally::OneMore;

/// What a listener needs to know.
#[derive(Debug, Clone)]
pub struct ListenSettings {
    /// Where to listen.
    pub addr: SocketAddr,
    /// How many threads serve.
    pub threads: usize,
    /// Another process may listen at the same address: one gateway takes over from another.
    pub beside_others: bool,
    /// How long a connection may be silent between requests; none means for ever.
    pub keepalive: Option<Duration>,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// Bytes of request head at the most.
    pub max_header_bytes: usize,
    /// How long streams in flight may go on after the stop signal.
    pub drain: Duration,
    /// Connections at the most; more are answered 503.
    pub max_connections: Option<u64>,
}

/// Counts what the listeners are doing.
#[derive(Debug, Default)]
pub struct Gauge {
    /// Open connections.
    pub connections: Arc<AtomicU64>,
    /// Set when the process is going away: probes answer 503.
    pub stopping: AtomicBool,
    /// Requests whose clients are gone, and that go on to their end.
    pub deserted: Arc<AtomicU64>,
}

/// Binds one listener per thread.
///
/// # Errors
/// When the address cannot be bound, or another process listens there.
pub fn bind(settings: &ListenSettings) -> Result<Vec<StdListener>> {
    // Our own threads share the port. The first takes it alone, so that another gateway that starts at this moment cannot
    // share it, too, and mix their requests; what it was bound with holds no longer once the option is set.
    let first = listener(settings.addr, settings.beside_others)?;
    #[cfg(unix)]
    first.set_reuse_port(true)?;
    let addr = first.local_addr()?.as_socket().unwrap_or(settings.addr); // port 0 has become one
    let others = (1..settings.threads).map(|_| listener(addr, true));
    let all = std::iter::once(Ok(first)).chain(others);
    all.map(|socket| Ok(socket?.into())).collect()
}

fn listener(addr: SocketAddr, shared: bool) -> Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    let taken = || format!("cannot listen on {addr}");
    socket.bind(&addr.into()).with_context(taken)?;
    socket.listen(4096).with_context(taken)?;
    Ok(socket)
}

/// Serves on one thread until `stop` says so and the connections are drained.
///
/// # Errors
/// When the runtime or the listener cannot be set up.
pub fn serve(
    listener: StdListener,
    settings: &ListenSettings,
    tls: Option<TlsAcceptor>,
    core: impl FnOnce() -> Core,
    gauge: &Arc<Gauge>,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        let core = Arc::new_cyclic(|me| Core { me: me.clone(), ..core() });
        accept(listener, settings, tls, core, gauge, stop).await;
        Ok(())
    })
}

async fn accept(
    listener: TcpListener,
    settings: &ListenSettings,
    tls: Option<TlsAcceptor>,
    core: Arc<Core>,
    gauge: &Arc<Gauge>,
    mut stop: watch::Receiver<bool>,
) {
    let builder = Arc::new(connection_builder(settings));
    let graceful = GracefulShutdown::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => (socket, peer),
                Err(e) => {
                    // Out of file descriptors, or a client that was gone at once: wait a moment, go on.
                    tracing::warn!(error = %e, "accept failed");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            _ = stop.wait_for(|s| *s) => break,
        };
        let (socket, peer) = socket;
        if let Err(e) = socket.set_nodelay(true) {
            tracing::debug!(error = %e, "cannot set TCP_NODELAY");
        }
        let (core, builder, tls, gauge) = (Arc::clone(&core), Arc::clone(&builder), tls.clone(), Arc::clone(gauge));
        let limit = settings.max_connections;
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let _open = OneMore::of(Arc::clone(&gauge.connections));
            let full = limit.is_some_and(|l| gauge.connections.load(Ordering::Relaxed) > l);
            match tls {
                None => connection(socket, peer, core, &builder, watcher, full).await,
                Some(tls) => match tokio::time::timeout(Duration::from_secs(10), tls.accept(socket)).await {
                    Ok(Ok(stream)) => connection(stream, peer, core, &builder, watcher, full).await,
                    Ok(Err(e)) => tracing::debug!(error = %e, %peer, "TLS handshake failed"),
                    Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
                },
            }
        });
    }
    drop(listener);
    let all_done = async {
        graceful.shutdown().await;
        while gauge.deserted.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = all_done => {}
        () = tokio::time::sleep(settings.drain) => tracing::warn!("connections still open after the drain time are cut"),
    }
}

fn connection_builder(settings: &ListenSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.keepalive.unwrap_or(settings.header_timeout).max(settings.header_timeout))
        .max_buf_size(settings.max_header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_header_list_size(u32::try_from(settings.max_header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(1000);
    builder
}

async fn connection<S>(
    stream: S,
    peer: SocketAddr,
    core: Arc<Core>,
    builder: &auto::Builder<TokioExecutor>,
    watcher: hyper_util::server::graceful::Watcher,
    full: bool,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |req| {
        let core = Arc::clone(&core);
        async move {
            if full {
                return Ok::<_, Infallible>(crate::errors::overloaded());
            }
            let app = Arc::clone(&core.app);
            // A panic ends one request, with an answer; the thread serves on.
            let answer = async move { AssertUnwindSafe(core.handle(req, peer)).catch_unwind().await };
            let answered = Deserted::watch(app, Box::pin(answer)).await;
            Ok(answered.unwrap_or_else(|_| crate::errors::panicked()))
        }
    });
    let conn = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    if let Err(e) = watcher.watch(conn.into_owned()).await {
        tracing::debug!(error = %e, %peer, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(addr: SocketAddr) -> ListenSettings {
        ListenSettings {
            addr,
            threads: 2,
            beside_others: false,
            keepalive: None,
            header_timeout: Duration::from_secs(1),
            max_header_bytes: 1 << 10,
            drain: Duration::ZERO,
            max_connections: None,
        }
    }

    #[test]
    fn of_gateways_that_start_at_once_one_has_the_port() {
        let mine = bind(&settings(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        let addr = mine[0].local_addr().unwrap();
        assert_eq!(mine[1].local_addr().unwrap(), addr, "threads share a port that nobody named");
        assert!(bind(&settings(addr)).is_err(), "it is taken");
        assert!(
            bind(&ListenSettings { beside_others: true, ..settings(addr) }).is_ok(),
            "one that may stand beside others"
        );
        drop(mine);
        let gate = std::sync::Barrier::new(8);
        let won = std::thread::scope(|scope| {
            let start = || {
                gate.wait();
                bind(&settings(addr)).ok()
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            let bound: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
            bound.iter().filter(|one| one.is_some()).count()
        });
        assert_eq!(won, 1);
    }
}
