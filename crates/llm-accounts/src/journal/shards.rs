//! Where requests write: one open segment per thread that serves, so none waits for another.

use std::cell::Cell;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};

use super::segment::{Open, Sealed};

/// Entries of one segment, so of one transaction.
pub(super) const SEGMENT_ENTRIES: usize = 2000;

/// Bytes of one segment, when entries are long: a flush holds one in memory.
const SEGMENT_BYTES: u64 = 4 << 20;

/// Room for a frame that is larger than this is not kept for the next one.
const SPARE: usize = 256 << 10;

/// What one thread writes to.
#[derive(Debug, Default)]
pub(super) struct Slot {
    open: Option<Open>,
    /// The frame that is being made, to be used again.
    frame: Vec<u8>,
    /// The file was written to since it was last forced to the disk.
    dirty: bool,
}

/// A line of the cache of its own, with the line that processors fetch along.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Slot>);

/// The open segments.
#[derive(Debug)]
pub(super) struct Shards(Box<[Shard]>);

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of this thread, in the order in which threads asked.
fn number() -> usize {
    NUMBER.get().unwrap_or_else(|| {
        let number = THREADS.fetch_add(1, Ordering::Relaxed);
        NUMBER.set(Some(number));
        number
    })
}

impl Slot {
    /// Writes one entry, as `put` makes it, to the open segment: when this returns, a process that is killed leaves it
    /// behind. `closed` takes the segments that end with it. True when it is in a file.
    pub(super) fn write(
        &mut self,
        dir: Option<&Path>,
        put: impl FnOnce(&mut Vec<u8>),
        mut closed: impl FnMut(Sealed, bool),
    ) -> bool {
        self.frame.clear();
        put(&mut self.frame);
        let mut open = self.open.take().unwrap_or_else(|| Open::start(dir));
        if let Err(error) = open.append(&self.frame) {
            tracing::error!(%error, "the journal cannot be written; entries are kept in memory");
            let mut memory = Open::start(None);
            // Memory takes everything.
            if memory.append(&self.frame).is_ok() {
                closed(std::mem::replace(&mut open, memory).seal(), self.dirty);
            }
        }
        let filed = open.file().is_some();
        self.dirty = filed;
        self.frame.shrink_to(SPARE);
        if open.entries >= SEGMENT_ENTRIES || open.size() >= SEGMENT_BYTES {
            closed(open.seal(), std::mem::take(&mut self.dirty));
        } else {
            self.open = Some(open);
        }
        filed
    }
}

impl Shards {
    pub(super) fn new() -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(64);
        Self((0..count).map(|_| Shard::default()).collect())
    }

    /// What this thread writes to.
    pub(super) fn mine(&self) -> Option<MutexGuard<'_, Slot>> {
        self.0.get(number() % self.0.len().max(1)).map(|shard| shard.0.lock())
    }

    /// Closes every open segment. `closed` runs while the slot is held, so no segment is on its way unseen.
    pub(super) fn seal(&self, mut closed: impl FnMut(Sealed, bool)) {
        for shard in &self.0 {
            let mut slot = shard.0.lock();
            let dirty = std::mem::take(&mut slot.dirty);
            if let Some(open) = slot.open.take() {
                closed(open.seal(), dirty);
            }
        }
    }

    /// The files written to since this was last asked.
    pub(super) fn take_dirty(&self, files: &mut Vec<Weak<File>>) {
        for shard in &self.0 {
            let mut slot = shard.0.lock();
            if std::mem::take(&mut slot.dirty) {
                files.extend(slot.open.as_ref().and_then(Open::file).map(Arc::downgrade));
            }
        }
    }

    /// True when a file was written to since it was last forced to the disk.
    pub(super) fn is_dirty(&self) -> bool {
        self.0.iter().any(|shard| shard.0.lock().dirty)
    }
}
