//! The Prometheus sink.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use llm_types::LogRecord;
use llm_types::trail::GuardrailRun;
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::PrometheusSettings;
use super::board::Board;
use super::scrape::{Scrape, Sheet};
use super::shown::Shown;
use crate::callback::{Callback, Delivery, Needs, SinkError};

/// The media type of [`Prometheus::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// Metrics that are neither a record's nor read at a scrape, with their labels.
pub(super) const OTHERS: &[(&str, &[&str])] = &[
    ("litellm_in_flight_requests", &[]),
    ("litellm_callback_logging_failures_metric", &["callback_name"]),
    ("litellm_guardrail_requests", &["guardrail_name", "status", "hook_type"]),
    ("litellm_guardrail_errors", &["guardrail_name", "error_type", "hook_type"]),
    ("litellm_guardrail_latency_seconds", &["guardrail_name", "status", "error_type", "hook_type"]),
    ("llm_cache_failures", &["cache", "operation", "reason"]),
    ("llm_cache_usable", &["cache"]),
];

/// Makes histograms of latency.
#[derive(Clone)]
struct Buckets(Arc<[f64]>);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// What failed, for `error_type`: a guardrail says why to nobody but the log.
const FAILED: &str = "GuardrailFailed";

/// LiteLLM's metrics. Costs about a microsecond per call, on the background runtime.
pub struct Prometheus {
    board: Arc<Mutex<Board>>,
    registry: Registry,
    shown: Shown,
    in_flight: Gauge<i64, AtomicI64>,
    lost: Family<Labels, Counter>,
    cache_failures: Family<Labels, Counter>,
    cache_usable: Family<Labels, Gauge<i64, AtomicI64>>,
    guardrail_runs: Family<Labels, Counter>,
    guardrail_errors: Family<Labels, Counter>,
    guardrail_latency: Family<Labels, Histogram, Buckets>,
}

/// The registry's view of the board.
struct Series(Arc<Mutex<Board>>);

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Series(..)")
    }
}

impl Collector for Series {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.lock().encode(&mut encoder)
    }
}

