//! simple-shuffle: random, weighted by the first metric that anybody has.

use super::{Choice, DeploymentView, Ranking, Strategy};

/// Weights of key or team, then `weight`, `rpm`, `tpm`: the first of them that is above zero for any candidate decides the
/// odds, and a candidate without it is not used. When there is none the odds are equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimpleShuffle;

#[derive(Debug, Clone, Copy)]
enum Metric {
    Scoped,
    Weight,
    Rpm,
    Tpm,
}

impl Metric {
    #[allow(clippy::cast_precision_loss, reason = "odds need no more than 53 bits")]
    fn of(self, view: &DeploymentView<'_>, choice: &Choice<'_>) -> f64 {
        let d = view.deployment;
        let value = match self {
            Self::Scoped => choice.weight_of(&d.id),
            Self::Weight => d.weight,
            Self::Rpm => d.rpm.map(|n| n as f64),
            Self::Tpm => d.tpm.map(|n| n as f64),
        };
        value.filter(|v| v.is_finite()).unwrap_or(0.0).max(0.0)
    }
}

impl Strategy for SimpleShuffle {
    fn name(&self) -> &'static str {
        "simple-shuffle"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], choice: &Choice<'_>, out: &mut Ranking) {
        if deployments.len() == 1 {
            out.push(0);
            return;
        }
        let metrics = [Metric::Scoped, Metric::Weight, Metric::Rpm, Metric::Tpm];
        let mut usable = [false; 4];
        for d in deployments {
            for (known, metric) in usable.iter_mut().zip(metrics) {
                *known = *known || metric.of(d, choice) > 0.0;
            }
            if matches!(usable, [true, ..]) {
                break;
            }
        }
        match metrics.into_iter().zip(usable).find_map(|(m, usable)| usable.then_some(m)) {
            Some(metric) => weighted(deployments, |d| metric.of(d, choice), out),
            None => uniform(deployments.len(), out),
        }
    }
}

/// Draws without replacement: each place is drawn among those not drawn before.
fn weighted(deployments: &[DeploymentView<'_>], weight: impl Fn(&DeploymentView<'_>) -> f64, out: &mut Ranking) {
    for _ in 0..out.wanted().min(deployments.len()) {
        let open = |out: &Ranking, at: usize| !out.picks().contains(&at);
        let total: f64 = deployments.iter().enumerate().filter(|(i, _)| open(out, *i)).map(|(_, d)| weight(d)).sum();
        let mut left = out.rng.unit() * total;
        let mut pick = None;
        for (at, d) in deployments.iter().enumerate() {
            let w = weight(d);
            if w > 0.0 && open(out, at) {
                // The last one stays picked when rounding leaves a rest.
                pick = Some(at);
                left -= w;
                if left < 0.0 {
                    break;
                }
            }
        }
        let Some(at) = pick else { return };
        out.push(at);
    }
}

fn uniform(len: usize, out: &mut Ranking) {
    for drawn in 0..out.wanted().min(len) {
        // The n-th of those not drawn yet.
        let mut nth = out.rng.below(len - drawn);
        let pick = match drawn {
            0 => Some(nth),
            _ => (0..len).find(|at| {
                let open = !out.picks().contains(at);
                let hit = open && nth == 0;
                nth -= usize::from(open && !hit);
                hit
            }),
        };
        let Some(at) = pick else { return };
        out.push(at);
    }
}
