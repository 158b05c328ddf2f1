//! Connections that wait for their next request: per host a stack (the warmest first) of HTTP/1.1 connections.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use hyper::client::conn::http1::SendRequest;
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::alarm::Alarm;
use crate::dns::Dns;
use crate::multiplex::{Multiplex, Stream};
use crate::proxy::{Proxies, Route, bare};
use crate::tls::Tls;
use crate::{Body, ErrorKind, Http2, HttpConfig, Phase, TransportError};

/// How often unused connections are looked at. The tick also keeps the runtime's next wake-up near, so that arming a
/// request's far timeout never has to wake the runtime (a system call).
const TICK: Duration = Duration::from_secs(1);

/// What the clients of all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: HttpConfig,
    pub(crate) dns: Dns,
    pub(crate) tls: Tls,
    pub(crate) proxies: Proxies,
}

#[derive(Debug, Default)]
pub(crate) struct Pool {
    hosts: Mutex<Hosts>,
    kept: AtomicBool,
}

#[derive(Debug, Default)]
struct Hosts {
    plain: HashMap<Box<str>, Arc<Host>>,
    tls: HashMap<Box<str>, Arc<Host>>,
}

impl Pool {
    /// The host that an absolute URI names.
    pub(crate) fn host(&self, shared: &Shared, uri: &Uri) -> Result<Arc<Host>, TransportError> {
        let (tls, authority) = target(uri)?;
        let mut hosts = self.hosts.lock();
        let map = if tls { &mut hosts.tls } else { &mut hosts.plain };
        if let Some(host) = map.get(authority.as_str()) {
            return Ok(host.clone());
        }
        let host = Arc::new(Host::new(shared, tls, authority)?);
        map.insert(authority.as_str().into(), host.clone());
        Ok(host)
    }

    /// Starts the task that closes what is unused too long, unless it runs. It ends by itself when nothing is left.
    pub(crate) fn keep(self: &Arc<Self>) {
        if !self.kept.swap(true, Ordering::AcqRel) {
            tokio::spawn(Keeper(Arc::downgrade(self)).run());
        }
    }

    /// True when no host is left.
    fn sweep(&self) -> bool {
        let now = Instant::now();
        let mut hosts = self.hosts.lock();
        let Hosts { plain, tls } = &mut *hosts;
        for map in [plain, tls] {
            // Nobody else can get hold of a host while the map is locked.
            map.retain(|_, host| !host.sweep(now) || Arc::strong_count(host) > 1);
        }
        hosts.plain.is_empty() && hosts.tls.is_empty()
    }
}

struct Keeper(Weak<Pool>);

impl Keeper {
    async fn run(self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            match self.0.upgrade() {
                Some(pool) if !pool.sweep() => {}
                _ => return,
            }
        }
    }
}

impl Drop for Keeper {
    // Also when the runtime ends: the next connection starts another one.
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.kept.store(false, Ordering::Release);
        }
    }
}

/// One `scheme://host:port`, with everything that can be known before a request comes.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) tls: bool,
    pub(crate) authority: Authority,
    /// Without brackets.
    pub(crate) name: Box<str>,
    pub(crate) port: u16,
    /// The `Host` header.
    pub(crate) header: HeaderValue,
    pub(crate) route: Route,
    pub(crate) prior_knowledge: bool,
    pub(crate) multiplex: Multiplex,
    idle: Mutex<Vec<Idle>>,
    max_idle: usize,
    idle_for: Duration,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    alarm: Alarm,
    since: Instant,
}

/// What a pooled look-up found.
pub(crate) enum Found {
    Ready(SendRequest<Body>, Alarm),
    /// Only connections whose last exchange is not quite over.
    Busy,
    Nothing,
}

impl Host {
    pub(crate) fn new(shared: &Shared, tls: bool, authority: &Authority) -> Result<Self, TransportError> {
        let config = &shared.config;
        let name = bare(authority.host());
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let invalid = |what: &str| unusable(format!("{what} in the address {}", authority.host()));
        let scheme = if tls { Scheme::HTTPS } else { Scheme::HTTP };
        let target = Uri::builder().scheme(scheme).authority(authority.clone()).path_and_query("/").build();
        let route = shared.proxies.route(&target.map_err(|_| invalid("invalid character"))?)?;
        let listed = |known: &String| known == name || known == authority.as_str();
        let prior_knowledge = config.http2_prior_knowledge.iter().any(listed);
        let may_multiplex = prior_knowledge || (tls && config.http2 == Http2::Alpn);
        Ok(Host {
            tls,
            name: name.into(),
            port,
            header: HeaderValue::from_str(authority.as_str()).map_err(|_| invalid("invalid character"))?,
            authority: authority.clone(),
            route,
            prior_knowledge,
            multiplex: Multiplex::new(may_multiplex, config.http2_max_streams),
            idle: Mutex::default(),
            max_idle: config.pool_max_idle_per_host,
            idle_for: config.pool_idle,
        })
    }

    /// The most recently used connection that can take a request now.
    pub(crate) fn take(&self, now: Instant) -> Found {
        let mut idle = self.idle.lock();
        let mut at = idle.len();
        while at > 0 {
            at -= 1;
            let Some(entry) = idle.get(at) else { break };
            if entry.sender.is_closed() || entry.since + self.idle_for < now {
                idle.remove(at);
            } else if entry.sender.is_ready() {
                let entry = idle.remove(at);
                return Found::Ready(entry.sender, entry.alarm);
            }
        }
        if idle.is_empty() { Found::Nothing } else { Found::Busy }
    }

    fn put(&self, sender: SendRequest<Body>, alarm: Alarm) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock();
        if idle.len() < self.max_idle {
            idle.push(Idle { sender, alarm, since: Instant::now() });
        }
    }

    /// True when no connection waits here.
    fn sweep(&self, now: Instant) -> bool {
        let mut idle = self.idle.lock();
        idle.retain(|entry| !entry.sender.is_closed() && entry.since + self.idle_for >= now);
        let none = idle.is_empty();
        drop(idle);
        self.multiplex.sweep(now, self.idle_for) && none
    }
}

/// Who gets the connection when the response has been read to its end.
#[derive(Debug, Default)]
pub(crate) enum Lease {
    #[default]
    None,
    /// Made for this exchange only; closed with it.
    Alone(SendRequest<Body>),
    Pooled(SendRequest<Body>, Arc<Host>),
    Stream(Stream),
}

impl Lease {
    pub(crate) fn release(self, alarm: Alarm) {
        match self {
            Lease::Pooled(sender, host) => host.put(sender, alarm),
            Lease::None => {}
            Lease::Alone(sender) => drop(sender),
            Lease::Stream(stream) => drop(stream),
        }
    }
}

/// Whether a URI asks for TLS, and its authority.
pub(crate) fn target(uri: &Uri) -> Result<(bool, &Authority), TransportError> {
    let tls = match uri.scheme_str() {
        Some("http" | "ws") => false,
        Some("https" | "wss") => true,
        other => return Err(unusable(format!("scheme {other:?} is not HTTP"))),
    };
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err(unusable("credentials in a URL are not supported".to_owned()))
        }
        Some(authority) if !authority.host().is_empty() => Ok((tls, authority)),
        _ => Err(unusable("the URL names no host".to_owned())),
    }
}

fn unusable(message: String) -> TransportError {
    TransportError::unsent(Phase::Connect, ErrorKind::Protocol, message)
}