impl Prometheus {
    /// Metrics that all start at zero.
    #[must_use]
    pub fn new(settings: &PrometheusSettings) -> Self {
        let board = Arc::new(Mutex::new(Board::new(settings, Instant::now())));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Series(Arc::clone(&board))));
        let shown = Shown::new(settings);
        let in_flight = Gauge::default();
        let this = Self {
            board,
            in_flight: in_flight.clone(),
            lost: Family::default(),
            cache_failures: Family::default(),
            cache_usable: Family::default(),
            guardrail_runs: Family::default(),
            guardrail_errors: Family::default(),
            guardrail_latency: Family::new_with_constructor(Buckets(settings.latency_buckets.as_slice().into())),
            registry: Registry::default(),
            shown,
        };
        let on = |name: &str| this.shown.metric(name);
        if on("litellm_in_flight_requests") {
            registry.register("litellm_in_flight_requests", "Requests under way", in_flight);
        }
        for (name, help, family) in [
            ("litellm_callback_logging_failures_metric", "Records that a callback lost", &this.lost),
            (
                "llm_cache_failures",
                "Operations of the response cache that failed or were left out",
                &this.cache_failures,
            ),
            ("litellm_guardrail_requests", "Runs of guardrails", &this.guardrail_runs),
            ("litellm_guardrail_errors", "Runs of guardrails that failed", &this.guardrail_errors),
        ] {
            if on(name) {
                registry.register(name, help, family.clone());
            }
        }
        if on("llm_cache_usable") {
            let help = "1 while the response cache is used, 0 while it is left alone after failures";
            registry.register("llm_cache_usable", help, this.cache_usable.clone());
        }
        if on("litellm_guardrail_latency_seconds") {
            registry.register(
                "litellm_guardrail_latency_seconds",
                "Seconds that guardrails took",
                this.guardrail_latency.clone(),
            );
        }
        Self { registry, ..this }
    }

    /// What records said, as OpenMetrics text ([`CONTENT_TYPE`]). Drain the bus before, to have it up to date.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(64 << 10);
        finished(text::encode(&mut out, &self.registry), out)
    }

    /// All metrics: what records said, and what the gateway knows now.
    #[must_use]
    pub fn encode_at(&self, scrape: &Scrape) -> String {
        let mut out = String::with_capacity(64 << 10);
        let mut now = Registry::default();
        {
            let mut board = self.board.lock();
            let there: HashSet<&str> = scrape.deployments.iter().map(|d| &*d.id).collect();
            board.homes.keep(|id| there.contains(id));
            now.register_collector(Box::new(Sheet::new(scrape, &board.homes, &board.shown)));
        }
        let mut gauges = String::new();
        let written =
            text::encode_registry(&mut out, &self.registry).and_then(|()| text::encode_registry(&mut gauges, &now));
        // OpenMetrics knows one spelling; the library writes Rust's. A line break within a label is escaped.
        out.push_str(&gauges.replace("} inf\n", "} +Inf\n"));
        finished(written.and_then(|()| text::encode_eof(&mut out)), out)
    }

    /// Adds calls that ended about `now`.
    pub fn observe(&self, records: &[Arc<LogRecord>], now: Instant) {
        let mut board = self.board.lock();
        records.iter().for_each(|r| board.add(r, now));
        board.sweep(now);
        drop(board);
        records.iter().flat_map(|r| &r.trail.guardrails).for_each(|run| self.guardrail(run));
    }

    /// Sets `litellm_in_flight_requests`.
    pub fn set_in_flight(&self, requests: i64) {
        self.in_flight.set(requests);
    }

    /// Adds an operation of the response cache that failed: which cache, which operation, one word why.
    pub fn cache_failed(&self, kind: &str, operation: &str, reason: &str) {
        let labels = [("cache", kind), ("operation", operation), ("reason", reason)];
        self.cache_failures.get_or_create_owned(&self.labels("llm_cache_failures", &labels)).inc();
    }

    /// Says whether the response cache is used, or left alone.
    pub fn cache_usable(&self, kind: &str, usable: bool) {
        let labels = self.labels("llm_cache_usable", &[("cache", kind)]);
        self.cache_usable.get_or_create_owned(&labels).set(i64::from(usable));
    }

    /// Adds a run of a guardrail.
    fn guardrail(&self, run: &GuardrailRun) {
        let (name, hook, status) = (("guardrail_name", &*run.name), ("hook_type", run.hook), ("status", run.status));
        let labels = self.labels("litellm_guardrail_requests", &[name, status, hook]);
        self.guardrail_runs.get_or_create_owned(&labels).inc();
        let failed = run.status == "error";
        let error = ("error_type", if failed { FAILED } else { "none" });
        if failed {
            let labels = self.labels("litellm_guardrail_errors", &[name, error, hook]);
            self.guardrail_errors.get_or_create_owned(&labels).inc();
        }
        let labels = self.labels("litellm_guardrail_latency_seconds", &[name, status, error, hook]);
        self.guardrail_latency.get_or_create_owned(&labels).observe(Duration::from_micros(run.took_us).as_secs_f64());
    }

    /// The labels that one of the [`OTHERS`] keeps.
    fn labels(&self, metric: &str, all: &[(&'static str, &str)]) -> Labels {
        let kept = all.iter().filter(|(name, _)| self.shown.label(metric, name));
        kept.map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    /// Combinations of labels that are held.
    #[must_use]
    pub fn series(&self) -> usize {
        self.board.lock().len()
    }
}

/// A text that was written, or none.
fn finished(written: fmt::Result, text: String) -> String {
    match written {
        Ok(()) => text,
        Err(e) => {
            tracing::error!(error = %e, "metrics cannot be written");
            "# EOF\n".to_owned()
        }
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("series", &self.series()).finish_non_exhaustive()
    }
}

impl Callback for Prometheus {
    fn name(&self) -> &str {
        "prometheus"
    }

    fn needs(&self) -> Needs {
        Needs::CALLS
    }

    fn delivery(&self) -> Delivery {
        Delivery::Inline
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        self.observe(batch, Instant::now());
        ready(Ok(())).boxed()
    }

    fn lost(&self, sink: &str, records: u64) {
        let labels = self.labels("litellm_callback_logging_failures_metric", &[("callback_name", sink)]);
        self.lost.get_or_create_owned(&labels).inc_by(records);
    }
}
