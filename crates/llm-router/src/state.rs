//! What moves: cooldowns and counters of deployments. Shared by all snapshots of the router, keyed by deployment id.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Counters and cooldowns of all deployments, and the clock that numbers minutes. It survives reloads.
#[derive(Debug)]
pub struct RouterState {
    /// Times before this are not distinguished.
    epoch: Instant,
    /// The same moment since 1970, so that minutes are those of the calendar.
    epoch_unix: Duration,
    deployments: Mutex<HashMap<Arc<str>, Arc<DeploymentState>>>,
}

impl RouterState {
    /// A state without memory. `wall` is the time of day at `now`.
    #[must_use]
    pub fn new(now: Instant, wall: SystemTime) -> Arc<Self> {
        let epoch_unix = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Arc::new(Self { epoch: now, epoch_unix, deployments: Mutex::default() })
    }

    /// The number of the calendar minute, counted from 1970 in UTC.
    #[must_use]
    pub fn minute(&self, now: Instant) -> u32 {
        let unix = self.epoch_unix + now.saturating_duration_since(self.epoch);
        u32::try_from(unix.as_secs() / 60).unwrap_or(u32::MAX)
    }

    /// What is left of the calendar minute, in whole seconds, at least one.
    pub(crate) fn left_of_minute(&self, now: Instant) -> Duration {
        let unix = self.epoch_unix + now.saturating_duration_since(self.epoch);
        Duration::from_secs(60 - unix.as_secs() % 60)
    }

    /// Milliseconds since the state began; the unit of [`DeploymentState::cooling`].
    #[must_use]
    pub fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX)
    }

    /// The state of a deployment; it begins to exist when asked for.
    #[must_use]
    pub fn deployment(&self, id: &Arc<str>) -> Arc<DeploymentState> {
        self.deployments.lock().entry(Arc::clone(id)).or_default().clone()
    }

    /// Forgets deployments that no snapshot and no call knows any more.
    pub fn forget_unused(&self) {
        self.deployments.lock().retain(|_, state| Arc::strong_count(state) > 1);
    }

    /// Puts a deployment to rest for `rest` (a cooldown that another instance announced, or an administrator's wish).
    pub fn cool_down(&self, id: &Arc<str>, rest: Duration, now: Instant) {
        self.deployment(id).rest_until(self.millis(now).saturating_add(millis(rest)));
    }

    /// The deployments that rest, and for how long still.
    #[must_use]
    pub fn cooling(&self, now: Instant) -> Vec<(Arc<str>, Duration)> {
        let at = self.millis(now);
        let states = self.deployments.lock();
        states.iter().filter_map(|(id, s)| s.cooling(at).map(|left| (Arc::clone(id), left))).collect()
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What is known about one deployment right now. Counters are per calendar minute.
#[derive(Debug, Default)]
pub struct DeploymentState {
    /// End of its rest in milliseconds of [`RouterState::millis`]; 0: none.
    rest_until: AtomicU64,
    in_flight: AtomicU32,
    requests: MinuteCounter,
    successes: MinuteCounter,
    failures: MinuteCounter,
    tokens: MinuteCounter,
    /// Failures against `allowed_fails`, and when they are forgotten.
    strikes: Mutex<(u32, u64)>,
}

impl DeploymentState {
    /// How long it still rests at `millis` ([`RouterState::millis`]); nothing when it does not.
    #[must_use]
    pub fn cooling(&self, millis: u64) -> Option<Duration> {
        let until = self.rest_until.load(Ordering::Relaxed);
        until.checked_sub(millis).filter(|left| *left > 0).map(Duration::from_millis)
    }

    /// Calls running now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Calls begun in this minute.
    #[must_use]
    pub fn requests(&self, minute: u32) -> u32 {
        self.requests.get(minute)
    }

    /// Tokens used in this minute.
    #[must_use]
    pub fn tokens(&self, minute: u32) -> u32 {
        self.tokens.get(minute)
    }

    /// Successes and failures of this minute.
    #[must_use]
    pub fn results(&self, minute: u32) -> (u32, u32) {
        (self.successes.get(minute), self.failures.get(minute))
    }

    pub(crate) fn rest_until(&self, until: u64) {
        self.rest_until.fetch_max(until, Ordering::Relaxed);
    }

    pub(crate) fn begin(&self, minute: u32) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.requests.add(minute, 1);
    }

    pub(crate) fn add_tokens(&self, minute: u32, tokens: u64) {
        self.tokens.add(minute, u32::try_from(tokens).unwrap_or(u32::MAX));
    }

    pub(crate) fn succeeded(&self, minute: u32) {
        self.successes.add(minute, 1);
    }

    pub(crate) fn failed(&self, minute: u32) {
        self.failures.add(minute, 1);
    }

    /// Counts a failure against `allowed_fails`; true when there are now more than `allowed`. Failures are forgotten when
    /// none came for `memory`.
    pub(crate) fn strike(&self, allowed: u32, memory: Duration, now: u64) -> bool {
        let mut strikes = self.strikes.lock();
        let count = if now < strikes.1 { strikes.0.saturating_add(1) } else { 1 };
        *strikes = (count, now.saturating_add(millis(memory)));
        count > allowed
    }
}

