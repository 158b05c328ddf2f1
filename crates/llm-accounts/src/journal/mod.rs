//! The write-ahead journal: every finished call, on its way from the request's thread to the store.
//!
//! ```text
//! settle ──one write──▶ segment file of the thread ──full, or every 10 s: one transaction──▶ store
//! ```
//!
//! - A request writes what the journal keeps of it to the open segment of its thread before its answer ends: one `write`
//!   into the system's memory, which outlives a process that is killed. No lock is shared with other threads that serve, and
//!   nobody waits for the disk.
//! - A thread forces what was written to the disk within `journal_sync_seconds`: a power cut loses at most that.
//! - A full segment goes to the store at once, the open ones with the next flush, each as one batch under the segment's id.
//!   The store applies an id once, so a crash between its commit and the removal of the file counts nothing twice. Segments
//!   that were left behind are flushed first. Files are removed when the store has forced its commits to the disk.
//! - Calls are in memory one segment at a time, on its way to the store. Without a folder, or where it takes no more, the
//!   segments are kept in memory, as bytes.

mod alike;
mod batch;
mod bytes;
mod counts;
mod disk;
mod frame;
mod own;
mod segment;
mod shards;
#[cfg(test)]
mod tests;
mod totals;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use llm_store::{Store, StoreError};
use llm_types::LogRecord;
use tokio::sync::Notify;

use crate::purse::Purses;
use crate::window::Charged;
use crate::{AccountsSettings, Identity};
pub(crate) use alike::Alike;
use batch::SlowAfter;
pub(crate) use counts::Counts;
use disk::Disk;
pub(crate) use own::{Own, OwnError, OwnRow};
pub(crate) use totals::member;
use writer::{Shared, Writer};

/// Files that may wait for the store's disk before it is asked.
const APPLIED_FILES: usize = 256;

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
    /// Windows of budgets that it is charged to.
    pub(crate) windows: Vec<Charged>,
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

/// The journal.
#[derive(Debug)]
pub(crate) struct Journal {
    /// None when nobody will ever ask for what is settled.
    running: Option<(Arc<Shared>, Writer)>,
    /// One flush at a time, with the room it reads segments into: fresh memory for each costs more than reading.
    flushing: tokio::sync::Mutex<Vec<u8>>,
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
        let mut journal = Self { running: None, flushing: tokio::sync::Mutex::default(), epoch: AtomicU64::new(0) };
        if !store || settings.disable_spend_updates {
            return Ok(journal);
        }
        let mut disk = Disk::open(settings.journal_dir.as_deref().map(Path::new))?;
        let mut bytes = Vec::new();
        for sealed in disk.sealed().iter().filter(|sealed| sealed.counted) {
            let batch = sealed.batch(None, &mut bytes)?;
            if sealed.is_once() && batch.settlement.daily.is_empty() {
                // Torn at birth: under its name nothing was charged.
                disk.forget(&sealed.id)?;
                continue;
            }
            for (owner, id, nanos) in &batch.moved {
                purses.get(*owner, id).recall(*nanos);
            }
            for ((key, end), nanos) in &batch.windows {
                let (owner, id) = key.purse();
                purses.get(owner, &id).recall_in(*end, *nanos);
            }
        }
        let shared = Arc::new(Shared::new(Arc::clone(settings), disk));
        let writer = Writer::start(Arc::clone(&shared))?;
        journal.running = Some((shared, writer));
        Ok(journal)
    }

    /// From now on these settings say what of a call is kept.
    pub(crate) fn follow(&self, settings: Arc<AccountsSettings>) {
        if let Some((shared, _)) = &self.running {
            shared.settings.store(settings);
        }
    }

    /// True when what is pushed gets to a store.
    pub(crate) const fn keeps(&self) -> bool {
        self.running.is_some()
    }

    /// Takes a finished call: when this returns, it outlives the process.
    pub(crate) fn push(&self, note: &Note) {
        if let Some((shared, writer)) = &self.running
            && shared.push(note)
        {
            writer.wake();
        }
    }

    /// Takes a finished call that is charged once under this name, by whichever process sees it first: it is a batch of its own,
    /// which the store takes once. False where this process has it already.
    pub(crate) fn push_once(&self, note: &Note, name: &str) -> bool {
        let Some((shared, writer)) = &self.running else { return true };
        let taken = shared.push_once(note, name);
        writer.wake();
        taken
    }

    /// Told whenever a segment is full and should be drained.
    pub(crate) fn full(&self) -> Arc<Notify> {
        self.running.as_ref().map(|(shared, _)| Arc::clone(&shared.full)).unwrap_or_default()
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
        let Some((shared, _)) = &self.running else { return Ok(Flushed::default()) };
        let mut bytes = self.flushing.lock().await;
        let sealer = Arc::clone(shared);
        if let Err(error) = tokio::task::spawn_blocking(move || sealer.seal()).await {
            return Err(StoreError::Config(format!("the journal stopped: {error}")));
        }
        let done = self.apply(shared, store, purses, &mut bytes).await?;
        harden(shared, store).await?;
        Ok(done)
    }

    /// Brings full segments into the store.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub(crate) async fn drain(&self, store: &Store, purses: &Purses) -> Result<Flushed, StoreError> {
        let Some((shared, _)) = &self.running else { return Ok(Flushed::default()) };
        let mut bytes = self.flushing.lock().await;
        let done = self.apply(shared, store, purses, &mut bytes).await?;
        if shared.change(|disk| disk.applied_count()) > APPLIED_FILES {
            harden(shared, store).await?;
        }
        Ok(done)
    }

    /// Hands the sealed segments to the store.
    async fn apply(
        &self,
        shared: &Shared,
        store: &Store,
        purses: &Purses,
        bytes: &mut Vec<u8>,
    ) -> Result<Flushed, StoreError> {
        let mut done = Flushed::default();
        let slow = SlowAfter::of(&shared.settings.load());
        let sealed = shared.change(|disk| disk.sealed());
        for segment in sealed {
            let batch = match segment.batch(Some(slow), bytes) {
                Ok(batch) => batch,
                Err(error) => {
                    // One unreadable file must not keep the rest back.
                    tracing::error!(%error, segment = segment.id, "a journal segment cannot be read; it is left where it is");
                    continue;
                }
            };
            self.epoch.fetch_add(1, Ordering::SeqCst);
            let applied = store.apply(&batch.settlement).await;
            if applied.is_ok() && segment.counted {
                batch.tell(purses);
            }
            self.epoch.fetch_add(1, Ordering::SeqCst);
            let applied = applied?;
            done.batches += 1;
            done.again += usize::from(applied.already);
            done.rows += applied.spend_rows;
            shared.change(|disk| disk.applied(&segment.id));
        }
        Ok(done)
    }
}

/// Removes the files of applied segments once the store would keep their content through a power cut.
async fn harden(shared: &Shared, store: &Store) -> Result<(), StoreError> {
    let files = shared.change(Disk::take_applied);
    if files.is_empty() {
        return Ok(());
    }
    match store.harden().await {
        Ok(true) => disk::remove(&files),
        Ok(false) => shared.change(|disk| disk.give_back(files)),
        Err(error) => {
            shared.change(|disk| disk.give_back(files));
            return Err(error);
        }
    }
    Ok(())
}
