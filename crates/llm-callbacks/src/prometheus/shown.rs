//! What is shown: which metrics, with which labels. The names of the settings, checked.

use std::collections::{HashMap, HashSet};

use super::PrometheusSettings;
use super::labels::Label;
use super::own::Own;
use super::table::METRICS;
use super::{scrape, sink};

/// Metrics of LiteLLM that are not measured here, by the names that its settings use.
const NOT_HERE: &str = "
    litellm_active_users litellm_team_members_metric litellm_pod_lock_manager_size litellm_in_memory_daily_spend_update_queue_size
    litellm_redis_daily_spend_update_queue_size litellm_in_memory_spend_update_queue_size
    litellm_redis_spend_update_queue_size litellm_spend_capture_rate litellm_managed_batch_created
    litellm_managed_file_size_bytes litellm_managed_batch_duration_seconds litellm_managed_file_created
    litellm_managed_file_deleted litellm_check_batch_cost_jobs_polled litellm_check_batch_cost_jobs_processed
    litellm_check_batch_cost_errors litellm_check_batch_cost_last_run_timestamp";

/// What is shown.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) end_user: bool,
    pub(super) client_ip: bool,
    pub(super) user_agent: bool,
    pub(super) stream: bool,
    excluded_metrics: HashSet<String>,
    excluded_labels: HashSet<String>,
    /// Nothing: all.
    only: Option<HashSet<String>>,
    labels: HashMap<String, HashSet<String>>,
}

/// LiteLLM's settings name counters with and without the end that the exposition gives them.
fn bare(metric: &str) -> &str {
    metric.strip_suffix("_total").unwrap_or(metric)
}

impl Shown {
    pub(super) fn new(settings: &PrometheusSettings) -> Self {
        let excluded = |name: &str| settings.exclude_labels.iter().any(|l| l == name);
        let groups = &settings.metrics_config;
        let named = groups.iter().flat_map(|g| &g.metrics).map(|m| bare(m).to_owned());
        let mut labels = HashMap::new();
        for group in groups.iter().filter(|g| !g.include_labels.is_empty()) {
            for metric in &group.metrics {
                labels.insert(bare(metric).to_owned(), group.include_labels.iter().cloned().collect());
            }
        }
        Self {
            end_user: settings.end_users && !settings.no_end_users && !excluded("end_user"),
            client_ip: !excluded("client_ip"),
            user_agent: !excluded("user_agent"),
            stream: settings.stream_label && !excluded("stream"),
            excluded_metrics: settings.exclude_metrics.iter().map(|m| bare(m).to_owned()).collect(),
            excluded_labels: settings.exclude_labels.iter().cloned().collect(),
            only: (!groups.is_empty()).then(|| named.collect()),
            labels,
        }
    }

    /// True for metrics that are served.
    pub(super) fn metric(&self, name: &str) -> bool {
        let name = bare(name);
        !self.excluded_metrics.contains(name) && self.only.as_ref().is_none_or(|only| only.contains(name))
    }

    /// True for labels that a metric keeps.
    pub(super) fn label(&self, metric: &str, label: &str) -> bool {
        !self.excluded_labels.contains(label) && self.labels.get(bare(metric)).is_none_or(|kept| kept.contains(label))
    }
}

/// What is wrong with the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Names that do not exist.
    pub unknown: Vec<String>,
    /// Metrics that LiteLLM has and this gateway does not measure.
    pub not_here: Vec<String>,
}

impl PrometheusSettings {
    /// Looks for names that are no metrics or labels.
    #[must_use]
    pub fn faults(&self) -> Faults {
        let mut out = Faults::default();
        let own = Own::new(self);
        let named = self.metrics_config.iter().flat_map(|g| &g.metrics).chain(&self.exclude_metrics);
        for metric in named {
            if labels_of(metric).is_some() {
                continue;
            }
            let known = NOT_HERE.split_whitespace().any(|name| name == bare(metric));
            let list = if known { &mut out.not_here } else { &mut out.unknown };
            list.push(format!("the metric {metric}"));
        }
        for group in &self.metrics_config {
            for (metric, labels) in group.metrics.iter().filter_map(|m| Some((m, labels_of(m)?))) {
                let wrong = |label: &&String| !labels.contains(&label.as_str()) && !own.names().contains(label);
                for label in group.include_labels.iter().filter(wrong) {
                    let elsewhere = Label::ALL.iter().any(|l| l.name() == label.as_str());
                    let known = elsewhere || LITELLM_LABELS.contains(&label.as_str());
                    let list = if known { &mut out.not_here } else { &mut out.unknown };
                    list.push(format!("the label {label} of {metric}"));
                }
            }
        }
        let any = |label: &str| {
            Label::ALL.iter().any(|l| l.name() == label)
                || own.names().iter().any(|l| l == label)
                || LITELLM_LABELS.contains(&label)
        };
        out.unknown.extend(self.exclude_labels.iter().filter(|l| !any(l)).map(|l| format!("the label {l}")));
        out
    }
}

/// Labels that LiteLLM's other metrics have.
const LITELLM_LABELS: &[&str] = &[
    "user_alias",
    "tag",
    "rate_limit_category",
    "callback_name",
    "input_sequence_length",
    "guardrail_name",
    "status",
    "error_type",
    "hook_type",
];

/// The labels of a metric; nothing when there is none of this name.
fn labels_of(metric: &str) -> Option<Vec<&'static str>> {
    let wanted = bare(metric);
    let names = |labels: &'static [Label]| -> Vec<&'static str> { labels.iter().map(|l| l.name()).collect() };
    let counted = METRICS.iter().find(|m| bare(m.name) == wanted).map(|m| names(m.labels));
    let at_scrape = || scrape::KINDS.iter().find(|k| bare(k.name) == wanted).map(|k| names(k.labels));
    let of_sink = || sink::OTHERS.iter().find(|(name, _)| bare(name) == wanted).map(|(_, labels)| labels.to_vec());
    counted.or_else(at_scrape).or_else(of_sink)
}
