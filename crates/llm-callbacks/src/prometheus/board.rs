//! The series: cells of numbers, found by the labels of a record.
//!
//! A record's labels are hashed and compared once; behind them stand the cells of all metrics that such records
//! feed. Cells are shared between label combinations that differ only in labels a metric does not have. A cell that
//! no combination holds any more is dropped.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use llm_types::LogRecord;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::PrometheusSettings;
use super::homes::Homes;
use super::labels::{Dims, FREE, Label, OTHER};
use super::own::Own;
use super::parts;
use super::shown::Shown;
use super::table::{METRICS, Metric, Part, Shape};

#[derive(Debug)]
enum Cell {
    Counter(Counter<f64, AtomicU64>),
    Gauge(Gauge<f64, AtomicU64>),
    Histogram(Histogram),
}

impl Cell {
    fn add(&self, value: f64) {
        match self {
            Self::Counter(c) => {
                c.inc_by(value);
            }
            Self::Gauge(g) => {
                g.set(value);
            }
            Self::Histogram(h) => h.observe(value),
        }
    }
}

type Values = Box<[Arc<str>]>;

/// A metric with its cells.
#[derive(Debug)]
struct Family {
    metric: &'static Metric,
    /// Names of its labels, and their places among all.
    labels: Vec<(String, usize)>,
    cells: HashMap<Values, Arc<Cell>>,
}

impl Family {
    fn new(metric: &'static Metric, shown: &Shown, own: &Own) -> Self {
        let kept = |name: &str| shown.label(metric.name, name);
        let of_litellm = metric.labels.iter().filter(|l| **l != Label::Stream || shown.stream);
        let of_litellm = of_litellm.map(|l| (l.name().to_owned(), *l as usize));
        let of_operator = own.names().iter().enumerate().map(|(at, name)| (name.clone(), Label::ALL.len() + at));
        let labels = of_litellm.chain(of_operator).filter(|(name, _)| kept(name)).collect();
        Self { metric, labels, cells: HashMap::new() }
    }

    fn cell(&mut self, dims: &[Arc<str>], buckets: &[f64]) -> Arc<Cell> {
        let values: Values = self.labels.iter().filter_map(|(_, at)| dims.get(*at).map(Arc::clone)).collect();
        let shape = self.metric.shape;
        Arc::clone(self.cells.entry(values).or_insert_with(|| {
            Arc::new(match shape {
                Shape::Counter => Cell::Counter(Counter::default()),
                Shape::Gauge => Cell::Gauge(Gauge::default()),
                Shape::Histogram => Cell::Histogram(Histogram::new(buckets.iter().copied())),
            })
        }))
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let kind = match self.metric.shape {
            Shape::Counter => MetricType::Counter,
            Shape::Gauge => MetricType::Gauge,
            Shape::Histogram => MetricType::Histogram,
        };
        let mut family = encoder.encode_descriptor(self.metric.name, self.metric.help, None, kind)?;
        for (values, cell) in &self.cells {
            let labels: Vec<(&str, &str)> =
                self.labels.iter().map(|(name, _)| name.as_str()).zip(values.iter().map(|v| &**v)).collect();
            let one = family.encode_family(&labels)?;
            match &**cell {
                Cell::Counter(c) => c.encode(one)?,
                Cell::Gauge(g) => g.encode(one)?,
                Cell::Histogram(h) => h.encode(one)?,
            }
        }
        Ok(())
    }
}

/// The cells of one combination of labels; a metric's cell is made when it first has a value.
#[derive(Debug)]
struct Series {
    dims: Values,
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
    own: Own,
    pub(super) shown: Shown,
    pub(super) homes: Homes,
    /// Every value that a series has, once.
    texts: HashSet<Arc<str>>,
    /// Labels whose values clients choose: their places, the values that are told apart, how many may be.
    free: Vec<(usize, HashSet<Arc<str>>, usize)>,
    buckets: Vec<f64>,
    max: usize,
    idle: Duration,
    swept: Instant,
}

impl Board {
    pub(super) fn new(settings: &PrometheusSettings, now: Instant) -> Self {
        let (shown, own) = (Shown::new(settings), Own::new(settings));
        let served = METRICS.iter().filter(|m| shown.metric(m.name));
        let most = |(label, most): &(Label, usize)| match settings.max_end_users {
            Some(users) if *label == Label::EndUser => (*label as usize, users),
            _ => (*label as usize, *most),
        };
        let free = FREE.iter().map(most).chain(own.free()).map(|(at, most)| (at, HashSet::new(), most));
        Self {
            families: served.map(|metric| Family::new(metric, &shown, &own)).collect(),
            series: HashMap::new(),
            count: 0,
            hasher: RandomState::new(),
            free: free.collect(),
            own,
            shown,
            homes: Homes::default(),
            texts: HashSet::new(),
            buckets: settings.latency_buckets.clone(),
            max: settings.max_series.max(1),
            idle: settings.idle,
            swept: now,
        }
    }

    /// Adds a call.
    pub(super) fn add(&mut self, record: &LogRecord, now: Instant) {
        self.homes.note(record);
        let dims = Dims::of(record, &self.shown, &self.own);
        for (part, dims) in parts::of(record, &dims) {
            self.feed(record, part, dims, now);
        }
        self.feed(record, Part::Call, dims, now);
    }

    fn feed(&mut self, record: &LogRecord, part: Part, mut dims: Dims<'_>, now: Instant) {
        if !self.families.iter().any(|f| f.metric.feed.of(record, part).is_some()) {
            return;
        }
        self.bound(&mut dims);
        let mut hash = self.hasher.hash_one(&dims);
        if self.count >= self.max && !self.series.get(&hash).is_some_and(|all| all.iter().any(|s| dims.same(&s.dims))) {
            dims.collapse();
            hash = self.hasher.hash_one(&dims);
        }
        let all = self.series.entry(hash).or_default();
        let at = all.iter().position(|s| dims.same(&s.dims)).unwrap_or_else(|| {
            let cells = self.families.iter().map(|_| None).collect();
            let dims = dims.iter().map(|text| interned(&mut self.texts, text)).collect();
            all.push(Series { dims, cells, used: now });
            self.count += 1;
            all.len() - 1
        });
        let Some(series) = all.get_mut(at) else { return };
        series.used = now;
        for (family, cell) in self.families.iter_mut().zip(&mut series.cells) {
            if let Some(value) = family.metric.feed.of(record, part) {
                cell.get_or_insert_with(|| family.cell(&series.dims, &self.buckets)).add(value);
            }
        }
    }

    /// A value that a client chose is `other` when enough of its label are told apart already.
    fn bound(&mut self, dims: &mut Dims<'_>) {
        for (at, known, most) in &mut self.free {
            let value = dims.get(*at);
            if known.contains(value) {
                continue;
            }
            if known.len() < *most {
                known.insert(interned(&mut self.texts, value));
            } else {
                dims.put_at(*at, Cow::Borrowed(OTHER));
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
            self.forget();
        }
    }

    /// Forgets cells and values that no combination holds any more.
    fn forget(&mut self) {
        for family in &mut self.families {
            family.cells.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        for (at, known, _) in &mut self.free {
            known.clear();
            known.extend(self.series.values().flatten().filter_map(|s| s.dims.get(*at).map(Arc::clone)));
        }
        self.texts.retain(|text| Arc::strong_count(text) > 1);
    }

    /// How many combinations of labels are held.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.families.iter().try_for_each(|f| f.encode(encoder))
    }
}

/// The one copy of a text.
fn interned(texts: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = Arc::from(text);
    texts.insert(Arc::clone(&new));
    new
}
