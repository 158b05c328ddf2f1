//! LiteLLM's Prometheus metrics.
//!
//! - `labels`: the labels, and their values for a record.
//! - `table`: the metrics: name, help, labels, value of a record.
//! - `board`: the series, looked up by the labels of a record, and their sweep.
//! - `sink`: the sink, and what is not read from records (guardrails, calls under way, lost records).

mod board;
mod labels;
mod sink;
mod table;

pub use sink::{CONTENT_TYPE, GuardrailRun, Prometheus};

use std::time::Duration;

use serde::Deserialize;

/// What is measured. LiteLLM's names of the settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct PrometheusSettings {
    /// Upper bounds of the latency histograms in seconds (`prometheus_latency_buckets`).
    #[serde(rename = "prometheus_latency_buckets")]
    pub latency_buckets: Vec<f64>,
    /// Metrics that are not served (`prometheus_exclude_metrics`).
    #[serde(rename = "prometheus_exclude_metrics")]
    pub exclude_metrics: Vec<String>,
    /// Labels that no metric has (`prometheus_exclude_labels`).
    #[serde(rename = "prometheus_exclude_labels")]
    pub exclude_labels: Vec<String>,
    /// End users are told apart (`enable_end_user_cost_tracking_prometheus_only`).
    #[serde(rename = "enable_end_user_cost_tracking_prometheus_only")]
    pub end_users: bool,
    /// `litellm_proxy_total_requests_metric` has the label `stream` (`prometheus_emit_stream_label`).
    #[serde(rename = "prometheus_emit_stream_label")]
    pub stream_label: bool,
    /// Combinations of labels that are told apart at the most; later ones share series in which key, user, client
    /// and model names are `other`. Ours: labels hold what clients send, and memory is bounded.
    pub max_series: usize,
    /// Series that nothing was added to for so long are dropped.
    #[serde(skip)]
    pub idle: Duration,
}

impl Default for PrometheusSettings {
    fn default() -> Self {
        Self {
            latency_buckets: table::LATENCY_BUCKETS.to_vec(),
            exclude_metrics: Vec::new(),
            exclude_labels: Vec::new(),
            end_users: false,
            stream_label: false,
            max_series: 10_000,
            idle: Duration::from_secs(3600),
        }
    }
}
