//! What moves: cooldowns, counters, latencies, spend and ties. Shared by all snapshots of the router, keyed by deployment id.

mod affinity;
mod allowance;
mod decisions;
mod deployment;
mod flight;
mod latency;
mod line;
mod minute;
mod purse;
mod share;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::auto::Learned;

use affinity::Ties;

pub use affinity::{AffinityKey, SharedAffinity};
pub(crate) use allowance::Extra;
pub use allowance::RetryBudget;
use decisions::Decisions;
pub use decisions::{Decision, DecisionChoice, DecisionId};
pub(crate) use decisions::{Record, RecordedChoice};
pub use deployment::DeploymentState;
pub(crate) use flight::{Account, Running};
pub use flight::{Consumed, InFlight};
pub(crate) use latency::{LatencyRule, TIMEOUT_PENALTY};
use line::Line;
pub(crate) use line::Place;
pub use purse::{Purse, SharedSpend};
pub use share::{Changes, SharedCooldown, SharedLoad, SharedUsage};

/// Counters and cooldowns of all deployments, and the clock that numbers minutes. It survives reloads.
#[derive(Debug)]
pub struct RouterState {
    /// Times before this are not distinguished.
    epoch: Instant,
    /// The same moment since 1970, so that minutes are those of the calendar.
    epoch_unix: Duration,
    deployments: Mutex<HashMap<Arc<str>, Arc<DeploymentState>>>,
    purses: Mutex<HashMap<Arc<str>, Arc<Purse>>>,
    ties: Ties,
    decisions: Decisions,
    /// Requests that wait until a group has a healthy deployment.
    pub(crate) down: Arc<Line>,
    /// Requests that wait until a deployment has a place.
    pub(crate) full: Arc<Line>,
    pub(crate) extra: Extra,
    /// What adaptive routers learned of models.
    pub(crate) learned: Learned,
}

impl RouterState {
    /// A state without memory. `wall` is the time of day at `now`.
    #[must_use]
    pub fn new(now: Instant, wall: SystemTime) -> Arc<Self> {
        let epoch_unix = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Arc::new(Self {
            epoch: now,
            epoch_unix,
            deployments: Mutex::default(),
            purses: Mutex::default(),
            ties: Ties::default(),
            decisions: Decisions::default(),
            down: Arc::default(),
            full: Arc::default(),
            extra: Extra::default(),
            learned: Learned::default(),
        })
    }

    fn unix(&self, now: Instant) -> Duration {
        self.epoch_unix + now.saturating_duration_since(self.epoch)
    }

    /// The number of the calendar minute, counted from 1970 in UTC.
    #[must_use]
    pub fn minute(&self, now: Instant) -> u32 {
        u32::try_from(self.unix(now).as_secs() / 60).unwrap_or(u32::MAX)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(&self, now: Instant) -> u64 {
        millis(self.unix(now))
    }

    /// What is left of the calendar minute, in whole seconds, at least one.
    pub(crate) fn left_of_minute(&self, now: Instant) -> Duration {
        Duration::from_secs(60 - self.unix(now).as_secs() % 60)
    }

    /// Milliseconds since the state began; the unit of [`DeploymentState::cooling`].
    #[must_use]
    pub fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.epoch))
    }

    /// The state of a deployment; it begins to exist when asked for.
    #[must_use]
    pub fn deployment(&self, id: &Arc<str>) -> Arc<DeploymentState> {
        self.deployments.lock().entry(Arc::clone(id)).or_default().clone()
    }

    /// The purse of this name; it begins to exist when asked for.
    pub(crate) fn purse(&self, key: &str, period: Duration) -> Arc<Purse> {
        let mut purses = self.purses.lock();
        if let Some(known) = purses.get(key) {
            return Arc::clone(known);
        }
        let key: Arc<str> = key.into();
        let purse = Arc::new(Purse::new(Arc::clone(&key), period));
        purses.insert(key, Arc::clone(&purse));
        purse
    }

    /// Forgets deployments and purses that no snapshot and no call knows any more.
    pub fn forget_unused(&self) {
        self.deployments.lock().retain(|_, state| Arc::strong_count(state) > 1);
        self.purses.lock().retain(|_, purse| Arc::strong_count(purse) > 1);
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

    /// The outcome of a health check. It matters with `enable_health_check_routing`. True when it is another one than
    /// before.
    pub fn set_health(&self, id: &Arc<str>, healthy: bool) -> bool {
        self.deployment(id).set_health(healthy)
    }

    /// What was decided for a request, as long as it is among the last thousand.
    #[must_use]
    pub fn decision(&self, id: DecisionId) -> Option<Decision> {
        self.decisions.get(id)
    }

    /// The latest decisions, newest first.
    #[must_use]
    pub fn latest_decisions(&self, most: usize) -> Vec<Decision> {
        self.decisions.latest(most)
    }

    pub(crate) fn keep(&self, record: Record) {
        self.decisions.push(record);
    }

    pub(crate) fn take_decision(&self, id: DecisionId) -> Option<Record> {
        self.decisions.take(id)
    }

    /// The deployment that a key is tied to.
    #[must_use]
    pub fn tied(&self, key: AffinityKey, now: Instant) -> Option<Arc<str>> {
        self.ties.get(key, self.unix_ms(now))
    }

    /// Ties a key to a deployment.
    pub fn tie(&self, key: AffinityKey, deployment: &Arc<str>, ttl: Duration, now: Instant) {
        let unix_ms = self.unix_ms(now);
        let until_ms = unix_ms.saturating_add(millis(ttl));
        self.ties.put(SharedAffinity { key, deployment: Arc::clone(deployment), until_ms }, unix_ms);
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
