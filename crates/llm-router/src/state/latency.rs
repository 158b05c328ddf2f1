//! How long a deployment takes: the last few answers, and what follows from them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// What a timeout counts as, as in LiteLLM.
pub(crate) const TIMEOUT_PENALTY: f64 = 1000.0;

/// How latencies are kept and judged: `routing_strategy_args` of latency-based-routing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LatencyRule {
    /// Answers that are remembered.
    pub(crate) size: usize,
    /// The share of streams (0 to 1) that begin as fast as the figure says; nothing: the average.
    pub(crate) percentile: Option<f64>,
}

impl Default for LatencyRule {
    fn default() -> Self {
        Self { size: 10, percentile: None }
    }
}

/// The lists, and their figures published for those who choose: reading them takes no lock.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    lists: Mutex<Lists>,
    /// Average of whole answers, as the bits of a double; 0 until there is one.
    all: AtomicU64,
    /// Figure of streams' first content.
    first: AtomicU64,
    /// Milliseconds of the state's clock at the last entry.
    at: AtomicU64,
    /// Seconds within which 95 of 100 answers began, of the last fifty.
    late: AtomicU64,
}

/// Answers that say what is late.
const LATE_LIST: usize = 50;
/// Fewer answers say nothing.
const LATE_FROM: usize = 10;

#[derive(Debug, Default)]
struct Lists {
    all: VecDeque<f64>,
    first: VecDeque<f64>,
    took: VecDeque<f64>,
}

impl Latencies {
    /// Adds an answer: seconds per token (or seconds), and the same up to the first content for streams.
    pub(super) fn add(&self, value: f64, first: Option<f64>, rule: LatencyRule, millis: u64) {
        let mut lists = self.lists.lock();
        push(&mut lists.all, value, rule.size);
        self.all.store(average(&lists.all).to_bits(), Ordering::Relaxed);
        if let Some(first) = first {
            push(&mut lists.first, first, rule.size);
            let figure = rule.percentile.map_or_else(|| average(&lists.first), |p| percentile(&lists.first, p));
            self.first.store(figure.to_bits(), Ordering::Relaxed);
        }
        self.at.store(millis.max(1), Ordering::Relaxed);
    }

    /// Adds how long an answer took to begin, in seconds.
    pub(super) fn took(&self, seconds: f64) {
        let mut lists = self.lists.lock();
        push(&mut lists.took, seconds, LATE_LIST);
        if lists.took.len() >= LATE_FROM {
            self.late.store(percentile(&lists.took, 0.95).to_bits(), Ordering::Relaxed);
        }
    }

    /// When an answer is late; nothing as long as too few were seen.
    pub(super) fn late(&self) -> Option<Duration> {
        let seconds = f64::from_bits(self.late.load(Ordering::Relaxed));
        Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero())
    }

    /// The figure to compare: of first contents for streams, where any was seen, else of whole answers; 0 when nothing was
    /// seen for `ttl`.
    pub(super) fn figure(&self, stream: bool, ttl: Duration, millis: u64) -> f64 {
        let at = self.at.load(Ordering::Relaxed);
        if at == 0 || millis.saturating_sub(at) > super::millis(ttl) {
            return 0.0;
        }
        let first = f64::from_bits(self.first.load(Ordering::Relaxed));
        if stream && first > 0.0 { first } else { f64::from_bits(self.all.load(Ordering::Relaxed)) }
    }
}

fn push(list: &mut VecDeque<f64>, value: f64, size: usize) {
    while list.len() >= size.max(1) {
        list.pop_front();
    }
    list.push_back(value);
}

#[allow(clippy::cast_precision_loss, reason = "a handful of entries")]
fn average(list: &VecDeque<f64>) -> f64 {
    if list.is_empty() { 0.0 } else { list.iter().sum::<f64>() / list.len() as f64 }
}

/// The value that a share of the entries does not exceed (nearest rank).
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small ranks")]
fn percentile(list: &VecDeque<f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = list.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let rank = (share.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn only_the_last_ten_count() {
        let l = Latencies::default();
        assert_eq!(l.figure(false, HOUR, 5), 0.0, "never used");
        for _ in 0..10 {
            l.add(9.0, None, LatencyRule::default(), 5);
        }
        for _ in 0..10 {
            l.add(1.0, None, LatencyRule::default(), 5);
        }
        assert_eq!(l.figure(false, HOUR, 5), 1.0);
        assert_eq!(l.figure(true, HOUR, 5), 1.0, "no stream was seen");
        l.add(12.0, Some(0.25), LatencyRule::default(), 9);
        assert_eq!(l.figure(false, HOUR, 9), 2.1);
        assert_eq!(l.figure(true, HOUR, 9), 0.25);
        assert_eq!(l.figure(true, HOUR, 9 + 3_600_001), 0.0, "forgotten");
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let list: VecDeque<f64> = [4.0, 1.0, 3.0, 2.0].into();
        assert_eq!([0.0, 0.25, 0.5, 0.75, 0.95, 1.0].map(|p| percentile(&list, p)), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        let l = Latencies::default();
        let rule = LatencyRule { percentile: Some(0.5), ..LatencyRule::default() };
        for first in [1.0, 2.0, 30.0] {
            l.add(50.0, Some(first), rule, 1);
        }
        assert_eq!(l.figure(true, HOUR, 1), 2.0);
    }
}
