//! The bus: batches, floods, slow, hanging, failing and panicking sinks, shutdown.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use llm_callbacks::testing::{answered, failed};
use llm_callbacks::{Bus, BusSettings, Callback, Delivery, Needs, SinkError};
use llm_types::LogRecord;
use parking_lot::Mutex;
use tokio::runtime::Handle;

/// What the test's sink does with a batch.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Take,
    Slow(Duration),
    Hang,
    Panic,
    Fail { times: u32, retryable: bool },
}

#[derive(Debug)]
struct Probe {
    name: &'static str,
    mood: Mood,
    needs: Needs,
    delivery: Delivery,
    calls: AtomicU32,
    batches: Mutex<Vec<Vec<Arc<LogRecord>>>>,
    others_lost: AtomicU64,
}

impl Probe {
    fn new(mood: Mood, max: usize, every: Duration) -> Arc<Self> {
        Arc::new(Self {
            name: "probe",
            mood,
            needs: Needs::CALLS,
            delivery: Delivery::Batched { max, every },
            calls: AtomicU32::new(0),
            batches: Mutex::default(),
            others_lost: AtomicU64::new(0),
        })
    }

    fn inline(name: &'static str) -> Arc<Self> {
        let mut probe = Arc::into_inner(Self::new(Mood::Take, 1, Duration::ZERO)).unwrap();
        (probe.name, probe.delivery) = (name, Delivery::Inline);
        Arc::new(probe)
    }

    fn seen(&self) -> usize {
        self.batches.lock().iter().map(Vec::len).sum()
    }
}

impl Callback for Probe {
    fn name(&self) -> &str {
        self.name
    }
    fn needs(&self) -> Needs {
        self.needs
    }
    fn delivery(&self) -> Delivery {
        self.delivery
    }
    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            match self.mood {
                Mood::Take => {}
                Mood::Slow(time) => tokio::time::sleep(time).await,
                Mood::Hang => std::future::pending().await,
                Mood::Panic => panic!("a sink's bug"),
                Mood::Fail { times, retryable } if call < times => {
                    return Err(SinkError { message: "not now".to_owned(), retryable });
                }
                Mood::Fail { .. } => {}
            }
            self.batches.lock().push(batch.to_vec());
            Ok(())
        }
        .boxed()
    }
    fn lost(&self, _: &str, records: u64) {
        self.others_lost.fetch_add(records, Ordering::SeqCst);
    }
}

fn quick() -> BusSettings {
    BusSettings {
        job_timeout: Duration::from_millis(200),
        retry_wait: Duration::from_millis(5),
        tick: Duration::from_millis(10),
        ..BusSettings::default()
    }
}

