//! prefix-affinity (ours): prompts that begin alike go to the same deployment, so that its prompt cache helps, unless it is
//! too busy.

use super::{Choice, DeploymentView, Needs, Ranking, SimpleShuffle, Strategy};

/// Rendezvous hashing (Thaler, Ravishankar 1998) of the prompt's beginning over the candidates, with bounded load
/// (Mirrokni, Thorup, Zadimoghaddam 2016): a deployment with more than `prefix_load` times the mean of the calls in flight
/// is passed over. A deployment that comes or goes moves only the prompts that it serves. Requests without a prompt are
/// shuffled.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrefixAffinity;

/// How much more than the mean a deployment may be loaded.
const BOUND: f64 = 1.25;

impl Strategy for PrefixAffinity {
    fn name(&self) -> &'static str {
        "prefix-affinity"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking) {
        let Some(prefix) = choice.request.prefix else { return SimpleShuffle.rank(deployments, choice, out) };
        let most = bound(deployments, choice.args.prefix_load.unwrap_or(BOUND));
        let mut places: Vec<(bool, f64, usize)> = Vec::with_capacity(deployments.len());
        for (at, view) in deployments.iter().enumerate() {
            let weight = choice.weight_of(&view.deployment.id).or(view.deployment.weight).unwrap_or(1.0);
            let place = place(prefix.0, view.deployment.hash, weight);
            out.score(at, place);
            places.push((f64::from(view.state.load()) >= most, place, at));
        }
        places.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        places.iter().take(out.wanted()).for_each(|(_, _, at)| out.push(*at));
    }

    fn needs(&self) -> Needs {
        Needs { prefix: true, ..Needs::default() }
    }
}

/// Calls in flight that a deployment may have before this one, at the most.
#[allow(clippy::cast_precision_loss, reason = "numbers of calls")]
fn bound(deployments: &[DeploymentView<'_>], factor: f64) -> f64 {
    let total: u64 = deployments.iter().map(|d| u64::from(d.state.load())).sum();
    (factor.max(1.0) * (total + 1) as f64 / deployments.len().max(1) as f64).ceil()
}

/// Where a deployment stands for a prompt: the lower, the nearer. Exponentially distributed, so that shares follow weights.
#[allow(clippy::cast_precision_loss, reason = "53 bits fit into a double")]
fn place(prefix: u64, deployment: u64, weight: f64) -> f64 {
    if weight.is_nan() || weight <= 0.0 {
        return f64::INFINITY;
    }
    let mut rng = crate::Rng::seeded(prefix ^ deployment);
    let bits = rng.next_u64() >> 11;
    let unit = (bits as f64 + 1.0) / 9_007_199_254_740_993.0;
    -unit.ln() / weight
}
