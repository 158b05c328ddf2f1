//! least-busy: the fewest calls in flight.

use super::lowest::{Tie, lowest};
use super::{Choice, DeploymentView, Ranking, Strategy};

/// The deployment with the fewest calls in flight; the first of those that have equally many.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeastBusy;

impl Strategy for LeastBusy {
    fn name(&self) -> &'static str {
        "least-busy"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], _: &Choice<'_>, out: &mut Ranking) {
        let load = |(at, d): (usize, &DeploymentView<'_>)| (at, f64::from(d.state.load()));
        lowest(deployments.iter().enumerate().map(load).collect(), Tie::First, out);
    }
}
