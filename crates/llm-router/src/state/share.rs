//! What processes tell each other through a shared store. Pure: somebody else carries it.
//!
//! [`RouterState::take_changes`] gives what happened here since the last time: *increments* of usage and spend, rests and
//! ties that are new, and how many calls run here. The store adds the increments up. [`RouterState::absorb`] hears what the
//! store then holds: *totals* of all processes, ours among them. Both have the same shape, and absorbing twice does no harm.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{RouterState, SharedAffinity, SharedSpend};

/// News of one process, or the sum of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Deployments that rest.
    pub cooldowns: Vec<SharedCooldown>,
    /// Counters of a minute: increments when taken, totals when absorbed.
    pub usage: Vec<SharedUsage>,
    /// Calls running now: those of this process when taken (only where the number changed), of all when absorbed.
    pub in_flight: Vec<SharedLoad>,
    /// Spend: increments when taken, totals of the window when absorbed.
    pub spend: Vec<SharedSpend>,
    /// Ties of callers, sessions and prompts to deployments.
    pub affinity: Vec<SharedAffinity>,
}

/// A rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedCooldown {
    /// Id of the deployment.
    pub id: Arc<str>,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: u64,
}

/// What a deployment did in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedUsage {
    /// Id of the deployment.
    pub id: Arc<str>,
    /// The minute, counted from 1970 in UTC.
    pub minute: u32,
    /// Calls begun.
    pub requests: u32,
    /// Tokens used.
    pub tokens: u32,
    /// Calls that succeeded.
    pub successes: u32,
    /// Calls that failed.
    pub failures: u32,
}

/// Calls that run at a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedLoad {
    /// Id of the deployment.
    pub id: Arc<str>,
    /// How many.
    pub calls: u32,
}

impl Changes {
    /// True when there is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.cooldowns.is_empty()
            && self.usage.is_empty()
            && self.in_flight.is_empty()
            && self.spend.is_empty()
            && self.affinity.is_empty()
    }
}

impl RouterState {
    /// What happened here since the last time. What is taken counts as told: when it cannot be delivered, add it up with
    /// what is taken next, or the others will not hear of it.
    pub fn take_changes(&self, now: Instant) -> Changes {
        let (millis, minute, unix_ms) = (self.millis(now), self.minute(now), self.unix_ms(now));
        let mut out = Changes { affinity: self.ties.take(), ..Changes::default() };
        for (id, state) in self.deployments.lock().iter() {
            let told = state.take(minute, millis);
            if let Some(left) = told.rest {
                out.cooldowns.push(SharedCooldown { id: Arc::clone(id), until_ms: unix_ms.saturating_add(left) });
            }
            let [requests, tokens, successes, failures] = told.usage;
            if told.usage != [0; 4] {
                out.usage.push(SharedUsage { id: Arc::clone(id), minute, requests, tokens, successes, failures });
            }
            if let Some(calls) = told.calls {
                out.in_flight.push(SharedLoad { id: Arc::clone(id), calls });
            }
        }
        out.spend = self.purses.lock().values().filter_map(|p| p.take(unix_ms)).collect();
        out
    }

    /// What to ask the shared store for: every deployment and every purse that is known here, without amounts.
    #[must_use]
    pub fn watched(&self, now: Instant) -> Changes {
        let (minute, unix_ms) = (self.minute(now), self.unix_ms(now));
        let ids: Vec<Arc<str>> = self.deployments.lock().keys().cloned().collect();
        let usage = |id: &Arc<str>| SharedUsage {
            id: Arc::clone(id),
            minute,
            requests: 0,
            tokens: 0,
            successes: 0,
            failures: 0,
        };
        Changes {
            usage: ids.iter().map(usage).collect(),
            in_flight: ids.iter().map(|id| SharedLoad { id: Arc::clone(id), calls: 0 }).collect(),
            spend: self.purses.lock().values().map(|p| p.watched(unix_ms)).collect(),
            ..Changes::default()
        }
    }

    /// Hears what all processes together did, this one among them, up to what was last taken here. Deployments and purses
    /// that nobody here knows are ignored.
    pub fn absorb(&self, totals: &Changes, now: Instant) {
        let (millis, minute, unix_ms) = (self.millis(now), self.minute(now), self.unix_ms(now));
        let deployments = self.deployments.lock();
        for c in &totals.cooldowns {
            if let Some(state) = deployments.get(&c.id).filter(|_| c.until_ms > unix_ms) {
                state.rest_told(millis.saturating_add(c.until_ms - unix_ms));
            }
        }
        for u in totals.usage.iter().filter(|u| u.minute == minute) {
            if let Some(state) = deployments.get(&u.id) {
                state.absorb(minute, [u.requests, u.tokens, u.successes, u.failures]);
            }
        }
        for load in &totals.in_flight {
            if let Some(state) = deployments.get(&load.id) {
                state.absorb_calls(load.calls);
            }
        }
        drop(deployments);
        let purses = self.purses.lock();
        for s in &totals.spend {
            if let Some(purse) = purses.get(&s.key) {
                purse.absorb(s, unix_ms);
            }
        }
        drop(purses);
        for tie in totals.affinity.iter().filter(|t| t.until_ms > unix_ms) {
            self.ties.absorb(tie.clone(), unix_ms);
        }
    }

    /// The shared store does not answer: what others did is forgotten, rests and ties stay until they end.
    pub fn alone(&self) {
        self.deployments.lock().values().for_each(|s| s.alone());
        self.purses.lock().values().for_each(|p| p.alone());
    }
}
