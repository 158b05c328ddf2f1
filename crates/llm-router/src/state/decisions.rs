//! The last decisions, to be read back by their ids.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::decide::Trace;
use crate::{Deployment, Dropped, Router};

/// Names one request's decisions. Printed as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId(pub u64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for DecisionId {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What was decided for one request, from its first choice to its end.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Its name.
    pub id: DecisionId,
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// The model that was asked for.
    pub model: Arc<str>,
    /// The choices, in order.
    pub choices: Vec<DecisionChoice>,
    /// Why it was given up, when it was.
    pub error: Option<String>,
}

/// One choice among the deployments of a group.
#[derive(Debug, Clone)]
pub struct DecisionChoice {
    /// The group: as it was asked for, or the fallback's name.
    pub group: Arc<str>,
    /// The strategy; empty when there was nobody to choose among.
    pub strategy: &'static str,
    /// Id of the deployment that was called.
    pub chosen: Option<Arc<str>>,
    /// Ids of those that were out, and why. At most 64 are kept; empty once the configuration was reloaded.
    pub dropped: Vec<(Arc<str>, Dropped)>,
    /// By which figures the strategy judged. At most 64 are kept; empty once the configuration was reloaded.
    pub scores: Vec<(Arc<str>, f64)>,
    /// How it ended: `ok`, `cancelled`, LiteLLM's class of an error, or nothing as long as it runs.
    pub outcome: &'static str,
}

/// A decision as it is kept: positions instead of ids.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: DecisionId,
    pub(crate) at_ms: u64,
    pub(crate) model: Arc<str>,
    pub(crate) router: Weak<Router>,
    pub(crate) choices: Vec<RecordedChoice>,
    pub(crate) error: Option<String>,
}

#[derive(Debug)]
pub(crate) struct RecordedChoice {
    pub(crate) group: Arc<str>,
    pub(crate) chosen: Option<Arc<str>>,
    pub(crate) trace: Trace,
    pub(crate) outcome: &'static str,
}

const SHARDS: usize = 16;
/// Decisions that are kept per shard.
const KEPT: usize = 64;

/// The last thousand decisions, in shards so that threads do not wait for each other.
#[derive(Debug, Default)]
pub(super) struct Decisions([Mutex<VecDeque<Record>>; SHARDS]);

impl Decisions {
    fn shard(&self, id: DecisionId) -> Option<&Mutex<VecDeque<Record>>> {
        self.0.get(usize::try_from(id.0 % SHARDS as u64).unwrap_or(0))
    }

    pub(super) fn push(&self, record: Record) {
        let Some(shard) = self.shard(record.id) else { return };
        let mut shard = shard.lock();
        let old = if shard.len() >= KEPT { shard.pop_front() } else { None };
        shard.push_back(record);
        drop(shard);
        drop(old); // freed outside of the lock
    }

    /// Takes a decision out again: it goes on.
    pub(super) fn take(&self, id: DecisionId) -> Option<Record> {
        let mut shard = self.shard(id)?.lock();
        let at = shard.iter().rposition(|r| r.id == id)?;
        shard.remove(at)
    }

    pub(super) fn get(&self, id: DecisionId) -> Option<Decision> {
        let shard = self.shard(id)?.lock();
        shard.iter().rev().find(|r| r.id == id).map(Record::told)
    }

    /// The latest, newest first.
    pub(super) fn latest(&self, most: usize) -> Vec<Decision> {
        let mut all: Vec<Decision> =
            self.0.iter().flat_map(|s| s.lock().iter().map(Record::told).collect::<Vec<_>>()).collect();
        all.sort_by_key(|d| std::cmp::Reverse(d.at_ms));
        all.truncate(most);
        all
    }
}

impl Record {
    fn told(&self) -> Decision {
        let router = self.router.upgrade();
        let deployments: &[Arc<Deployment>] = router.as_ref().map_or(&[], |r| r.deployments());
        let id = |at: usize| deployments.get(at).map(|d| Arc::clone(&d.id));
        let choice = |c: &RecordedChoice| DecisionChoice {
            group: Arc::clone(&c.group),
            strategy: c.trace.strategy,
            chosen: c.chosen.clone(),
            dropped: c.trace.dropped.iter().filter_map(|(at, why)| Some((id(*at)?, *why))).collect(),
            scores: c.trace.scores.iter().filter_map(|(at, figure)| Some((id(*at)?, *figure))).collect(),
            outcome: c.outcome,
        };
        Decision {
            id: self.id,
            at_ms: self.at_ms,
            model: Arc::clone(&self.model),
            choices: self.choices.iter().map(choice).collect(),
            error: self.error.clone(),
        }
    }
}
