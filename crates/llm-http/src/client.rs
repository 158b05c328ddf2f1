//! The transport over real sockets.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use tokio::time::{Instant, timeout_at};

use crate::alarm::{Alarm, earlier};
use crate::dial::{Dial, Opened};
use crate::dns::Dns;
use crate::dress::{dress_http1, dress_http2};
use crate::multiplex::Stream;
use crate::pool::{Found, Host, Lease, Pool, Shared, target};
use crate::proxy::Proxies;
use crate::tls::Tls;
use crate::{
    Body, BoxFuture, EgressPolicy, FetchError, FetchLimits, Fetched, HttpConfig, Phase, ReplyBody, Timeouts, Transport,
    TransportError, UpgradeReply, UpgradedIo, tcp,
};

/// An HTTP client with its own connection pool. Make one per server thread with [`HttpClient::with_own_pool`]:
/// settings, certificates and name cache are shared, connections are not.
#[derive(Debug, Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
}

/// A connection to use now.
enum Line {
    One { sender: http1::SendRequest<Body>, alarm: Alarm, home: Option<Arc<Host>> },
    Many(Stream),
}

/// A failed exchange, with the request when hyper had not begun to write it.
struct Failed {
    error: TransportError,
    request: Option<Request<Body>>,
}

/// The limits of one exchange.
#[derive(Clone, Copy)]
struct Clock {
    timeouts: Timeouts,
    total: Option<Instant>,
}

impl Clock {
    fn start(timeouts: Timeouts, now: Instant) -> Self {
        Clock { timeouts, total: timeouts.total.map(|total| now + total) }
    }

    fn connect_by(&self) -> Option<Instant> {
        self.timeouts.connect.map(|connect| Instant::now() + connect)
    }
}

impl HttpClient {
    /// Reads proxy variables when told to; opens nothing.
    pub fn new(config: HttpConfig) -> Self {
        let shared = Shared {
            dns: Dns::new(config.dns_ttl),
            tls: Tls::new(config.tls.clone()),
            proxies: Proxies::new(&config.proxy),
            config,
        };
        HttpClient { shared: Arc::new(shared), pool: Arc::default() }
    }

    /// The same settings with a pool of its own, for another thread.
    pub fn with_own_pool(&self) -> Self {
        HttpClient { shared: self.shared.clone(), pool: Arc::default() }
    }

    /// [`Transport::send`] without the box.
    pub async fn request(
        &self,
        mut req: Request<Body>,
        timeouts: Timeouts,
    ) -> Result<Response<ReplyBody>, TransportError> {
        let now = Instant::now();
        let clock = Clock::start(timeouts, now);
        let host = self.pool.host(&self.shared, req.uri())?;
        if let Some(line) = pooled(&host, now).await {
            match exchange(line, &host, req, clock, now).await {
                Ok(response) => return Ok(response),
                // It had died in the pool. Nothing was written, so the request goes out once more, on a new connection.
                Err(Failed { request: Some(request), .. }) => req = request,
                Err(Failed { error, .. }) => return Err(error),
            }
        }
        let line = Box::pin(self.open(&host, clock)).await?;
        exchange(line, &host, req, clock, Instant::now()).await.map_err(|failed| failed.error)
    }

    /// Sends a request for a stranger's URL: every address of its host must pass the guard, the connection goes to one
    /// of those and is used for nothing else (a pooled one might lead to a host that only the operator may reach).
    pub async fn request_guarded(
        &self,
        req: Request<Body>,
        timeouts: Timeouts,
        guard: &EgressPolicy,
    ) -> Result<Response<ReplyBody>, TransportError> {
        let clock = Clock::start(timeouts, Instant::now());
        self.alone(req, clock, Some(guard), false).await
    }

    /// Whether every address that the host of a stranger's URL has now passes the guard, for URLs that somebody else will
    /// request.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) for an address that does not pass, and what keeps a host from being
    /// looked up.
    pub async fn may_reach(&self, uri: &Uri, guard: &EgressPolicy) -> Result<(), TransportError> {
        let (tls, authority) = target(uri)?;
        let host = Host::new(&self.shared, tls, authority)?;
        tcp::checked(&self.shared.dns, &host.name, host.port, Some(guard)).await.map(drop)
    }

    async fn alone(
        &self,
        req: Request<Body>,
        clock: Clock,
        guard: Option<&EgressPolicy>,
        upgrade: bool,
    ) -> Result<Response<ReplyBody>, TransportError> {
        let (tls, authority) = target(req.uri())?;
        let host = Host::new(&self.shared, tls, authority)?;
        let dial = Dial {
            shared: &self.shared,
            host: &host,
            guard,
            alone: true,
            upgrade,
            connect_by: clock.connect_by(),
            tls: clock.timeouts.tls,
            total_by: clock.total,
        };
        let line = match Box::pin(dial.open()).await? {
            Opened::One(sender) => Line::One { sender, alarm: Alarm::default(), home: None },
            Opened::Many(sender) => Line::Many(host.multiplex.add(sender)),
        };
        exchange(line, &host, req, clock, Instant::now()).await.map_err(|failed| failed.error)
    }

