//! The order among candidates.

mod shuffle;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::{Deployment, DeploymentState, Outcome, Rng, RouteRequest, RouterSettings};

pub use shuffle::SimpleShuffle;

/// Puts candidates into an order. Failover is then simply the next one.
pub trait Strategy: Send + Sync + fmt::Debug {
    /// LiteLLM's `routing_strategy`.
    fn name(&self) -> &'static str;

    /// Puts positions of `deployments` into `out`, best first: at most [`Ranking::wanted`] of them. A candidate that must
    /// not be used at all is left out.
    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking);

    /// Hears how each attempt ended. Strategies that learn from it keep what they learn.
    fn observe(&self, deployment: &Arc<Deployment>, outcome: &Outcome<'_>, now: Instant) {
        let _ = (deployment, outcome, now);
    }
}

/// The strategy of this name; nothing when there is none.
#[must_use]
pub fn by_name(name: &str) -> Option<Arc<dyn Strategy>> {
    match name {
        "simple-shuffle" => Some(Arc::new(SimpleShuffle)),
        _ => None,
    }
}

/// A candidate as a strategy sees it.
#[derive(Debug, Clone, Copy)]
pub struct DeploymentView<'a> {
    /// What is configured.
    pub deployment: &'a Arc<Deployment>,
    /// What happens now.
    pub state: &'a DeploymentState,
}

/// The decision to make.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The request.
    pub request: &'a RouteRequest,
    /// The router's settings; those of the request win.
    pub settings: &'a RouterSettings,
    /// The group being tried.
    pub group: &'a str,
    /// Now.
    pub now: Instant,
    /// The calendar minute, as counters are keyed.
    pub minute: u32,
}

impl Choice<'_> {
    /// Weights for the deployments of this group that key or team (else the settings) give, by deployment id.
    #[must_use]
    pub fn weight_of(&self, id: &str) -> Option<f64> {
        self.request.setting(self.settings, |s| s.weights.as_ref()?.get(self.group))?.get(id).copied()
    }
}

/// The result of a ranking, and the random numbers for it.
#[derive(Debug)]
pub struct Ranking {
    picks: Vec<usize>,
    wanted: usize,
    /// Where randomness comes from.
    pub rng: Rng,
}

impl Ranking {
    /// An empty ranking of at most `wanted` places.
    #[must_use]
    pub const fn new(wanted: usize, rng: Rng) -> Self {
        Self { picks: Vec::new(), wanted, rng }
    }

    /// How many places are read at most.
    #[must_use]
    pub const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Appends a position.
    pub fn push(&mut self, at: usize) {
        self.picks.push(at);
    }

    /// The positions, best first.
    #[must_use]
    pub fn picks(&self) -> &[usize] {
        &self.picks
    }
}
