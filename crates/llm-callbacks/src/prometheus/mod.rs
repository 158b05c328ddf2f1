//! LiteLLM's Prometheus metrics.
//!
//! - `labels`: the labels, and their values for a record; `own`: those that the operator adds.
//! - `table`: the metrics: name, help, labels (`sets`), value of a record (`values`).
//! - `parts`: what is told of a call beside itself: attempts, fallbacks, limits.
//! - `board`: the series, looked up by the labels of a record, and their sweep.
//! - `homes`: the deployments that were called; `scrape`: what is read when somebody scrapes.
//! - `shown`: which metrics with which labels.
//! - `sink`: the sink, and what is neither a record's nor read at a scrape (calls under way, lost records).

mod board;
mod homes;
mod labels;
mod own;
mod parts;
mod scrape;
mod sets;
mod shown;
mod sink;
mod table;
mod values;

pub use scrape::{BudgetNow, BudgetOwner, DeploymentNow, Scrape, Totals};
pub use shown::Faults;
pub use sink::{CONTENT_TYPE, Prometheus};

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
    /// End users are not told apart, whatever the setting before says (`disable_end_user_cost_tracking_prometheus_only`).
    #[serde(rename = "disable_end_user_cost_tracking_prometheus_only")]
    pub no_end_users: bool,
    /// Values of the metadata of a call that become labels: paths with dots (`custom_prometheus_metadata_labels`).
    #[serde(rename = "custom_prometheus_metadata_labels")]
    pub metadata_labels: Vec<String>,
    /// Tags that become labels, `true` for calls that have them; `*` stands for anything (`custom_prometheus_tags`).
    #[serde(rename = "custom_prometheus_tags")]
    pub tags: Vec<String>,
    /// The only metrics that are served, and their only labels; empty: all (`prometheus_metrics_config`).
    #[serde(rename = "prometheus_metrics_config")]
    pub metrics_config: Vec<MetricsGroup>,
    /// End users that are told apart; 1000 (`prometheus_end_user_metrics_max_series_per_metric`).
    #[serde(rename = "prometheus_end_user_metrics_max_series_per_metric")]
    pub max_end_users: Option<usize>,
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
            no_end_users: false,
            metadata_labels: Vec::new(),
            tags: Vec::new(),
            metrics_config: Vec::new(),
            max_end_users: None,
            max_series: 10_000,
            idle: Duration::from_secs(3600),
        }
    }
}

/// Metrics that are served, and the labels that they keep.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MetricsGroup {
    /// A name for people.
    pub group: String,
    /// The metrics.
    pub metrics: Vec<String>,
    /// Their labels; empty: all.
    pub include_labels: Vec<String>,
}