    /// Opens a connection for the pool.
    async fn open(&self, host: &Arc<Host>, clock: Clock) -> Result<Line, TransportError> {
        let dial = Dial {
            shared: &self.shared,
            host,
            guard: None,
            alone: false,
            upgrade: false,
            connect_by: clock.connect_by(),
            tls: clock.timeouts.tls,
            total_by: clock.total,
        };
        let turn = match host.multiplex.is_possible() {
            true => Some(turn(host, &dial).await?),
            false => None,
        };
        // Whoever had the turn before may have opened a connection for many, or found that there is none.
        if let Some(stream) = host.multiplex.take() {
            return Ok(Line::Many(stream));
        }
        let turn = turn.filter(|_| host.multiplex.is_possible());
        let opened = dial.open().await?;
        self.pool.keep();
        let line = match opened {
            Opened::Many(sender) => Line::Many(host.multiplex.add(sender)),
            Opened::One(sender) => {
                host.multiplex.rule_out();
                Line::One { sender, alarm: Alarm::default(), home: Some(host.clone()) }
            }
        };
        drop(turn);
        Ok(line)
    }
}

impl Transport for HttpClient {
    fn share(&self) -> Option<Arc<dyn Transport>> {
        Some(Arc::new(self.clone()))
    }

    fn fetch<'a>(&'a self, url: &'a str, limits: &'a FetchLimits) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(crate::fetch_url(self, url, limits))
    }

    fn send(
        &self,
        req: Request<Body>,
        timeouts: Timeouts,
    ) -> BoxFuture<'_, Result<Response<ReplyBody>, TransportError>> {
        Box::pin(self.request(req, timeouts))
    }

    fn upgrade(&self, req: Request<Body>, timeouts: Timeouts) -> BoxFuture<'_, Result<UpgradeReply, TransportError>> {
        Box::pin(async move {
            let clock = Clock::start(timeouts, Instant::now());
            let mut response = self.alone(req, clock, None, true).await?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                return Ok(UpgradeReply::Refused(response));
            }
            let io = hyper::upgrade::on(&mut response)
                .await
                .map_err(|error| TransportError::from_hyper(&error, Phase::FirstByte, true))?;
            Ok(UpgradeReply::Switched(response.map(drop), UpgradedIo::new(io)))
        })
    }
}

/// Waits for the right to dial a host that may speak HTTP/2.
async fn turn<'h>(host: &'h Host, dial: &Dial<'_>) -> Result<tokio::sync::MutexGuard<'h, ()>, TransportError> {
    let lock = host.multiplex.dialling.lock();
    match earlier(dial.connect_by, dial.total_by) {
        Some(deadline) => timeout_at(deadline, lock).await.map_err(|_| TransportError::timeout(Phase::Connect, false)),
        None => Ok(lock.await),
    }
}

async fn pooled(host: &Arc<Host>, now: Instant) -> Option<Line> {
    if let Some(stream) = host.multiplex.take() {
        return Some(Line::Many(stream));
    }
    let mut found = host.take(now);
    if matches!(found, Found::Busy) {
        // Its task may only need a moment to notice that the exchange is over.
        tokio::task::yield_now().await;
        found = host.take(now);
    }
    match found {
        Found::Ready(sender, alarm) => Some(Line::One { sender, alarm, home: Some(host.clone()) }),
        Found::Busy | Found::Nothing => None,
    }
}

async fn exchange(
    line: Line,
    host: &Host,
    mut req: Request<Body>,
    clock: Clock,
    now: Instant,
) -> Result<Response<ReplyBody>, Failed> {
    let first_byte = clock.timeouts.first_byte.map(|limit| now + limit);
    let (result, lease, alarm) = match line {
        Line::One { mut sender, mut alarm, home } => {
            dress_http1(&mut req, host, home.is_some());
            let sent = sender.try_send_request(req);
            let result = answered(sent, &mut alarm, first_byte, clock.total).await;
            let lease = match home {
                Some(home) => Lease::Pooled(sender, home),
                None => Lease::Alone(sender),
            };
            (result, lease, alarm)
        }
        Line::Many(stream) => {
            dress_http2(&mut req, host);
            let mut alarm = Alarm::default();
            let sent = stream.sender().try_send_request(req);
            let result = answered(sent, &mut alarm, first_byte, clock.total).await;
            if matches!(&result, Err(failed) if failed.request.is_some()) {
                host.multiplex.discard(&stream);
            }
            (result, Lease::Stream(stream), alarm)
        }
    };
    let idle: Option<Duration> = clock.timeouts.idle;
    result.map(|response| response.map(|body| ReplyBody::wire(body, lease, alarm, idle, clock.total)))
}

/// Waits for the response head, or for one of the two deadlines.
async fn answered(
    sent: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Body>>>>,
    alarm: &mut Alarm,
    first_byte: Option<Instant>,
    total: Option<Instant>,
) -> Result<Response<Incoming>, Failed> {
    let mut sent = pin!(sent);
    let deadline = earlier(first_byte, total);
    let outcome = poll_fn(|cx| match (sent.as_mut().poll(cx), deadline) {
        (Poll::Ready(outcome), _) => Poll::Ready(Some(outcome)),
        (Poll::Pending, Some(deadline)) => alarm.poll(cx, deadline).map(|()| None),
        (Poll::Pending, None) => Poll::Pending,
    });
    match outcome.await {
        Some(Ok(response)) => Ok(response),
        Some(Err(mut error)) => {
            let request = error.take_message();
            let error = TransportError::from_hyper(&error.into_error(), Phase::FirstByte, request.is_none());
            Err(Failed { error, request })
        }
        None => {
            let phase = if total == deadline { Phase::Total } else { Phase::FirstByte };
            Err(Failed { error: TransportError::timeout(phase, true), request: None })
        }
    }
}
