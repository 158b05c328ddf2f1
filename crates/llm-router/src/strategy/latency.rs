//! latency-based-routing: the quickest of late.

use super::lowest::{Tie, lowest};
use super::usage::{Limit, within};
use super::{Choice, DeploymentView, Needs, Ranking, Strategy};

/// The lowest average of the last latencies (seconds per written token), for streams of the times to the first content.
/// A random one of those within `lowest_latency_buffer` of it; one that was not used yet counts as 0. Deployments over
/// their `rpm` or `tpm` are left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct LowestLatency;

impl Strategy for LowestLatency {
    fn name(&self) -> &'static str {
        "latency-based-routing"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking) {
        let ttl = choice.args.latency_ttl();
        let latency = |d: &DeploymentView<'_>| d.state.latency(choice.request.stream, ttl, choice.millis);
        let buffer = choice.args.lowest_latency_buffer.unwrap_or(0.0).max(0.0);
        lowest(within(deployments, choice, Limit::Above, latency, out), Tie::Within(buffer), out);
    }

    fn needs(&self) -> Needs {
        Needs { tokens: true, ..Needs::default() }
    }
}
