//! The write-ahead journal: every finished call, on its way from the request's thread to the store.
//!
//! ```text
//! settle ──push──▶ queue ──thread, every 2 ms──▶ segment file ──every 10 s, one transaction──▶ store
//! ```
//!
//! - A request only pushes to a bounded queue. When the queue is full it writes by itself: slower, but nothing is lost.
//! - A thread turns what was pushed into rows and frames and appends them to the open segment. A process that is killed
//!   loses what was pushed in its last 2 ms. What was written is forced to the disk within `journal_sync_seconds`: a power
//!   cut loses at most that.
//! - A flush seals the segment and hands it to the store as one batch under the segment's id. The store applies an id once,
//!   so a crash between its commit and the removal of the file counts nothing twice. Segments that were left behind are
//!   flushed first.

mod crc;
mod disk;
mod entry;
mod frame;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use llm_store::{Store, StoreError};
use llm_types::LogRecord;
use parking_lot::{Condvar, Mutex};

use crate::purse::Purses;
use crate::{AccountsSettings, Identity, spend_row};
use disk::Disk;
pub(crate) use entry::{Counts, Entry, Row, member};

/// How long the thread lets notes gather.
const GATHER: Duration = Duration::from_millis(2);

/// A finished call, as a request hands it over.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) who: Arc<Identity>,
    pub(crate) record: Option<Arc<LogRecord>>,
    pub(crate) group: Box<str>,
    pub(crate) route: &'static str,
    pub(crate) nanos: i64,
    pub(crate) counts: Counts,
    pub(crate) interrupted: bool,
}

/// What a flush did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Batches that the store has now.
    pub batches: usize,
    /// Rows of calls among them.
    pub rows: usize,
    /// Batches that the store had already.
    pub again: usize,
}

#[derive(Debug, Default)]
struct Queue {
    notes: Vec<Note>,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    settings: Arc<AccountsSettings>,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Held from taking notes until they are on the disk, so a flush misses none.
    turn: Mutex<()>,
    disk: Mutex<Disk>,
}

/// The journal.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Option<Arc<Shared>>,
    thread: Option<JoinHandle<()>>,
    /// One flush at a time.
    flushing: tokio::sync::Mutex<()>,
    /// Odd while a batch is being applied.
    epoch: AtomicU64,
}

impl Journal {
    /// Opens the journal; what an earlier process left is added to the purses. `store` says whether anybody will ever ask
    /// for it.
    ///
    /// # Errors
    /// When its folder cannot be used.
    pub(crate) fn open(settings: &Arc<AccountsSettings>, store: bool, purses: &Purses) -> std::io::Result<Self> {
        let mut journal =
            Self { shared: None, thread: None, flushing: tokio::sync::Mutex::default(), epoch: AtomicU64::new(0) };
        if !store || settings.disable_spend_updates {
            return Ok(journal);
        }
        let disk = Disk::open(settings.journal_dir.as_deref().map(Path::new))?;
        for sealed in disk.sealed() {
            for (owner, id, nanos) in &sealed.batch()?.moved {
                purses.get(*owner, id).recall(*nanos);
            }
        }
        let shared = Arc::new(Shared {
            settings: Arc::clone(settings),
            queue: Mutex::default(),
            wake: Condvar::new(),
            turn: Mutex::default(),
            disk: Mutex::new(disk),
        });
        let writer = Arc::clone(&shared);
        journal.thread = Some(std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?);
        journal.shared = Some(shared);
        Ok(journal)
    }

