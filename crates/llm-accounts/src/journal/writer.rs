//! The journal's threads: one writes what gathered, one forces it to the disk, which may take long.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::disk::{self, Disk};
use super::own::Keep;
use super::shards::{Shards, Waiting};
use super::{Note, frame};
use crate::AccountsSettings;

/// How long the thread lets calls gather.
pub(super) const GATHER: Duration = Duration::from_millis(5);

/// After so many rounds without a call it sleeps until one wakes it.
const QUIET_ROUNDS: u32 = 2;

/// Bytes that may wait in one buffer, when calls are long.
const SHARD_BYTES: usize = 4 << 20;

/// What requests, the threads and flushes share.
#[derive(Debug)]
pub(super) struct Shared {
    settings: Arc<AccountsSettings>,
    shards: Shards,
    /// Held from taking frames until they are written, so a flush misses none.
    pub(super) disk: Mutex<(Disk, Waiting)>,
    /// A segment is full.
    pub(super) full: Arc<Notify>,
    /// The writer sleeps until it is woken.
    idle: AtomicBool,
    closed: AtomicBool,
    /// Rows are no longer kept, only sums.
    tight: AtomicBool,
}

impl Shared {
    pub(super) fn new(settings: Arc<AccountsSettings>, disk: Disk) -> Self {
        Self {
            settings,
            shards: Shards::new(),
            disk: Mutex::new((disk, Waiting::default())),
            full: Arc::default(),
            idle: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            tight: AtomicBool::new(false),
        }
    }

    /// Takes a finished call. True when the writer sleeps and should be woken.
    pub(super) fn push(&self, note: &Note) -> bool {
        let keep = Keep {
            rows: !self.settings.disable_spend_logs && !self.tight.load(Ordering::Relaxed),
            content: self.settings.store_prompts_in_spend_logs,
        };
        let Some(mut waiting) = self.shards.mine() else { return false };
        frame::put(note, keep, || chrono::Utc::now().timestamp_micros(), &mut waiting.frames);
        waiting.entries += 1;
        let full = waiting.entries >= self.settings.journal_queue || waiting.frames.len() >= SHARD_BYTES;
        drop(waiting);
        if full {
            // Slower, but nothing is lost and nothing grows.
            self.collect();
        }
        // Sound without an order of its own: the writer looks into every buffer between saying that it sleeps and sleeping,
        // and the buffer's lock orders its look and this push.
        self.idle.load(Ordering::Relaxed) && self.idle.swap(false, Ordering::SeqCst)
    }

    /// Writes what waits. True when there was anything.
    pub(super) fn collect(&self) -> bool {
        let mut held = self.disk.lock();
        let (disk, spare) = &mut *held;
        let (mut any, mut full) = (false, false);
        self.shards.drain(spare, |waiting| {
            any = true;
            full |= disk.append(&waiting.frames, waiting.entries);
        });
        let tight = disk.tight();
        if tight != self.tight.swap(tight, Ordering::Relaxed) && tight {
            tracing::error!("the store is away for too long; rows of calls are dropped, sums are kept");
        }
        drop(held);
        if full {
            self.full.notify_one();
        }
        any
    }

    /// Writes what waits and closes the open segment.
    pub(super) fn seal(&self) {
        self.collect();
        self.disk.lock().0.seal();
    }

    fn run(&self, disks: &mpsc::Sender<Vec<Weak<File>>>) {
        let sync_every = AccountsSettings::seconds(self.settings.journal_sync_seconds);
        let mut synced = Instant::now();
        let mut quiet = 0;
        loop {
            quiet = if self.collect() { 0 } else { quiet + 1 };
            let closed = self.closed.load(Ordering::SeqCst);
            if closed && quiet > 0 {
                disk::sync(&self.disk.lock().0.take_dirty());
                return;
            }
            if closed {
                continue;
            }
            let due = sync_every.saturating_sub(synced.elapsed());
            let dirty = self.disk.lock().0.is_dirty();
            if dirty && due.is_zero() {
                synced = Instant::now();
                let files = self.disk.lock().0.take_dirty();
                if let Err(mpsc::SendError(files)) = disks.send(files) {
                    disk::sync(&files);
                }
            } else if quiet < QUIET_ROUNDS {
                std::thread::sleep(GATHER);
            } else {
                self.idle.store(true, Ordering::SeqCst);
                if self.shards.is_empty() && !self.closed.load(Ordering::SeqCst) {
                    if dirty { std::thread::park_timeout(due) } else { std::thread::park() }
                }
                self.idle.store(false, Ordering::SeqCst);
            }
        }
    }
}

/// The threads. Dropping it writes what waits, forces it to the disk and ends them.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Thread,
    handles: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let (sender, files) = mpsc::channel::<Vec<Weak<File>>>();
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let syncs = named("journal-sync").spawn(move || files.iter().for_each(|files| disk::sync(&files)))?;
        let writer = Arc::clone(&shared);
        let writes = named("journal").spawn(move || writer.run(&sender))?;
        Ok(Self { shared, thread: writes.thread().clone(), handles: vec![writes, syncs] })
    }

    /// Wakes the writer.
    pub(super) fn wake(&self) {
        self.thread.unpark();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.wake();
        for handle in self.handles.drain(..) {
            if handle.join().is_err() {
                tracing::error!("a thread of the journal panicked");
            }
        }
    }
}
