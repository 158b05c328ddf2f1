//! The order among candidates.

mod busy;
mod cost;
mod latency;
mod lowest;
mod prefix;
mod ranking;
mod shuffle;
mod usage;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::{Deployment, DeploymentState, Outcome, RouteRequest, RouterSettings, StrategyArgs};

pub use busy::LeastBusy;
pub use cost::LowestCost;
pub use latency::LowestLatency;
pub use prefix::PrefixAffinity;
pub use ranking::Ranking;
pub use shuffle::SimpleShuffle;
pub use usage::{LowestUsage, LowestUsageV2};

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

    /// What it looks at in a request beyond its names: the owner finds that out before.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// The `rpm` of a deployment is a limit that no call may exceed, however many come at once.
    fn guards_rpm(&self) -> bool {
        false
    }
}

/// What has to be found out about a request before a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// [`RouteRequest::estimated_tokens`].
    pub tokens: bool,
    /// [`RouteRequest::prefix`].
    pub prefix: bool,
    /// [`RouteRequest::cached_prompts`].
    pub cached_prompts: bool,
    /// [`RouteRequest::asked`].
    pub asked: bool,
}

impl Needs {
    /// What either of two needs.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            tokens: self.tokens || other.tokens,
            prefix: self.prefix || other.prefix,
            cached_prompts: self.cached_prompts || other.cached_prompts,
            asked: self.asked || other.asked,
        }
    }
}

/// Every strategy, under the name that `routing_strategy` gives it.
static ALL: &[(&str, &dyn Strategy)] = &[
    ("simple-shuffle", &SimpleShuffle),
    ("least-busy", &LeastBusy),
    ("latency-based-routing", &LowestLatency),
    ("cost-based-routing", &LowestCost),
    ("usage-based-routing", &LowestUsage),
    ("usage-based-routing-v2", &LowestUsageV2),
    // budgets are a filter; what is left of the candidates is shuffled
    ("provider-budget-routing", &SimpleShuffle),
    ("prefix-affinity", &PrefixAffinity),
];

/// The built-in strategy of this name; nothing when there is none.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Strategy> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, s)| *s)
}

/// The names of the built-in strategies.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
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
    /// `routing_strategy_args` that hold for the group.
    pub args: &'a StrategyArgs,
    /// The group being tried.
    pub group: &'a str,
    /// Now.
    pub now: Instant,
    /// The same in milliseconds of [`crate::RouterState::millis`].
    pub millis: u64,
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
