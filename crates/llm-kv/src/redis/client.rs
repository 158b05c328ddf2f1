//! Calls with a deadline.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::breaker::{Breaker, BreakerState};
use super::command::{Command, Reply, Script};
use super::keeper;
use super::link::Wire;
use super::settings::RedisSettings;
use super::stats::{Counts, RedisHealth, RedisStats, one_more};
use crate::KvError;

/// A connection to Redis that is kept up in the background. Cloning it shares it; the last clone dropped closes it.
#[derive(Clone)]
pub struct RedisClient {
    pub(crate) inner: Arc<Inner>,
    _open: Arc<DropGuard>,
}

/// What the callers and the keeper share.
pub(crate) struct Inner {
    pub(crate) settings: RedisSettings,
    pub(crate) breaker: Mutex<Breaker>,
    pub(crate) link: ArcSwapOption<Link>,
    pub(crate) counts: Counts,
    /// Whether calls go through; for whoever wants to wait for it.
    pub(crate) up: watch::Sender<bool>,
}

/// The connection in use.
pub(crate) struct Link {
    pub(crate) wire: Wire,
    /// Nobody shall wait for it any more.
    pub(crate) dead: CancellationToken,
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.breaker.lock().state().0;
        f.debug_struct("RedisClient").field("servers", &self.inner.settings.shown()).field("state", &state).finish()
    }
}

impl RedisClient {
    /// Begins to connect on `runtime`, which must drive timers and sockets, and returns at once. Until the connection is up
    /// every call gives [`KvError::Unavailable`].
    #[must_use]
    pub fn start(settings: RedisSettings, runtime: &Handle) -> Self {
        // Random per process and client: it tells apart when many of them come back after an outage.
        let jitter = (RandomState::new().hash_one(0_u8) % 1024) as f64 / 1023.0;
        let inner = Arc::new(Inner {
            settings,
            breaker: Mutex::new(Breaker::new(Instant::now(), jitter)),
            link: ArcSwapOption::empty(),
            counts: Counts::default(),
            up: watch::Sender::new(false),
        });
        let stop = CancellationToken::new();
        runtime.spawn(keeper::keep(Arc::clone(&inner), stop.clone()));
        Self { inner, _open: Arc::new(stop.drop_guard()) }
    }

    /// Waits until calls go through, at most `limit`. False when they do not.
    pub async fn ready(&self, limit: Duration) -> bool {
        let mut up = self.inner.up.subscribe();
        tokio::time::timeout(limit, up.wait_for(|up| *up)).await.is_ok_and(|seen| seen.is_ok())
    }

    /// Whether calls go through right now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.inner.link.load().is_some()
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> RedisHealth {
        let (state, since) = self.inner.breaker.lock().state();
        RedisHealth {
            state,
            since: since.elapsed(),
            servers: self.inner.settings.shown(),
            last_error: self.inner.counts.last_error.lock().clone(),
            stats: self.inner.counts.read(),
        }
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> RedisStats {
        self.inner.counts.read()
    }

    /// The deadline of a call, unless it names one.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.inner.settings.deadline
    }

    /// One command.
    ///
    /// # Errors
    /// [`KvError::Unavailable`] when it was not sent, or the connection broke; [`KvError::Timeout`] after the deadline;
    /// [`KvError::Protocol`] when the server refused it.
    pub async fn call(&self, command: &Command) -> Result<Reply, KvError> {
        self.call_within(command, self.deadline()).await
    }

    /// One command with a deadline of its own: for work in the background, and for searches.
    ///
    /// # Errors
    /// As [`RedisClient::call`].
    pub async fn call_within(&self, command: &Command, deadline: Duration) -> Result<Reply, KvError> {
        self.inner.run(deadline, |mut wire| async move { wire.send(&command.0).await }).await.map(Reply::of)
    }

    /// Several commands in one go, within one deadline. A command that the server refuses is a [`Reply::Refused`] in its
    /// place.
    ///
    /// # Errors
    /// As [`RedisClient::call`].
    pub async fn pipeline(&self, commands: &[Command]) -> Result<Vec<Reply>, KvError> {
        self.pipeline_within(commands, self.deadline()).await
    }

