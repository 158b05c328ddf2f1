//! The way to one sink: its own bounded queue and its own task.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use llm_types::LogRecord;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::callback::{Callback, Delivery, SinkError};

/// What became of the records that were meant for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkReport {
    /// Name of the sink.
    pub name: String,
    /// Records the sink took.
    pub delivered: u64,
    /// Records it refused, after retries.
    pub failed: u64,
    /// Records that found its queue full.
    pub dropped: u64,
    /// Records that wait, or are under way.
    pub waiting: u64,
}

/// The caller wants a sink of this name not to hear of the call.
pub(crate) fn is_untold(record: &LogRecord, name: &str) -> bool {
    record.untold.iter().any(|untold| untold.eq_ignore_ascii_case(name))
}

/// How often and how long a batch is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    pub(crate) timeout: Duration,
    pub(crate) attempts: u32,
    pub(crate) wait: Duration,
}

/// A sink with its counters; batched sinks also have a queue.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) sink: Arc<dyn Callback>,
    max: usize,
    every: Duration,
    capacity: usize,
    queue: Mutex<VecDeque<Arc<LogRecord>>>,
    wake: Notify,
    closing: AtomicBool,
    accepted: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Lane {
    pub(crate) fn new(sink: Arc<dyn Callback>, capacity: usize) -> Self {
        let (max, every) = match sink.delivery() {
            Delivery::Batched { max, every } => (max.max(1), every),
            Delivery::Inline => (usize::MAX, Duration::MAX),
        };
        Self {
            sink,
            max,
            every,
            capacity,
            queue: Mutex::default(),
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    pub(crate) fn inline(&self) -> bool {
        self.max == usize::MAX
    }

    /// Hands records over at once, to a sink that never waits. Tells how many were lost.
    pub(crate) fn feed(&self, records: &[Arc<LogRecord>]) -> u64 {
        let wanted: Vec<_>;
        let records = if records.iter().all(|r| self.sink.wants(r)) {
            records
        } else {
            wanted = records.iter().filter(|r| self.sink.wants(r)).cloned().collect();
            &wanted
        };
        if records.is_empty() {
            return 0;
        }
        let count = records.len() as u64;
        self.accepted.fetch_add(count, Ordering::Relaxed);
        let call = AssertUnwindSafe(async { self.sink.log(records).await }).catch_unwind();
        let problem = match call.now_or_never() {
            Some(Ok(Ok(()))) => {
                self.delivered.fetch_add(count, Ordering::Relaxed);
                return 0;
            }
            Some(Ok(Err(e))) => e,
            Some(Err(_)) => SinkError::lasting("the sink panicked"),
            None => SinkError::lasting("the sink waits, but is declared inline"),
        };
        self.lose(count, &problem)
    }

    /// Puts records into the queue. Tells how many found it full.
    pub(crate) fn put(&self, records: &[Arc<LogRecord>]) -> u64 {
        let mut queue = self.queue.lock();
        let mut full = 0;
        let before = queue.len();
        for record in records.iter().filter(|r| self.sink.wants(r) && !is_untold(r, self.sink.name())) {
            if queue.len() < self.capacity {
                queue.push_back(Arc::clone(record));
            } else {
                full += 1;
            }
        }
        let now = queue.len();
        drop(queue);
        self.accepted.fetch_add((now - before) as u64, Ordering::Relaxed);
        self.dropped.fetch_add(full, Ordering::Relaxed);
        if now >= self.max {
            self.wake.notify_one();
        }
        full
    }

    /// Delivers what waits, then ends the task.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// The task of a batched sink. `lost` is called with the size of every batch that was given up.
    pub(crate) async fn run(self: Arc<Self>, tries: Tries, lost: impl Fn(&str, u64) + Send + 'static) {
        loop {
            let due = self.wait().await;
            while let Some(batch) = self.take(due) {
                let given_up = self.deliver(&batch, tries).await;
                if given_up > 0 {
                    lost(self.sink.name(), given_up);
                }
            }
            if self.closing.load(Ordering::Acquire) && self.queue.lock().is_empty() {
                return;
            }
        }
    }

    /// Waits for a full batch (false), or until all that waits is due (true).
    async fn wait(&self) -> bool {
        let deadline = Instant::now() + self.every;
        loop {
            if self.closing.load(Ordering::Acquire) {
                return true;
            }
            if self.queue.lock().len() >= self.max {
                return false;
            }
            if tokio::time::timeout_at(deadline, self.wake.notified()).await.is_err() {
                return true;
            }
        }
    }

    fn take(&self, due: bool) -> Option<Vec<Arc<LogRecord>>> {
        let mut queue = self.queue.lock();
        let enough = queue.len() >= self.max || due && !queue.is_empty();
        enough.then(|| {
            let count = queue.len().min(self.max);
            queue.drain(..count).collect()
        })
    }

    async fn deliver(&self, batch: &[Arc<LogRecord>], tries: Tries) -> u64 {
        let count = batch.len() as u64;
        let mut attempt = 1;
        loop {
            let call = AssertUnwindSafe(async { self.sink.log(batch).await }).catch_unwind();
            let problem = match tokio::time::timeout(tries.timeout, call).await {
                Ok(Ok(Ok(()))) => {
                    self.delivered.fetch_add(count, Ordering::Relaxed);
                    return 0;
                }
                Ok(Ok(Err(e))) => e,
                Ok(Err(_)) => SinkError::lasting("the sink panicked"),
                // The batch may have arrived: sending it again could log every call twice.
                Err(_) => SinkError::lasting(format!("no answer within {} s", tries.timeout.as_secs_f64())),
            };
            if !problem.retryable || attempt >= tries.attempts {
                return self.lose(count, &problem);
            }
            tokio::time::sleep(tries.wait * attempt).await;
            attempt += 1;
        }
    }

    fn lose(&self, count: u64, problem: &SinkError) -> u64 {
        let before = self.failed.fetch_add(count, Ordering::Relaxed);
        // The first loss is a warning, every further thousand another: a dead sink must not fill the log.
        if before == 0 || before / 1000 != (before + count) / 1000 {
            tracing::warn!(callback = self.sink.name(), records = before + count, error = %problem, "a callback loses records");
        }
        count
    }

    pub(crate) fn report(&self) -> SinkReport {
        let [accepted, delivered, failed, dropped] =
            [&self.accepted, &self.delivered, &self.failed, &self.dropped].map(|c| c.load(Ordering::Relaxed));
        let waiting = accepted.saturating_sub(delivered).saturating_sub(failed);
        SinkReport { name: self.sink.name().to_owned(), delivered, failed, dropped, waiting }
    }
}
