//! When calls are not even tried.
//!
//! A pure state machine: outcomes and the time come in. Failures weigh far more than successes, so a server that answers
//! every second call is as good as none, and one slow call in a hundred is forgiven.

use std::time::{Duration, Instant};

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Not connected yet, since the start.
    Connecting,
    /// Calls go through.
    Closed,
    /// Calls are refused.
    Open,
    /// The background task tries; calls are refused.
    HalfOpen,
}

impl BreakerState {
    /// The state's name in health and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What a failed call weighs against one that succeeded.
const FAILURE: u32 = 20;
/// The weight at which the breaker opens: five failures in a row, or more than one in twenty for a while.
const LIMIT: u32 = 5 * FAILURE;
/// How long it stays open the first time; twice as long each time after.
const SHORTEST: Duration = Duration::from_millis(200);
/// How long it stays open at the most.
const LONGEST: Duration = Duration::from_secs(4);
/// Closed for so long, earlier trouble is forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(10);

/// The breaker.
#[derive(Debug)]
pub struct Breaker {
    state: BreakerState,
    weight: u32,
    /// Failed attempts to close since the last peace.
    attempts: u32,
    since: Instant,
    /// When calls last went through.
    lost: Instant,
    /// Between a half and one: what part of a wait this breaker waits, so that many processes do not come back as one.
    jitter: f64,
}

impl Breaker {
    /// A breaker before the first connection. `jitter` from 0 to 1 tells breakers of many processes apart.
    #[must_use]
    pub fn new(now: Instant, jitter: f64) -> Self {
        let jitter = 0.5 + jitter.clamp(0.0, 1.0) / 2.0;
        Self { state: BreakerState::Connecting, weight: 0, attempts: 0, since: now, lost: now, jitter }
    }

    /// Where it stands, and since when.
    #[must_use]
    pub const fn state(&self) -> (BreakerState, Instant) {
        (self.state, self.since)
    }

    /// A call was answered in time.
    pub const fn succeeded(&mut self) {
        self.weight = self.weight.saturating_sub(1);
    }

    /// A call failed. True when that opened the breaker.
    pub fn failed(&mut self, now: Instant) -> bool {
        self.weight = self.weight.saturating_add(FAILURE);
        self.weight >= LIMIT && self.open(now)
    }

    /// The connection is lost: no need to try more calls. True when that opened the breaker.
    pub fn broken(&mut self, now: Instant) -> bool {
        self.open(now)
    }

    /// The background task begins to try.
    pub fn probing(&mut self, now: Instant) {
        if self.state == BreakerState::Open {
            self.enter(BreakerState::HalfOpen, now);
        }
    }

    /// It connected and had an answer in time. For how long calls did not go through.
    pub fn close(&mut self, now: Instant) -> Duration {
        self.weight = 0;
        self.enter(BreakerState::Closed, now);
        now.saturating_duration_since(self.lost)
    }

    /// It did not.
    pub fn not_yet(&mut self, now: Instant) {
        self.attempts = self.attempts.saturating_add(1);
        if self.state == BreakerState::HalfOpen {
            self.enter(BreakerState::Open, now);
        }
    }

    /// How long to wait before the next attempt to connect. The first one after a loss is nearly at once.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let Some(doublings) = self.attempts.checked_sub(1) else { return SHORTEST.mul_f64(self.jitter / 4.0) };
        let wait = SHORTEST.saturating_mul(1 << doublings.min(10));
        wait.min(LONGEST).mul_f64(self.jitter)
    }

    fn open(&mut self, now: Instant) -> bool {
        if self.state != BreakerState::Closed {
            return false;
        }
        // Opened again soon after it closed: that was no recovery.
        let quiet = now.saturating_duration_since(self.since) >= FORGIVEN_AFTER;
        self.attempts = if quiet { 0 } else { self.attempts.saturating_add(1) };
        self.lost = now;
        self.enter(BreakerState::Open, now);
        true
    }

    const fn enter(&mut self, state: BreakerState, now: Instant) {
        self.state = state;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn closed(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(now, 1.0);
        breaker.close(now);
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let now = Instant::now();
        let mut breaker = closed(now);
        for _ in 0..4 {
            assert!(!breaker.failed(now));
        }
        assert!(breaker.failed(now));
        assert_eq!(breaker.state().0, BreakerState::Open);
        assert!(!breaker.failed(now), "it opens once");
    }

    #[test]
    fn every_second_call_failing_opens_it_and_one_in_a_hundred_does_not() {
        let now = Instant::now();
        let opened_after = |every: u32| {
            let mut breaker = closed(now);
            (1..=10_000).find(|n| {
                if n % every == 0 {
                    return breaker.failed(now);
                }
                breaker.succeeded();
                false
            })
        };
        assert_eq!(opened_after(2), Some(12));
        assert_eq!(opened_after(100), None);
    }

    #[test]
    fn a_lost_connection_opens_it_at_once_and_a_probe_closes_it() {
        let now = Instant::now();
        let mut breaker = closed(now);
        assert!(breaker.broken(now + 60 * SECOND));
        assert!(breaker.wait() < Duration::from_millis(60), "a restart is noticed soon");
        breaker.probing(now);
        assert_eq!(breaker.state().0, BreakerState::HalfOpen);
        breaker.not_yet(now);
        assert_eq!((breaker.state().0, breaker.wait()), (BreakerState::Open, SHORTEST));
        breaker.not_yet(now);
        assert_eq!(breaker.wait(), SHORTEST * 2);
        for _ in 0..40 {
            breaker.not_yet(now);
        }
        assert_eq!(breaker.wait(), LONGEST);
        breaker.probing(now);
        breaker.close(now);
        assert_eq!(breaker.state().0, BreakerState::Closed);
    }

    #[test]
    fn flapping_makes_the_waits_longer_and_peace_makes_them_short() {
        let mut now = Instant::now();
        let mut breaker = closed(now);
        let mut waits = Vec::new();
        for _ in 0..3 {
            now += SECOND;
            breaker.broken(now);
            waits.push(breaker.wait());
            breaker.probing(now);
            breaker.close(now);
        }
        assert_eq!(waits, [SHORTEST, SHORTEST * 2, SHORTEST * 4]);
        now += FORGIVEN_AFTER;
        breaker.broken(now);
        assert!(breaker.wait() < SHORTEST);
    }

    #[test]
    fn breakers_of_many_processes_wait_differently() {
        let wait = |jitter| {
            let mut breaker = Breaker::new(Instant::now(), jitter);
            breaker.not_yet(Instant::now());
            breaker.wait()
        };
        assert_eq!((wait(0.0), wait(1.0)), (SHORTEST / 2, SHORTEST));
    }
}
