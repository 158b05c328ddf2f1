//! What a finished call costs: the push on the request path; metrics and payload behind it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use llm_callbacks::testing::answered;
use llm_callbacks::{Bus, BusSettings, Callback, Prometheus, PrometheusSettings, Redaction, payload};
use llm_types::LogRecord;

/// Records of `kinds` different callers.
fn records(kinds: u64) -> Vec<Arc<LogRecord>> {
    let one = |n: u64| {
        let mut r = answered(n);
        r.caller.key_hash = Some(format!("{:064x}", n % kinds).into());
        r.user_agent = Some("OpenAI/Python 2.9.0".to_owned());
        Arc::new(r)
    };
    (0..4096).map(one).collect()
}

fn push(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sink: Arc<dyn Callback> = Arc::new(Prometheus::new(&PrometheusSettings::default()));
    let bus = Bus::start(vec![sink], BusSettings::default(), runtime.handle());
    let record = Arc::new(answered(0));
    c.bench_function("push", |b| {
        // Fewer than the intake holds, then room again: the cost of a push that is taken.
        b.iter_batched(
            || bus.drain(),
            |()| (0..1000).for_each(|_| bus.push(black_box(Arc::clone(&record)))),
            BatchSize::PerIteration,
        );
    });
    let full =
        Bus::start(vec![Arc::new(Never)], BusSettings { capacity: 1, ..BusSettings::default() }, runtime.handle());
    c.bench_function("push, full", |b| b.iter(|| full.push(black_box(Arc::clone(&record)))));
}

/// A sink that takes nothing.
#[derive(Debug)]
struct Never;

impl Callback for Never {
    fn name(&self) -> &str {
        "never"
    }
    fn needs(&self) -> llm_callbacks::Needs {
        llm_callbacks::Needs::CALLS
    }
    fn log<'a>(
        &'a self,
        _: &'a [Arc<LogRecord>],
    ) -> futures_util::future::BoxFuture<'a, Result<(), llm_callbacks::SinkError>> {
        Box::pin(std::future::pending())
    }
}

fn metrics(c: &mut Criterion) {
    for kinds in [1, 100, 2000] {
        let sink = Prometheus::new(&PrometheusSettings::default());
        let records = records(kinds);
        sink.observe(&records, Instant::now());
        let mut all = records.iter().cycle();
        c.bench_function(&format!("metrics of a record, {kinds} callers"), |b| {
            b.iter_custom(|times| {
                let batch: Vec<_> = all.by_ref().take(usize::try_from(times).unwrap()).cloned().collect();
                let begun = Instant::now();
                sink.observe(&batch, begun);
                begun.elapsed()
            });
        });
        c.bench_function(&format!("exposition, {kinds} callers"), |b| b.iter(|| black_box(sink.encode().len())));
    }
}

fn json(c: &mut Criterion) {
    let (record, redaction) = (answered(0), Redaction::default());
    let mut out = Vec::new();
    c.bench_function("payload of a record", |b| {
        b.iter(|| {
            out.clear();
            payload::write(black_box(&record), &redaction, &mut out);
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = push, metrics, json
}
criterion_main!(benches);
