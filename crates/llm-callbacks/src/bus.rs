//! From requests to sinks: a bounded intake that nobody waits for, and a task that empties it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use llm_types::LogRecord;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::callback::{Callback, Needs, SinkError};
use crate::lane::{Lane, SinkReport, Tries};

/// Records that are handed on together when the intake is emptied.
const CHUNK: usize = 512;

/// Sizes and times of the bus.
#[derive(Debug, Clone, Copy)]
pub struct BusSettings {
    /// Records that may wait in the intake, and before each sink.
    pub capacity: usize,
    /// How long a sink may take for a batch.
    pub job_timeout: Duration,
    /// How often a batch is tried at the most.
    pub attempts: u32,
    /// Pause after the first failure; it grows by itself with each further one.
    pub retry_wait: Duration,
    /// How often the intake is emptied at the least.
    pub tick: Duration,
}

impl Default for BusSettings {
    /// LiteLLM's numbers: 50,000 records, 20 seconds a job.
    fn default() -> Self {
        Self {
            capacity: 50_000,
            job_timeout: Duration::from_secs(20),
            attempts: 3,
            retry_wait: Duration::from_millis(500),
            tick: Duration::from_millis(100),
        }
    }
}

/// Takes finished calls and tells every sink. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    intake: mpsc::Sender<Arc<LogRecord>>,
    outlet: Mutex<mpsc::Receiver<Arc<LogRecord>>>,
    lanes: Vec<Arc<Lane>>,
    needs: Needs,
    wake: Arc<Notify>,
    closed: AtomicBool,
    dropped: AtomicU64,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Bus {
    /// Starts the bus: one task that empties the intake and one per batched sink, all on `background`.
    #[must_use]
    pub fn start(sinks: Vec<Arc<dyn Callback>>, settings: BusSettings, background: &Handle) -> Self {
        let capacity = settings.capacity.max(1);
        let (intake, outlet) = mpsc::channel(capacity);
        let needs = sinks.iter().fold(Needs::NONE, |all, s| all.union(s.needs()));
        let lanes: Vec<_> = sinks.into_iter().map(|s| Arc::new(Lane::new(s, capacity))).collect();
        let inner = Arc::new(Inner {
            intake,
            outlet: Mutex::new(outlet),
            lanes,
            needs,
            wake: Arc::new(Notify::new()),
            closed: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            tasks: Mutex::default(),
        });
        let tries = Tries { timeout: settings.job_timeout, attempts: settings.attempts, wait: settings.retry_wait };
        let mut tasks = Vec::new();
        if !inner.lanes.is_empty() {
            tasks.push(background.spawn(empty(Arc::downgrade(&inner), Arc::clone(&inner.wake), settings.tick)));
        }
        for lane in inner.lanes.iter().filter(|l| !l.inline()) {
            let bus = Arc::downgrade(&inner);
            let lost = move |sink: &str, records: u64| {
                if let Some(bus) = bus.upgrade() {
                    bus.tell_lost(sink, records);
                }
            };
            tasks.push(background.spawn(Arc::clone(lane).run(tries, lost)));
        }
        *inner.tasks.lock() = tasks;
        Self(inner)
    }

    /// What the sinks together ask for. Without [`Needs::CONTENT`] records need no messages and no answers.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.0.needs
    }

    /// Hands a finished call over. Takes well under a microsecond and never waits: when the intake is full, or the
    /// bus is shut down, the record is dropped and counted.
    pub fn push(&self, record: Arc<LogRecord>) {
        let bus = &*self.0;
        if !bus.needs.wants(record.status) {
            return;
        }
        if bus.closed.load(Ordering::Acquire) || bus.intake.try_send(record).is_err() {
            bus.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Two pushes at once may both miss the mark; the tick makes up for it.
        let waiting = bus.intake.max_capacity() - bus.intake.capacity();
        if waiting.is_multiple_of(CHUNK) {
            bus.wake.notify_one();
        }
    }

    /// Hands everything pushed so far to the sinks: inline ones have seen it when this returns, batched ones have
    /// it in their queues. Call it before metrics are read.
    pub fn drain(&self) {
        self.0.drain();
    }

    /// Records that were pushed while the intake was full or the bus was shut down.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// What became of the records, per sink.
    #[must_use]
    pub fn report(&self) -> Vec<SinkReport> {
        self.0.lanes.iter().map(|l| l.report()).collect()
    }

    /// Hands one record to one sink, past its queue: what the sink said; nothing when there is no sink of this name.
    pub async fn try_out(&self, name: &str, record: LogRecord) -> Option<Result<(), SinkError>> {
        let lane = self.0.lanes.iter().find(|lane| lane.sink.name() == name)?;
        let batch = [Arc::new(record)];
        let told = tokio::time::timeout(BusSettings::default().job_timeout, lane.sink.log(&batch)).await;
        Some(told.unwrap_or_else(|_| Err(SinkError::passing("no answer in time"))))
    }

    /// Takes no more records, delivers those that wait, and ends the tasks. Returns after `deadline` at the latest,
    /// with the number of records that no sink confirmed until then. Needs a tokio runtime with a clock.
    pub async fn shutdown(&self, deadline: Duration) -> u64 {
        let bus = &*self.0;
        bus.closed.store(true, Ordering::Release);
        bus.drain();
        bus.wake.notify_one();
        bus.lanes.iter().for_each(|l| l.close());
        let tasks = std::mem::take(&mut *bus.tasks.lock());
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        if tokio::time::timeout(deadline, join_all(tasks)).await.is_err() {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        bus.lanes.iter().map(|l| l.report().waiting).sum()
    }
}

impl Inner {
    fn drain(&self) {
        let mut outlet = self.outlet.lock();
        let mut chunk = Vec::new();
        loop {
            while chunk.len() < CHUNK
                && let Ok(record) = outlet.try_recv()
            {
                chunk.push(record);
            }
            if chunk.is_empty() {
                return;
            }
            for lane in &self.lanes {
                let lost = if lane.inline() { lane.feed(&chunk) } else { lane.put(&chunk) };
                if lost > 0 {
                    self.tell_lost(lane.sink.name(), lost);
                }
            }
            chunk.clear();
        }
    }

    fn tell_lost(&self, sink: &str, records: u64) {
        self.lanes.iter().filter(|l| l.inline()).for_each(|l| l.sink.lost(sink, records));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The last clone is gone without a shutdown: let the sinks' tasks deliver what they have and end.
        self.drain();
        self.lanes.iter().for_each(|l| l.close());
        self.wake.notify_one();
    }
}

/// Empties the intake at every tick, and sooner when a chunk is full, until the bus is closed or gone.
async fn empty(bus: Weak<Inner>, wake: Arc<Notify>, tick: Duration) {
    loop {
        let _ = tokio::time::timeout(tick, wake.notified()).await;
        let Some(bus) = bus.upgrade() else { return };
        bus.drain();
        if bus.closed.load(Ordering::Acquire) {
            return;
        }
    }
}