    /// As [`RedisClient::pipeline`], with a deadline of its own: for work in the background.
    ///
    /// # Errors
    /// As [`RedisClient::call`].
    pub async fn pipeline_within(&self, commands: &[Command], deadline: Duration) -> Result<Vec<Reply>, KvError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let commands: Vec<redis::Cmd> = commands.iter().map(|command| command.0.clone()).collect();
        self.inner.run(deadline, |mut wire| async move { wire.send_all(&commands).await }).await
    }

    /// A script. On a cluster all `keys` must lie in one slot.
    ///
    /// # Errors
    /// As [`RedisClient::call`].
    pub async fn script<K, A>(&self, script: &Script, keys: &[K], args: &[A]) -> Result<Reply, KvError>
    where
        K: AsRef<[u8]> + Sync,
        A: AsRef<[u8]> + Sync,
    {
        let known = script.known(keys, args);
        let run = |mut wire: Wire| async move {
            match wire.send(&known.0).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    wire.send(&script.taught(keys, args).0).await
                }
                result => result,
            }
        };
        self.inner.run(self.deadline(), run).await.map(Reply::of)
    }

    /// Asks for a sign of life, from every master of a cluster.
    ///
    /// # Errors
    /// As [`RedisClient::call`].
    pub async fn ping(&self) -> Result<(), KvError> {
        self.call(&Command::new("PING")).await.map(drop)
    }
}

impl Inner {
    /// Does one thing with the connection, within the deadline, and tells the breaker what came of it.
    pub(crate) async fn run<T, F: Future<Output = RedisResult<T>>>(
        &self,
        deadline: Duration,
        work: impl FnOnce(Wire) -> F,
    ) -> Result<T, KvError> {
        let Some(link) = self.link.load_full() else {
            one_more(&self.counts.refused);
            return Err(self.unavailable());
        };
        one_more(&self.counts.calls);
        let begun = Instant::now();
        let outcome = limited(deadline, &link.dead, work(link.wire.clone())).await;
        match outcome {
            Outcome::Answered(Ok(value)) => {
                self.counts.answered(begun.elapsed());
                self.breaker.lock().succeeded();
                Ok(value)
            }
            Outcome::Answered(Err(error)) => Err(self.refused(&link, &error, begun)),
            Outcome::Late => {
                one_more(&self.counts.timeouts);
                // A call of an earlier connection says nothing on this one.
                let opened = self.current(&link) && self.breaker.lock().failed(Instant::now());
                self.failed(opened, format!("no answer within {} ms", deadline.as_millis()));
                Err(KvError::Timeout)
            }
            Outcome::Dead => {
                one_more(&self.counts.failures);
                Err(self.unavailable())
            }
        }
    }

    /// Sorts an error: the server's opinion of the command, or the end of the connection.
    fn refused(&self, link: &Arc<Link>, error: &RedisError, begun: Instant) -> KvError {
        if !ends_connection(error) {
            self.counts.answered(begun.elapsed());
            self.breaker.lock().succeeded();
            return KvError::Protocol(error.to_string());
        }
        one_more(&self.counts.failures);
        let opened = self.current(link) && self.breaker.lock().broken(Instant::now());
        self.failed(opened, error.to_string());
        KvError::Unavailable(error.to_string())
    }

    fn current(&self, link: &Arc<Link>) -> bool {
        self.link.load().as_ref().is_some_and(|current| Arc::ptr_eq(current, link))
    }

    fn failed(&self, opened: bool, why: String) {
        if opened {
            one_more(&self.counts.opened);
            tracing::warn!(
                servers = self.settings.shown(),
                why,
                "Redis is not available; the gateway goes on without it"
            );
            self.up.send_replace(false);
            if let Some(link) = self.link.swap(None) {
                link.dead.cancel();
            }
        }
        *self.counts.last_error.lock() = Some(why);
    }

    fn unavailable(&self) -> KvError {
        let state = self.breaker.lock().state().0;
        let why = self.counts.last_error.lock().clone();
        KvError::Unavailable(match (state, why) {
            (BreakerState::Connecting, None) => "not connected yet".to_owned(),
            (_, Some(why)) => why,
            (_, None) => "not connected".to_owned(),
        })
    }
}

/// True where another connection may do better: this one is lost, or its server may not or cannot serve.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    use ServerErrorKind as Kind;
    match error.kind() {
        ErrorKind::Server(kind) => {
            matches!(kind, Kind::BusyLoading | Kind::ReadOnly | Kind::MasterDown | Kind::ClusterDown)
        }
        ErrorKind::AuthenticationFailed => true,
        _ => error.code() == Some("NOAUTH") || error.is_unrecoverable_error() || error.is_io_error(),
    }
}

pub(crate) enum Outcome<T> {
    Answered(T),
    Late,
    Dead,
}

/// Waits for the work, no longer than the deadline, and no longer than the connection lives.
pub(crate) async fn limited<T>(
    deadline: Duration,
    dead: &CancellationToken,
    work: impl Future<Output = T>,
) -> Outcome<T> {
    tokio::select! {
        biased;
        result = work => Outcome::Answered(result),
        () = dead.cancelled() => Outcome::Dead,
        () = tokio::time::sleep(deadline) => Outcome::Late,
    }
}