    /// True when what is pushed gets to a store.
    pub(crate) const fn keeps(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes a finished call. Waits only when the queue is full.
    pub(crate) fn push(&self, note: Note) {
        let Some(shared) = &self.shared else { return };
        let mut queue = shared.queue.lock();
        if queue.notes.len() >= shared.settings.journal_queue {
            drop(queue);
            shared.write(vec![note]);
            return;
        }
        let first = queue.notes.is_empty();
        queue.notes.push(note);
        drop(queue);
        if first {
            shared.wake.notify_one();
        }
    }

    /// Changes with every flush that begins or ends; odd while one runs.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// True when no flush ran at any time since `epoch` was read: what the store said meanwhile is before or after a batch,
    /// and known to be which.
    pub(crate) fn quiet_since(&self, epoch: u64) -> bool {
        epoch.is_multiple_of(2) && epoch == self.epoch()
    }

    /// Brings everything pushed so far into the store.
    ///
    /// # Errors
    /// When the store takes a batch not; it and those behind it stay, and the next flush tries again.
    pub(crate) async fn flush(&self, store: &Store, purses: &Purses) -> Result<Flushed, StoreError> {
        let Some(shared) = self.shared.clone() else { return Ok(Flushed::default()) };
        let _one = self.flushing.lock().await;
        let sealed = match tokio::task::spawn_blocking(move || shared.seal()).await {
            Ok(sealed) => sealed,
            Err(error) => return Err(StoreError::Config(format!("the journal stopped: {error}"))),
        };
        let mut done = Flushed::default();
        for segment in sealed {
            let batch = match segment.batch() {
                Ok(batch) => batch,
                Err(error) => {
                    // One unreadable file must not keep the rest back.
                    tracing::error!(%error, segment = segment.id, "a journal segment cannot be read; it is left where it is");
                    continue;
                }
            };
            self.epoch.fetch_add(1, Ordering::SeqCst);
            let applied = store.apply(&batch.settlement).await;
            if applied.is_ok() {
                for (owner, id, nanos) in &batch.moved {
                    if let Some(purse) = purses.known(*owner, id) {
                        purse.flushed(*nanos);
                    }
                }
            }
            self.epoch.fetch_add(1, Ordering::SeqCst);
            let applied = applied?;
            done.batches += 1;
            done.again += usize::from(applied.already);
            done.rows += applied.spend_rows;
            if let Some(shared) = &self.shared {
                shared.disk.lock().done(&segment.id);
            }
        }
        Ok(done)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let Some(shared) = &self.shared else { return };
        shared.queue.lock().closed = true;
        shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's thread panicked");
        }
    }
}

impl Shared {
    /// The journal's thread: writes what gathered until the journal is closed.
    fn run(&self) {
        let sync_every = AccountsSettings::seconds(self.settings.journal_sync_seconds);
        let mut spare = Vec::new();
        let mut synced = std::time::Instant::now();
        loop {
            let mut queue = self.queue.lock();
            while queue.notes.is_empty() && !queue.closed {
                if self.wake.wait_for(&mut queue, sync_every.max(GATHER)).timed_out() {
                    break;
                }
            }
            if queue.notes.is_empty() && queue.closed {
                drop(queue);
                self.disk.lock().sync();
                return;
            }
            let closed = queue.closed;
            drop(queue);
            if !closed {
                std::thread::sleep(GATHER);
            }
            let turn = self.turn.lock();
            let mut notes = std::mem::take(&mut spare);
            std::mem::swap(&mut self.queue.lock().notes, &mut notes);
            let many = notes.capacity();
            if !notes.is_empty() {
                self.write(notes);
            }
            drop(turn);
            spare = Vec::with_capacity(many);
            if synced.elapsed() >= sync_every {
                let mut disk = self.disk.lock();
                if disk.dirty {
                    disk.sync();
                }
                synced = std::time::Instant::now();
            }
        }
    }

    /// Turns notes into entries and appends them.
    fn write(&self, notes: Vec<Note>) {
        let mut frames = Vec::with_capacity(notes.len() * 2048);
        let mut entries = Vec::with_capacity(notes.len());
        let files = self.settings.journal_dir.is_some();
        for note in &notes {
            let entry = spend_row::entry(note, &self.settings);
            if files && let Err(error) = frame::write(&entry, &mut frames) {
                tracing::error!(%error, "an entry cannot be written to the journal; it is kept in memory");
            }
            entries.push(entry);
        }
        self.disk.lock().append(entries, &frames);
    }

    /// Writes what waits and closes the open segment; the segments that the store does not have.
    fn seal(&self) -> Vec<Arc<disk::Sealed>> {
        let _turn = self.turn.lock();
        let notes = std::mem::take(&mut self.queue.lock().notes);
        if !notes.is_empty() {
            self.write(notes);
        }
        let mut disk = self.disk.lock();
        disk.seal();
        disk.sealed()
    }
}
