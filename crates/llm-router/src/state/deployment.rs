//! What is known about one deployment right now.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::latency::{Latencies, LatencyRule};
use super::millis;
use super::minute::MinuteCounter;

/// What is known about one deployment right now. Counters are per calendar minute; those of other processes count where they
/// are shared.
#[derive(Debug, Default)]
pub struct DeploymentState {
    /// End of its rest in milliseconds of [`super::RouterState::millis`]; 0: none.
    rest_until: AtomicU64,
    in_flight: AtomicU32,
    /// Calls of other processes.
    elsewhere: AtomicU32,
    unhealthy: AtomicBool,
    own: Counters,
    others: Counters,
    latencies: Latencies,
    /// Failures against `allowed_fails`, and when they are forgotten.
    strikes: Mutex<(u32, u64)>,
    /// How often it began to rest here, by the status that caused it.
    rests: Mutex<Vec<(u16, u64)>>,
    told: Mutex<Told>,
}

/// Requests, tokens, successes, failures.
#[derive(Debug, Default)]
struct Counters([MinuteCounter; 4]);

impl Counters {
    fn get(&self, what: usize, minute: u32) -> u32 {
        self.0.get(what).map_or(0, |c| c.get(minute))
    }

    fn add(&self, what: usize, minute: u32, n: u32) -> u32 {
        self.0.get(what).map_or(0, |c| c.add(minute, n))
    }

    fn all(&self, minute: u32) -> [u32; 4] {
        [0, 1, 2, 3].map(|what| self.get(what, minute))
    }
}

const REQUESTS: usize = 0;
const TOKENS: usize = 1;
const SUCCESSES: usize = 2;
const FAILURES: usize = 3;

/// What the shared store was told last.
#[derive(Debug, Default)]
struct Told {
    minute: u32,
    usage: [u32; 4],
    calls: u32,
    rest_until: u64,
}

/// What is new since then.
pub(super) struct News {
    pub(super) usage: [u32; 4],
    pub(super) calls: Option<u32>,
    /// Milliseconds that are left of a rest.
    pub(super) rest: Option<u64>,
}

impl DeploymentState {
    /// How long it still rests at `millis` ([`super::RouterState::millis`]); nothing when it does not.
    #[must_use]
    pub fn cooling(&self, millis: u64) -> Option<Duration> {
        let until = self.rest_until.load(Ordering::Relaxed);
        until.checked_sub(millis).filter(|left| *left > 0).map(Duration::from_millis)
    }

    /// Calls of this process that run now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Calls of all processes that run now.
    #[must_use]
    pub fn load(&self) -> u32 {
        self.in_flight().saturating_add(self.elsewhere.load(Ordering::Relaxed))
    }

    /// Calls begun in this minute.
    #[must_use]
    pub fn requests(&self, minute: u32) -> u32 {
        self.count(REQUESTS, minute)
    }

    /// Tokens used in this minute.
    #[must_use]
    pub fn tokens(&self, minute: u32) -> u32 {
        self.count(TOKENS, minute)
    }

    /// Successes and failures of this minute.
    #[must_use]
    pub fn results(&self, minute: u32) -> (u32, u32) {
        (self.count(SUCCESSES, minute), self.count(FAILURES, minute))
    }

    fn count(&self, what: usize, minute: u32) -> u32 {
        self.own.get(what, minute).saturating_add(self.others.get(what, minute))
    }

    /// Seconds per token of the last answers (seconds where tokens are not known), or of their first contents for streams;
    /// 0 when there was none for `ttl`.
    #[must_use]
    pub fn latency(&self, stream: bool, ttl: Duration, millis: u64) -> f64 {
        self.latencies.figure(stream, ttl, millis)
    }

    /// True after a health check failed.
    #[must_use]
    pub fn unhealthy(&self) -> bool {
        self.unhealthy.load(Ordering::Relaxed)
    }

    pub(super) fn set_health(&self, healthy: bool) -> bool {
        self.unhealthy.swap(!healthy, Ordering::Relaxed) == healthy
    }

    pub(crate) fn add_latency(&self, value: f64, first: Option<f64>, rule: LatencyRule, millis: u64) {
        self.latencies.add(value, first, rule, millis);
    }

    /// An answer began after this time.
    pub(crate) fn took(&self, time: Duration) {
        self.latencies.took(time.as_secs_f64());
    }

    /// When an answer is late: 95 of 100 begin earlier.
    pub(crate) fn late(&self) -> Option<Duration> {
        self.latencies.late()
    }

