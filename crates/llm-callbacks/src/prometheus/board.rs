//! The series: cells of numbers, found by the labels of a record.
//!
//! A record's labels are hashed and compared once; behind them stand the cells of all metrics that such records
//! feed. Cells are shared between label combinations that differ only in labels a metric does not have. A cell that
//! no combination holds any more is dropped.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use llm_types::LogRecord;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::PrometheusSettings;
use super::labels::{Dims, Label, Shown};
use super::table::{METRICS, Metric, Shape};

#[derive(Debug)]
enum Cell {
    Counter(Counter<f64, AtomicU64>),
    Histogram(Histogram),
}

impl Cell {
    fn add(&self, value: f64) {
        match self {
            Self::Counter(c) => {
                c.inc_by(value);
            }
            Self::Histogram(h) => h.observe(value),
        }
    }
}

type Values = Box<[Box<str>]>;

/// A metric with its cells.
#[derive(Debug)]
struct Family {
    metric: &'static Metric,
    labels: Vec<Label>,
    cells: HashMap<Values, Arc<Cell>>,
}

impl Family {
    fn cell(&mut self, dims: &Dims<&str>, buckets: &[f64]) -> Arc<Cell> {
        let values: Values = self.labels.iter().map(|l| Box::from(dims.get(*l))).collect();
        let shape = self.metric.shape;
        Arc::clone(self.cells.entry(values).or_insert_with(|| {
            Arc::new(match shape {
                Shape::Counter => Cell::Counter(Counter::default()),
                Shape::Histogram => Cell::Histogram(Histogram::new(buckets.iter().copied())),
            })
        }))
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let kind = match self.metric.shape {
            Shape::Counter => MetricType::Counter,
            Shape::Histogram => MetricType::Histogram,
        };
        let mut family = encoder.encode_descriptor(self.metric.name, self.metric.help, None, kind)?;
        for (values, cell) in &self.cells {
            let labels: Vec<(&str, &str)> =
                self.labels.iter().map(|l| l.name()).zip(values.iter().map(|v| &**v)).collect();
            let one = family.encode_family(&labels)?;
            match &**cell {
                Cell::Counter(c) => c.encode(one)?,
                Cell::Histogram(h) => h.encode(one)?,
            }
        }
        Ok(())
    }
}

/// The cells of one combination of labels; a metric's cell is made when it first has a value.
#[derive(Debug)]
struct Series {
    dims: Dims<Arc<str>>,
    cells: Box<[Option<Arc<Cell>>]>,
    used: Instant,
}

/// All series.
#[derive(Debug)]
pub(super) struct Board {
    families: Vec<Family>,
    series: HashMap<u64, Vec<Series>>,
    count: usize,
    hasher: RandomState,
    shown: Shown,
    buckets: Vec<f64>,
    max: usize,
    idle: Duration,
    swept: Instant,
}

impl Board {
    pub(super) fn new(settings: &PrometheusSettings, now: Instant) -> Self {
        let excluded = |name: &str| settings.exclude_labels.iter().any(|l| l == name);
        let shown = Shown {
            end_user: settings.end_users && !excluded("end_user"),
            client_ip: !excluded("client_ip"),
            user_agent: !excluded("user_agent"),
            stream: settings.stream_label && !excluded("stream"),
        };
        let keep = |l: &Label| !excluded(l.name()) && (*l != Label::Stream || shown.stream);
        let served = |m: &&Metric| !settings.exclude_metrics.iter().any(|e| e == m.name);
        let families = METRICS.iter().filter(served).map(|metric| Family {
            metric,
            labels: metric.labels.iter().copied().filter(keep).collect(),
            cells: HashMap::new(),
        });
        Self {
            families: families.collect(),
            series: HashMap::new(),
            count: 0,
            hasher: RandomState::new(),
            shown,
            buckets: settings.latency_buckets.clone(),
            max: settings.max_series.max(1),
            idle: settings.idle,
            swept: now,
        }
    }

    /// Adds a call.
    pub(super) fn add(&mut self, record: &LogRecord, now: Instant) {
        let mut dims = Dims::of(record, self.shown);
        let mut hash = self.hasher.hash_one(dims);
        if self.count >= self.max && !self.series.get(&hash).is_some_and(|all| all.iter().any(|s| dims.same(&s.dims))) {
            dims = dims.collapsed();
            hash = self.hasher.hash_one(dims);
        }
        let all = self.series.entry(hash).or_default();
        let at = all.iter().position(|s| dims.same(&s.dims)).unwrap_or_else(|| {
            let cells = self.families.iter().map(|_| None).collect();
            all.push(Series { dims: dims.keep(), cells, used: now });
            self.count += 1;
            all.len() - 1
        });
        let Some(series) = all.get_mut(at) else { return };
        series.used = now;
        for (family, cell) in self.families.iter_mut().zip(&mut series.cells) {
            if let Some(value) = (family.metric.value)(record) {
                cell.get_or_insert_with(|| family.cell(&dims, &self.buckets)).add(value);
            }
        }
    }

    /// Drops combinations that were idle for too long, and the cells that only they held. Looks at most once a
    /// minute, or once per idle time where that is shorter.
    pub(super) fn sweep(&mut self, now: Instant) {
        let pause = self.idle.min(Duration::from_secs(60));
        if now.saturating_duration_since(self.swept) < pause {
            return;
        }
        self.swept = now;
        let before = self.count;
        self.series.retain(|_, all| {
            all.retain(|s| now.saturating_duration_since(s.used) < self.idle);
            !all.is_empty()
        });
        self.count = self.series.values().map(Vec::len).sum();
        if self.count < before {
            for family in &mut self.families {
                family.cells.retain(|_, cell| Arc::strong_count(cell) > 1);
            }
        }
    }

    /// How many combinations of labels are held.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.families.iter().try_for_each(|f| f.encode(encoder))
    }
}
