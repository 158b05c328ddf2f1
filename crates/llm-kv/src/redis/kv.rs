//! [`Kv`] over Redis.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::client::RedisClient;
use super::command::{Command, Reply, Script};
use super::scripts::Scripts;
use crate::kv::{Kv, KvError, KvFuture};
use crate::time::millis;
use crate::{Correction, CounterClaim, Exceeded, Granted, Reading, ReserveOutcome, Stamp, Window};

/// A process that has not been heard of for so long holds nothing any more.
const STALE: Duration = Duration::from_secs(30);
/// How often this process says what it holds.
const TEND: Duration = Duration::from_secs(5);

/// Values, counters and locks that many processes share.
///
/// What is in flight is counted per process, and each says every five seconds what it holds: what a dead process held is
/// free after half a minute, and a server that lost its memory knows again after five seconds.
///
/// Values of counters are exact up to 2^53.
#[derive(Debug)]
pub struct RedisKv {
    client: RedisClient,
    prefix: String,
    owner: String,
    scripts: Scripts,
    /// Gauges that this process has touched, and what it holds of them.
    held: Mutex<HashMap<Box<str>, i64>>,
}

impl RedisKv {
    /// A store over `client`; every key gets `prefix`. `owner` tells this process apart from all others. The gauges are
    /// tended on `runtime` for as long as the store lives.
    #[must_use]
    pub fn new(
        client: RedisClient,
        prefix: impl Into<String>,
        owner: impl Into<String>,
        runtime: &Handle,
    ) -> Arc<Self> {
        let kv = Arc::new(Self {
            client,
            prefix: prefix.into(),
            owner: owner.into(),
            scripts: Scripts::new(),
            held: Mutex::default(),
        });
        runtime.spawn(tend(Arc::downgrade(&kv)));
        kv
    }

