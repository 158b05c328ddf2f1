//! `routing_strategy_args`: what a strategy may be told.

use std::time::Duration;

use serde::Deserialize;

use crate::state::LatencyRule;

/// Arguments of strategies, under LiteLLM's names and, where said, our own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StrategyArgs {
    /// Seconds after which latencies are forgotten; 3600.
    pub ttl: Option<f64>,
    /// Latencies within this share of the lowest are as good as it; 0.
    pub lowest_latency_buffer: Option<f64>,
    /// Latencies that are remembered per deployment; 10.
    pub max_latency_list_size: Option<usize>,
    /// The percentile of times to first content that streams are judged by, 0 to 1 or 0 to 100; nothing: the average.
    pub ttft_percentile: Option<f64>,
    /// Ours, for prefix-affinity: how much more than the mean a deployment may be loaded; 1.25.
    pub prefix_load: Option<f64>,
}

impl StrategyArgs {
    pub(crate) fn latency_ttl(&self) -> Duration {
        let seconds = self.ttl.and_then(|s| Duration::try_from_secs_f64(s).ok());
        seconds.unwrap_or(Duration::from_secs(3600))
    }

    pub(crate) fn latency_rule(&self) -> LatencyRule {
        let default = LatencyRule::default();
        let share = |p: f64| if p > 1.0 { p / 100.0 } else { p };
        LatencyRule {
            size: self.max_latency_list_size.unwrap_or(default.size),
            percentile: self.ttft_percentile.filter(|p| p.is_finite()).map(share),
        }
    }
}
