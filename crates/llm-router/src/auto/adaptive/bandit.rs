//! How good a model is for a kind of request, as far as is known: a Beta distribution. Figures are LiteLLM's.

use super::{AdaptivePreferences, RequestType};
use crate::Rng;

/// `alpha + beta` of what is believed before anything was seen.
const PRIOR_MASS: f64 = 10.0;
/// More of both than this is not learned.
const MOST: f64 = 200.0;
const STRENGTH: f64 = 0.3;
const SUREST: f64 = 0.95;

/// Pseudo-successes and pseudo-failures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Successes.
    pub alpha: f64,
    /// Failures.
    pub beta: f64,
}

impl Cell {
    /// What is believed of a model that says this of itself.
    #[must_use]
    pub fn prior(prefers: &AdaptivePreferences, kind: RequestType) -> Self {
        let base = match prefers.quality_tier {
            ..=1 => 0.3,
            2 => 0.5,
            _ => 0.7,
        };
        let mean = if prefers.strengths.contains(&kind) { f64::min(base + STRENGTH, SUREST) } else { base };
        Self { alpha: mean * PRIOR_MASS, beta: (1.0 - mean) * PRIOR_MASS }
    }

    /// The same with what was measured beforehand, which weighs `most` at the most.
    #[must_use]
    pub fn evaluated(self, successes: f64, failures: f64, most: f64) -> Self {
        let (alpha, beta) = (self.alpha + successes, self.beta + failures);
        let total = alpha + beta;
        if total <= most {
            return Self { alpha, beta };
        }
        let mean = alpha / total;
        Self { alpha: mean * most, beta: (1.0 - mean) * most }
    }

    /// The same with what was seen; nothing when that is too much.
    #[must_use]
    pub fn with(self, (alpha, beta): (f64, f64)) -> Option<Self> {
        let new = Self { alpha: self.alpha + alpha, beta: self.beta + beta };
        (new.alpha + new.beta <= MOST).then_some(new)
    }

    /// The expected quality.
    #[must_use]
    pub fn mean(self) -> f64 {
        let total = self.alpha + self.beta;
        if total > 0.0 { self.alpha / total } else { 0.5 }
    }

    /// Observations, without what was believed before.
    #[must_use]
    pub fn samples(self) -> f64 {
        (self.alpha + self.beta - PRIOR_MASS).max(0.0).floor()
    }

    /// A draw: how good it may be.
    pub fn draw(self, rng: &mut Rng) -> f64 {
        let (a, b) = (gamma(self.alpha, rng), gamma(self.beta, rng));
        if a + b > 0.0 { a / (a + b) } else { 0.5 }
    }
}

/// A draw from a gamma distribution of scale 1 (Marsaglia and Tsang 2000; below 1 by their boost).
fn gamma(shape: f64, rng: &mut Rng) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - rng.unit()).powf(1.0 / shape.max(1e-9));
        return gamma(shape + 1.0, rng) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - rng.unit();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let (u, v) = (1.0 - rng.unit(), rng.unit());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// How cheap a price is among others: 1 for the lowest, 0 for the highest, one half when all are the same.
pub(super) fn cheapness(price: f64, all: &[f64]) -> f64 {
    let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(*p), h.max(*p)));
    if high > low { 1.0 - (price - low) / (high - low) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefers(quality_tier: i64, strengths: &[RequestType]) -> AdaptivePreferences {
        AdaptivePreferences { quality_tier, strengths: strengths.to_vec() }
    }

    #[test]
    fn beliefs_follow_tier_and_strength() {
        let mean = |tier, strong: &[RequestType]| Cell::prior(&prefers(tier, strong), RequestType::Writing).mean();
        assert_eq!((mean(1, &[]), mean(2, &[]), mean(3, &[])), (0.3, 0.5, 0.7));
        assert_eq!(mean(2, &[RequestType::Writing]), 0.8);
        assert_eq!(mean(3, &[RequestType::Writing]), 0.95, "never surer than that");
        assert_eq!(mean(2, &[RequestType::General]), 0.5, "strong elsewhere");
    }

    #[test]
    fn what_was_seen_counts_up_to_a_bound() {
        let cell = Cell { alpha: 5.0, beta: 5.0 };
        assert_eq!(cell.with((1.0, 0.5)), Some(Cell { alpha: 6.0, beta: 5.5 }));
        assert_eq!((cell.samples(), Cell { alpha: 6.0, beta: 6.5 }.samples()), (0.0, 2.0));
        assert_eq!(Cell { alpha: 100.0, beta: 100.0 }.with((0.0, 0.5)), None);
        let measured = cell.evaluated(90.0, 0.0, 50.0);
        assert!((measured.alpha - 47.5).abs() < 1e-9 && (measured.beta - 2.5).abs() < 1e-9, "{measured:?}");
        assert_eq!(cell.evaluated(3.0, 1.0, 50.0), Cell { alpha: 8.0, beta: 6.0 });
    }

    #[test]
    fn draws_have_the_mean_and_spread_of_the_distribution() {
        let mut rng = Rng::seeded(7);
        for (alpha, beta) in [(3.0, 7.0), (9.5, 0.5), (60.0, 40.0), (0.4, 0.9)] {
            let cell = Cell { alpha, beta };
            let draws: Vec<f64> = (0..100_000).map(|_| cell.draw(&mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / 100_000.0;
            let spread = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 100_000.0;
            let total: f64 = alpha + beta;
            let wanted = alpha * beta / (total * total * (total + 1.0));
            assert!((mean - cell.mean()).abs() < 0.005, "{alpha} {beta}: {mean}");
            assert!((spread / wanted - 1.0).abs() < 0.05, "{alpha} {beta}: {spread} {wanted}");
            assert!(draws.iter().all(|d| (0.0..=1.0).contains(d)));
        }
    }

    #[test]
    fn cheap_is_one() {
        let all = [2.0, 1.0, 3.0];
        assert_eq!(all.map(|p| cheapness(p, &all)), [0.5, 1.0, 0.0]);
        assert_eq!(cheapness(1.0, &[1.0, 1.0]), 0.5);
    }
}