/// A call in flight. Keep it until the answer has been read to its end: it counts as running until it is dropped.
#[derive(Debug)]
pub struct InFlight {
    deployment: Arc<DeploymentState>,
    state: Arc<RouterState>,
}

impl InFlight {
    pub(crate) fn begin(deployment: &Arc<DeploymentState>, state: &Arc<RouterState>, minute: u32) -> Self {
        deployment.begin(minute);
        Self { deployment: Arc::clone(deployment), state: Arc::clone(state) }
    }

    /// Adds tokens that the call consumed. For streams, whose usage is known only after the success was reported.
    pub fn add_tokens(&self, tokens: u64, now: Instant) {
        self.deployment.add_tokens(self.state.minute(now), tokens);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.deployment.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A count that belongs to one minute: minute in the upper half, count in the lower, so that both change together.
#[derive(Debug, Default)]
struct MinuteCounter(AtomicU64);

impl MinuteCounter {
    fn get(&self, minute: u32) -> u32 {
        let (of, count) = split(self.0.load(Ordering::Relaxed));
        if of == minute { count } else { 0 }
    }

    fn add(&self, minute: u32, n: u32) {
        let add = |old: u64| {
            let (of, count) = split(old);
            let count = if of == minute { count.saturating_add(n) } else { n };
            u64::from(minute) << 32 | u64::from(count)
        };
        self.0.update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves")]
const fn split(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_begin_anew_each_minute() {
        let c = MinuteCounter::default();
        c.add(7, 2);
        c.add(7, 3);
        assert_eq!((c.get(7), c.get(8)), (5, 0));
        c.add(8, 1);
        assert_eq!((c.get(7), c.get(8)), (0, 1));
        c.add(8, u32::MAX);
        assert_eq!(c.get(8), u32::MAX);
    }

    #[test]
    fn minutes_are_those_of_the_calendar() {
        let now = Instant::now();
        let state = RouterState::new(now, UNIX_EPOCH + Duration::from_secs(120 + 58));
        assert_eq!(state.minute(now), 2);
        assert_eq!(state.minute(now + Duration::from_secs(2)), 3);
    }

    #[test]
    fn strikes_are_forgotten() {
        let s = DeploymentState::default();
        let memory = Duration::from_secs(5);
        assert!(!s.strike(1, memory, 1000));
        assert!(s.strike(1, memory, 5999), "the memory is renewed by each failure");
        assert!(!s.strike(1, memory, 10_999));
    }

    #[test]
    fn unknown_deployments_are_forgotten_when_nobody_holds_them() {
        let now = Instant::now();
        let state = RouterState::new(now, SystemTime::now());
        let held = state.deployment(&"held".into());
        state.cool_down(&"gone".into(), Duration::from_secs(9), now);
        assert_eq!(state.cooling(now).len(), 1);
        state.forget_unused();
        assert!(state.cooling(now).is_empty());
        assert!(Arc::ptr_eq(&held, &state.deployment(&"held".into())));
    }
}
