//! What requests, flushes and the thread that forces files to the disk share. Forcing may take long: nobody waits for it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use llm_types::record::Status;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::disk::{self, Disk};
use super::own::Keep;
use super::segment::{Open, Sealed};
use super::shards::Shards;
use super::{Note, frame};
use crate::AccountsSettings;

/// What requests, the thread and flushes share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: ArcSwap<AccountsSettings>,
    /// Where segments are made; none: in memory.
    dir: Option<PathBuf>,
    shards: Shards,
    /// Locked behind a shard, never before one.
    disk: Mutex<Disk>,
    /// A segment is full.
    pub(super) full: Arc<Notify>,
    /// The thread sleeps until it is woken.
    idle: AtomicBool,
    closed: AtomicBool,
    /// Rows are no longer kept, only sums.
    tight: AtomicBool,
}

impl Shared {
    pub(super) fn new(settings: Arc<AccountsSettings>, disk: Disk) -> Self {
        Self {
            settings: ArcSwap::new(settings),
            dir: disk.dir().map(ToOwned::to_owned),
            shards: Shards::new(),
            disk: Mutex::new(disk),
            full: Arc::default(),
            idle: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            tight: AtomicBool::new(false),
        }
    }

    /// What is kept of a call besides the sums.
    fn kept(&self) -> Keep {
        let settings = self.settings.load();
        Keep {
            rows: !settings.disable_spend_logs && !self.tight.load(Ordering::Relaxed),
            content: settings.store_prompts_in_spend_logs,
            agent_tags: !settings.disable_agent_tags,
        }
    }

    /// Writes a finished call. True when the thread sleeps and should be woken.
    pub(super) fn push(&self, note: &Note) -> bool {
        let keep = self.kept();
        let failed = note.record.as_ref().is_some_and(|record| record.status == Status::Failure);
        if self.settings.load().disable_error_logs && failed && note.nanos == 0 {
            return false;
        }
        let Some(mut slot) = self.shards.mine() else { return false };
        let put = |out: &mut Vec<u8>| frame::put(note, keep, now_us, out);
        let filed = slot.write(self.dir.as_deref(), put, |sealed, dirty| {
            self.keep(sealed, dirty);
            self.full.notify_one();
        });
        drop(slot);
        // Sound without an order of its own: the thread looks at every slot between saying that it sleeps and sleeping, and
        // the slot's lock orders its look and this push.
        filed && self.idle.load(Ordering::Relaxed) && self.idle.swap(false, Ordering::SeqCst)
    }

    /// Writes a finished call to a segment of its own, which the store takes once under this name. False where it is there
    /// already.
    pub(super) fn push_once(&self, note: &Note, name: &str) -> bool {
        let mut frame = Vec::new();
        frame::put(note, self.kept(), now_us, &mut frame);
        let Some(open) = Open::once(self.dir.as_deref(), name, &frame) else { return false };
        let dirty = open.file().is_some();
        let taken = self.change(|disk| disk.keep_once(open.seal(), dirty));
        self.full.notify_one();
        taken
    }

    fn keep(&self, sealed: Sealed, dirty: bool) {
        self.change(|disk| disk.keep(sealed, dirty));
    }

    /// Does something with the closed segments.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Disk) -> R) -> R {
        let mut disk = self.disk.lock();
        let out = change(&mut disk);
        let tight = disk.tight();
        drop(disk);
        if tight != self.tight.swap(tight, Ordering::Relaxed) && tight {
            tracing::error!("the store is away for too long; rows of calls are dropped, sums are kept");
        }
        out
    }

    /// Closes the open segments.
    pub(super) fn seal(&self) {
        self.shards.seal(|sealed, dirty| self.keep(sealed, dirty));
    }

    fn take_dirty(&self) -> Vec<Weak<File>> {
        let mut files = Vec::new();
        self.shards.take_dirty(&mut files);
        files.extend(self.change(Disk::take_dirty));
        files
    }

    fn is_dirty(&self) -> bool {
        // In this order: a file goes from its slot to the closed ones.
        self.shards.is_dirty() || self.disk.lock().is_dirty()
    }

    /// Forces what was written to the disk, over and over.
    fn run(&self) {
        let pause = AccountsSettings::seconds(self.settings.load().journal_sync_seconds);
        loop {
            let closed = self.closed.load(Ordering::SeqCst);
            let files = self.take_dirty();
            disk::sync(&files);
            if closed {
                return;
            }
            if files.is_empty() {
                self.idle.store(true, Ordering::SeqCst);
                if !self.is_dirty() && !self.closed.load(Ordering::SeqCst) {
                    std::thread::park();
                }
                self.idle.store(false, Ordering::SeqCst);
            } else {
                std::thread::park_timeout(pause);
            }
        }
    }
}

fn now_us() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// The thread. Dropping it forces what was written to the disk and ends it.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let syncs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("journal-sync".to_owned()).spawn(move || syncs.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Wakes the thread.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.wake();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the journal panicked");
        }
    }
}