    /// How often it began to rest in this process, by the status of the failure that caused it.
    #[must_use]
    pub fn rests(&self) -> Vec<(u16, u64)> {
        self.rests.lock().clone()
    }

    /// It rests from now on, because of this status.
    pub(crate) fn rested(&self, status: u16) {
        let mut rests = self.rests.lock();
        match rests.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => rests.push((status, 1)),
        }
    }

    pub(crate) fn rest_until(&self, until: u64) {
        self.rest_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Counts a call as begun; says how many began in this minute.
    pub(crate) fn begin(&self, minute: u32) -> u32 {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.own.add(REQUESTS, minute, 1).saturating_add(self.others.get(REQUESTS, minute))
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn add_tokens(&self, minute: u32, tokens: u64) {
        self.own.add(TOKENS, minute, u32::try_from(tokens).unwrap_or(u32::MAX));
    }

    pub(crate) fn succeeded(&self, minute: u32) {
        self.own.add(SUCCESSES, minute, 1);
    }

    /// What began well broke off: it counts as a failure only.
    pub(crate) fn no_success(&self, minute: u32) {
        if let Some(counter) = self.own.0.get(SUCCESSES) {
            counter.take_back(minute);
        }
    }

    pub(crate) fn failed(&self, minute: u32) {
        self.own.add(FAILURES, minute, 1);
    }

    /// Counts a failure against `allowed_fails`; true when there are now more than `allowed`. Failures are forgotten when
    /// none came for `memory`.
    pub(crate) fn strike(&self, allowed: u32, memory: Duration, now: u64) -> bool {
        let mut strikes = self.strikes.lock();
        let count = if now < strikes.1 { strikes.0.saturating_add(1) } else { 1 };
        *strikes = (count, now.saturating_add(millis(memory)));
        count > allowed
    }

    pub(super) fn take(&self, minute: u32, millis: u64) -> News {
        let mut told = self.told.lock();
        if told.minute != minute {
            (told.minute, told.usage) = (minute, [0; 4]);
        }
        let own = self.own.all(minute);
        let mut usage = own;
        usage.iter_mut().zip(told.usage).for_each(|(now, before)| *now = now.saturating_sub(before));
        told.usage = own;
        let calls = self.in_flight();
        let changed = calls != told.calls;
        told.calls = calls;
        let until = self.rest_until.load(Ordering::Relaxed);
        let rest = (until > told.rest_until && until > millis).then(|| until - millis);
        told.rest_until = told.rest_until.max(until);
        News { usage, calls: changed.then_some(calls), rest }
    }

    /// A rest that the others know of already.
    pub(super) fn rest_told(&self, until: u64) {
        let mut told = self.told.lock();
        told.rest_until = told.rest_until.max(until);
        self.rest_until(until);
    }

    pub(super) fn absorb(&self, minute: u32, totals: [u32; 4]) {
        let told = self.told.lock();
        let mine = if told.minute == minute { told.usage } else { [0; 4] };
        for ((counter, total), mine) in self.others.0.iter().zip(totals).zip(mine) {
            counter.set(minute, total.saturating_sub(mine));
        }
    }

    pub(super) fn absorb_calls(&self, total: u32) {
        let mine = self.told.lock().calls;
        self.elsewhere.store(total.saturating_sub(mine), Ordering::Relaxed);
    }

    pub(super) fn alone(&self) {
        self.elsewhere.store(0, Ordering::Relaxed);
        self.others.0.iter().for_each(|c| c.set(0, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_are_forgotten() {
        let s = DeploymentState::default();
        let memory = Duration::from_secs(5);
        assert!(!s.strike(1, memory, 1000));
        assert!(s.strike(1, memory, 5999), "the memory is renewed by each failure");
        assert!(!s.strike(1, memory, 10_999));
    }

    #[test]
    fn news_are_told_once() {
        let s = DeploymentState::default();
        s.begin(7);
        s.add_tokens(7, 30);
        s.rest_until(900);
        let news = s.take(7, 100);
        assert_eq!((news.usage, news.calls, news.rest), ([1, 30, 0, 0], Some(1), Some(800)));
        let news = s.take(7, 100);
        assert_eq!((news.usage, news.calls, news.rest), ([0; 4], None, None));
        s.rest_told(2000);
        assert!(s.take(7, 100).rest.is_none(), "it came from the others");
        assert_eq!(s.cooling(1000), Some(Duration::from_secs(1)));
    }
}
