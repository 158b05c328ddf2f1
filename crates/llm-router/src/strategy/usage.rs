//! usage-based-routing: the fewest tokens of this minute.

use super::lowest::{Tie, lowest};
use super::{Choice, DeploymentView, Needs, Ranking, Strategy};
use crate::Dropped;

/// Version 1: the fewest tokens of this minute; the first of those that used equally many.
#[derive(Debug, Clone, Copy, Default)]
pub struct LowestUsage;

/// Version 2: the fewest tokens of this minute; a random one of those that used equally many. `rpm` is a hard limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct LowestUsageV2;

/// When one more request is too many for `rpm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// It would be above the limit.
    Above,
    /// It would reach the limit: LiteLLM's usage strategies leave the last place free.
    Reached,
}

/// The figures of the candidates that may take one more request in this minute; the others are told as rejected.
pub(super) fn within(
    deployments: &[DeploymentView<'_>],
    choice: &Choice<'_>,
    limit: Limit,
    figure: impl Fn(&DeploymentView<'_>) -> f64,
    out: &mut Ranking,
) -> Vec<(usize, f64)> {
    let mut all = Vec::with_capacity(deployments.len());
    for (at, view) in deployments.iter().enumerate() {
        if full(view, choice, limit) {
            out.reject(at, Dropped::RateLimited);
        } else {
            all.push((at, figure(view)));
        }
    }
    all
}

fn full(view: &DeploymentView<'_>, choice: &Choice<'_>, limit: Limit) -> bool {
    let (d, s) = (view.deployment, view.state);
    let tokens = || u64::from(s.tokens(choice.minute)).saturating_add(choice.request.estimated_tokens);
    let requests = || u64::from(s.requests(choice.minute)) + 1;
    let too_many = |most: u64| match limit {
        Limit::Above => requests() > most,
        Limit::Reached => requests() >= most,
    };
    d.tpm.is_some_and(|most| tokens() > most) || d.rpm.is_some_and(too_many)
}

fn used(view: &DeploymentView<'_>, choice: &Choice<'_>) -> f64 {
    f64::from(view.state.tokens(choice.minute))
}

impl Strategy for LowestUsage {
    fn name(&self) -> &'static str {
        "usage-based-routing"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking) {
        lowest(within(deployments, choice, Limit::Reached, |d| used(d, choice), out), Tie::First, out);
    }

    fn needs(&self) -> Needs {
        Needs { tokens: true, ..Needs::default() }
    }
}

impl Strategy for LowestUsageV2 {
    fn name(&self) -> &'static str {
        "usage-based-routing-v2"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking) {
        lowest(within(deployments, choice, Limit::Reached, |d| used(d, choice), out), Tie::Within(0.0), out);
    }

    fn needs(&self) -> Needs {
        Needs { tokens: true, ..Needs::default() }
    }

    fn guards_rpm(&self) -> bool {
        true
    }
}