fn start(sink: &Arc<Probe>, settings: BusSettings) -> Bus {
    Bus::start(vec![Arc::clone(sink) as Arc<dyn Callback>], settings, &Handle::current())
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_full_or_due_and_keep_their_order() {
    let sink = Probe::new(Mood::Take, 100, LONG);
    let bus = start(&sink, quick());
    (0..250).for_each(|n| bus.push(Arc::new(answered(n))));
    assert_eq!(bus.shutdown(Duration::from_secs(5)).await, 0);
    let batches = std::mem::take(&mut *sink.batches.lock());
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    let order: Vec<_> = batches.iter().flatten().map(|r| r.call_id.to_string()).collect();
    assert_eq!(order, (0..250).map(|n| format!("call-{n}")).collect::<Vec<_>>());

    let sink = Probe::new(Mood::Take, 100, Duration::from_millis(30));
    let bus = start(&sink, quick());
    bus.push(Arc::new(answered(0)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sink.seen(), 1, "a lone record is delivered when it is due");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_dropped_and_counted_and_never_blocks() {
    let sink = Probe::new(Mood::Hang, 512, LONG);
    // What fits neither into the intake nor into the queue of the sink is dropped.
    let settings = BusSettings { capacity: 1000, tick: LONG, ..quick() };
    let bus = start(&sink, settings);
    let record = Arc::new(answered(0));
    let begun = Instant::now();
    for _ in 0..200_000 {
        bus.push(Arc::clone(&record));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "pushing waits: {:?}", begun.elapsed());
    bus.drain();
    let report = &bus.report()[0];
    assert_eq!(bus.dropped() + report.dropped + report.waiting + report.failed, 200_000);
    assert!(report.waiting + report.failed <= 5000, "the queues are bounded: {report:?}");
    assert!(bus.dropped() + report.dropped > 190_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_sink_slows_neither_pushes_nor_other_sinks() {
    let slow = Probe::new(Mood::Slow(Duration::from_millis(150)), 1, LONG);
    let fast = Probe::new(Mood::Take, 1, LONG);
    let sinks = vec![Arc::clone(&slow) as Arc<dyn Callback>, Arc::clone(&fast) as Arc<dyn Callback>];
    let bus = Bus::start(sinks, quick(), &Handle::current());
    let begun = Instant::now();
    (0..50).for_each(|n| bus.push(Arc::new(answered(n))));
    assert!(begun.elapsed() < Duration::from_millis(100));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(fast.seen(), 50);
    assert!(slow.seen() < 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_retried_then_counted_and_told() {
    for (mood, calls, delivered) in [
        (Mood::Fail { times: 2, retryable: true }, 3, 4),
        (Mood::Fail { times: 9, retryable: true }, 3, 0),
        (Mood::Fail { times: 9, retryable: false }, 1, 0),
        (Mood::Panic, 1, 0),
        (Mood::Hang, 1, 0),
    ] {
        let (sink, meter) = (Probe::new(mood, 4, LONG), Probe::inline("meter"));
        let sinks = vec![Arc::clone(&sink) as Arc<dyn Callback>, Arc::clone(&meter) as Arc<dyn Callback>];
        let bus = Bus::start(sinks, quick(), &Handle::current());
        (0..4).for_each(|n| bus.push(Arc::new(answered(n))));
        assert_eq!(bus.shutdown(Duration::from_secs(5)).await, 0);
        let report = &bus.report()[0];
        assert_eq!((report.delivered, report.failed), (delivered, 4 - delivered), "{mood:?}");
        assert_eq!(sink.calls.load(Ordering::SeqCst), calls, "{mood:?}");
        assert_eq!(meter.others_lost.load(Ordering::SeqCst), 4 - delivered, "{mood:?}");
        assert_eq!(meter.seen(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_keeps_its_deadline_and_takes_no_more() {
    let sink = Probe::new(Mood::Hang, 4, LONG);
    let bus = start(&sink, BusSettings { job_timeout: LONG, ..quick() });
    (0..10).for_each(|n| bus.push(Arc::new(answered(n))));
    let begun = Instant::now();
    assert_eq!(bus.shutdown(Duration::from_millis(100)).await, 10);
    assert!(begun.elapsed() < Duration::from_secs(3));
    bus.push(Arc::new(answered(0)));
    assert_eq!(bus.dropped(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inline_sinks_are_up_to_date_after_a_drain() {
    let meter = Probe::inline("meter");
    let bus = start(&meter, BusSettings { tick: LONG, ..quick() });
    (0..700).for_each(|n| bus.push(Arc::new(answered(n))));
    bus.drain();
    assert_eq!(meter.seen(), 700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sinks_get_only_the_calls_they_ask_for() {
    let mut probe = Arc::into_inner(Probe::new(Mood::Take, 100, LONG)).unwrap();
    probe.needs = Needs::FAILURE.union(Needs::CONTENT);
    let sink = Arc::new(probe);
    let bus = start(&sink, quick());
    assert!(bus.needs().has(Needs::CONTENT) && !bus.needs().has(Needs::SUCCESS));
    (0..10).for_each(|n| bus.push(Arc::new(if n < 3 { failed(n) } else { answered(n) })));
    bus.shutdown(Duration::from_secs(5)).await;
    assert_eq!(sink.seen(), 3);
    assert_eq!(bus.dropped(), 0, "calls that nobody wants are not dropped records");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_gone_delivers_what_waits() {
    let sink = Probe::new(Mood::Take, 100, LONG);
    let bus = start(&sink, BusSettings { tick: LONG, ..quick() });
    (0..10).for_each(|n| bus.push(Arc::new(answered(n))));
    drop(bus);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sink.seen(), 10);
}
