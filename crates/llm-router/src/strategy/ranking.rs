//! The result of a ranking.

use crate::{Dropped, Rng};

/// The result of a ranking, and the random numbers for it.
#[derive(Debug)]
pub struct Ranking {
    picks: Vec<usize>,
    wanted: usize,
    scores: Vec<(usize, f64)>,
    rejected: Vec<(usize, Dropped)>,
    /// Scores and rejections are kept up to this many.
    told: usize,
    /// Where randomness comes from.
    pub rng: Rng,
}

impl Ranking {
    /// An empty ranking of at most `wanted` places.
    #[must_use]
    pub const fn new(wanted: usize, rng: Rng) -> Self {
        Self { picks: Vec::new(), wanted, scores: Vec::new(), rejected: Vec::new(), told: 0, rng }
    }

    /// Keeps up to `most` scores and rejections, for those who want to know why.
    #[must_use]
    pub const fn telling(mut self, most: usize) -> Self {
        self.told = most;
        self
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

    /// Says by which figure the candidate at a position was judged.
    pub fn score(&mut self, at: usize, figure: f64) {
        if self.scores.len() < self.told {
            self.scores.push((at, figure));
        }
    }

    /// Says why the candidate at a position is left out.
    pub fn reject(&mut self, at: usize, why: Dropped) {
        if self.rejected.len() < self.told {
            self.rejected.push((at, why));
        }
    }

    /// The figures that were told, by position.
    #[must_use]
    pub fn scores(&self) -> &[(usize, f64)] {
        &self.scores
    }

    /// The candidates that were left out, by position.
    #[must_use]
    pub fn rejected(&self) -> &[(usize, Dropped)] {
        &self.rejected
    }
}