    /// The client below, for its health.
    #[must_use]
    pub const fn client(&self) -> &RedisClient {
        &self.client
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Arguments that every counting script begins with.
    fn who(&self) -> Vec<String> {
        vec![self.owner.clone(), STALE.as_millis().to_string()]
    }

    async fn run(&self, script: &Script, key: &str, more: Vec<String>) -> Result<Reply, KvError> {
        let mut args = self.who();
        args.extend(more);
        self.client.script(script, &[self.key(key)], &args).await
    }

    async fn reserve_all(&self, claims: &[CounterClaim<'_>]) -> Result<ReserveOutcome, KvError> {
        if claims.is_empty() {
            let granted = Granted { stamp: Stamp(crate::time::Time::new().now()), readings: Vec::new() };
            return Ok(ReserveOutcome::Granted(granted));
        }
        let keys: Vec<String> = claims.iter().map(|claim| self.key(claim.key)).collect();
        let mut args = self.who();
        for claim in claims {
            let (kind, length) = window(claim.window);
            let limit = claim.limit.map_or_else(String::new, |limit| limit.to_string());
            let alone = if claim.alone { "1" } else { "0" };
            args.extend([claim.by.to_string(), limit, kind.to_owned(), length.to_string(), alone.to_owned()]);
            args.push(claim.floor.max(0).to_string());
        }
        let reply = self.client.script(&self.scripts.reserve, &keys, &args).await;
        let outcome = reply.and_then(outcome);
        self.note(claims, &outcome);
        outcome
    }

    /// Remembers what was taken of gauges; after a call without an answer that they must be told anew.
    fn note(&self, claims: &[CounterClaim<'_>], outcome: &Result<ReserveOutcome, KvError>) {
        let taken = match outcome {
            Ok(ReserveOutcome::Granted(_)) => true,
            Ok(ReserveOutcome::Exceeded(_)) => return,
            Err(_) => false,
        };
        let gauges = claims.iter().filter(|claim| claim.window == Window::InFlight);
        let mut held = self.held.lock();
        for claim in gauges {
            *held.entry(claim.key.into()).or_default() += if taken { claim.by } else { 0 };
        }
    }

    async fn settle_all(&self, corrections: &[Correction<'_>]) -> Result<Vec<Option<i64>>, KvError> {
        if corrections.is_empty() {
            return Ok(Vec::new());
        }
        {
            let mut held = self.held.lock();
            for correction in corrections {
                if let Some(holds) = held.get_mut(correction.key) {
                    *holds = holds.saturating_add(correction.by).max(0);
                }
            }
        }
        let keys: Vec<String> = corrections.iter().map(|correction| self.key(correction.key)).collect();
        let mut args = self.who();
        for correction in corrections {
            let since = correction.since.map_or_else(String::new, |since| since.0.to_string());
            args.extend([correction.by.to_string(), since]);
        }
        let reply = self.client.script(&self.scripts.settle, &keys, &args).await?;
        Ok(reply.into_list().unwrap_or_default().iter().map(Reply::as_int).collect())
    }

    /// Says what this process holds; forgets gauges of which it holds nothing.
    async fn tend(&self) {
        let held: Vec<(Box<str>, i64)> = self.held.lock().iter().map(|(key, holds)| (key.clone(), *holds)).collect();
        for (key, holds) in held {
            if let Err(error) = self.run(&self.scripts.hold, &key, vec![holds.to_string()]).await {
                tracing::debug!(%error, "what is in flight could not be told");
                return;
            }
            let mut held = self.held.lock();
            if holds == 0 && held.get(&key) == Some(&0) {
                held.remove(&key);
            }
        }
    }
}

async fn tend(kv: Weak<RedisKv>) {
    loop {
        tokio::time::sleep(TEND).await;
        let Some(kv) = kv.upgrade() else { return };
        kv.tend().await;
    }
}

const fn yes(number: Option<i64>) -> bool {
    matches!(number, Some(1))
}

fn window(window: Window) -> (&'static str, u64) {
    match window {
        Window::FirstUse(length) => ("f", millis(length).max(1)),
        Window::Aligned(length) => ("a", millis(length).max(1)),
        Window::Endless => ("e", 0),
        Window::InFlight => ("i", 0),
    }
}

fn resets_in(left: i64) -> Option<Duration> {
    u64::try_from(left).ok().map(Duration::from_millis)
}

fn numbers(reply: &Reply) -> Option<[i64; 3]> {
    let Reply::List(items) = reply else { return None };
    let [a, b, c] = items.as_slice() else { return None };
    Some([a.as_int()?, b.as_int()?, c.as_int()?])
}

fn reading(reply: &Reply) -> Result<Reading, KvError> {
    let [value, started, left] = numbers(reply).ok_or_else(|| reply.unexpected())?;
    Ok(Reading { value, started: Stamp(started.unsigned_abs()), resets_in: resets_in(left) })
}

fn outcome(reply: Reply) -> Result<ReserveOutcome, KvError> {
    let Reply::List(items) = &reply else { return Err(reply.unexpected()) };
    match items.as_slice() {
        [Reply::Int(1), Reply::Int(now), Reply::List(readings)] => {
            let readings = readings.iter().map(reading).collect::<Result<_, _>>()?;
            Ok(ReserveOutcome::Granted(Granted { stamp: Stamp(now.unsigned_abs()), readings }))
        }
        [Reply::Int(0), Reply::Int(index), Reply::Int(used), Reply::Int(remaining), Reply::Int(left)] => {
            let index = usize::try_from(*index).unwrap_or(usize::MAX);
            let exceeded = Exceeded { index, used: *used, remaining: *remaining, resets_in: resets_in(*left) };
            Ok(ReserveOutcome::Exceeded(exceeded))
        }
        _ => Err(reply.unexpected()),
    }
}

impl Kv for RedisKv {
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<Bytes>> {
        Box::pin(async move { Ok(self.client.call(&Command::new("GET").arg(self.key(key))).await?.into_bytes()) })
    }

    fn set<'a>(&'a self, key: &'a str, value: Bytes, ttl: Option<Duration>) -> KvFuture<'a, ()> {
        Box::pin(async move {
            let mut command = Command::new("SET").arg(self.key(key)).arg(value);
            if let Some(ttl) = ttl {
                command = command.arg("PX").arg(millis(ttl).max(1).to_string());
            }
            self.client.call(&command).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, bool> {
        // What this process holds of it is gone as well: told anew, it would come back.
        self.held.lock().remove(key);
        Box::pin(async move { Ok(yes(self.client.call(&Command::new("DEL").arg(self.key(key))).await?.as_int())) })
    }

    fn incr_window<'a>(&'a self, key: &'a str, by: i64, window: Window) -> KvFuture<'a, Reading> {
        Box::pin(async move {
            let claims = [CounterClaim { key, by, limit: None, window, alone: false, floor: 0 }];
            match self.reserve_all(&claims).await? {
                ReserveOutcome::Granted(granted) => granted.readings.first().copied().ok_or_else(nothing),
                ReserveOutcome::Exceeded(_) => Err(nothing()),
            }
        })
    }

    fn read<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<Reading>> {
        Box::pin(async move {
            match self.run(&self.scripts.read, key, Vec::new()).await? {
                Reply::Nil => Ok(None),
                reply => reading(&reply).map(Some),
            }
        })
    }

    fn reserve<'a>(&'a self, claims: &'a [CounterClaim<'a>]) -> KvFuture<'a, ReserveOutcome> {
        Box::pin(self.reserve_all(claims))
    }

    fn adjust<'a>(&'a self, key: &'a str, by: i64, since: Option<Stamp>) -> KvFuture<'a, Option<i64>> {
        Box::pin(
            async move { Ok(self.settle_all(&[Correction { key, by, since }]).await?.into_iter().next().flatten()) },
        )
    }

    fn settle<'a>(&'a self, corrections: &'a [Correction<'a>]) -> KvFuture<'a, Vec<Option<i64>>> {
        Box::pin(self.settle_all(corrections))
    }

    fn raise<'a>(&'a self, key: &'a str, floor: i64, at: Window) -> KvFuture<'a, Reading> {
        Box::pin(async move {
            let (kind, length) = window(at);
            let more = vec![floor.to_string(), kind.to_owned(), length.to_string()];
            reading(&self.run(&self.scripts.raise, key, more).await?)
        })
    }

    fn try_lock<'a>(&'a self, name: &'a str, owner: &'a str, ttl: Duration) -> KvFuture<'a, bool> {
        Box::pin(async move {
            let args = [owner.to_owned(), millis(ttl).max(1).to_string()];
            Ok(yes(self.client.script(&self.scripts.lock, &[self.key(name)], &args).await?.as_int()))
        })
    }

    fn unlock<'a>(&'a self, name: &'a str, owner: &'a str) -> KvFuture<'a, bool> {
        Box::pin(async move {
            Ok(yes(self.client.script(&self.scripts.unlock, &[self.key(name)], &[owner]).await?.as_int()))
        })
    }
}

fn nothing() -> KvError {
    KvError::Protocol("a counter without a limit gave no value".to_owned())
}
