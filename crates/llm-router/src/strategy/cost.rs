//! cost-based-routing: the lowest price per token.

use super::lowest::{Tie, lowest};
use super::usage::{Limit, within};
use super::{Choice, DeploymentView, Needs, Ranking, Strategy};

/// What a token costs in US dollars where nobody knows, as in LiteLLM: such deployments come last.
const UNKNOWN: f64 = 5.0;

/// The lowest sum of the prices of an input and an output token; the first of those that cost the same. Deployments over
/// their `rpm` or `tpm` are left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct LowestCost;

impl Strategy for LowestCost {
    fn name(&self) -> &'static str {
        "cost-based-routing"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking) {
        let price = |d: &DeploymentView<'_>| {
            let known = |price: Option<f64>| price.unwrap_or(UNKNOWN);
            known(d.deployment.input_price) + known(d.deployment.output_price)
        };
        lowest(within(deployments, choice, Limit::Above, price, out), Tie::First, out);
    }

    fn needs(&self) -> Needs {
        Needs { tokens: true, ..Needs::default() }
    }
}
