//! The segments of the journal: the open one that is written to, the sealed ones that wait for the store.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::entry::{Batch, Entry};
use super::frame;

/// Entries of one segment, so of one transaction.
const SEGMENT_ENTRIES: usize = 2000;

/// Sealed segments kept in memory besides their files; those behind them are read again.
const SEALED_IN_MEMORY: usize = 8;

/// Without a folder: rows kept while the store is away. Beyond it rows are dropped, sums are kept.
const ROWS_IN_MEMORY: usize = 200_000;

const EXTENSION: &str = "journal";

/// A segment that takes no more entries.
#[derive(Debug)]
pub(super) struct Sealed {
    /// The id of its batch: applied once, however often it is tried.
    pub(super) id: String,
    path: Option<PathBuf>,
    batch: Option<Arc<Batch>>,
    /// Entries in it; unknown for those of an earlier process.
    entries: usize,
}

impl Sealed {
    /// Its batch, from memory or from its file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn batch(&self) -> io::Result<Arc<Batch>> {
        match (&self.batch, &self.path) {
            (Some(batch), _) => Ok(Arc::clone(batch)),
            (None, Some(path)) => Ok(Arc::new(Batch::of(&self.id, frame::read(path)?))),
            (None, None) => Ok(Arc::new(Batch::of(&self.id, Vec::new()))),
        }
    }
}

#[derive(Debug)]
struct Open {
    id: String,
    path: Option<PathBuf>,
    file: Option<File>,
    entries: Vec<Entry>,
    /// The file does not hold everything.
    torn: bool,
}

/// Where the journal lives.
#[derive(Debug)]
pub(super) struct Disk {
    dir: Option<PathBuf>,
    /// Held as long as this lives: two processes must not take each other's open segments for leftovers.
    _lock: Option<File>,
    open: Option<Open>,
    sealed: VecDeque<Arc<Sealed>>,
    /// Written, but not forced to the disk yet.
    pub(super) dirty: bool,
    /// Entries that the store does not have.
    waiting: usize,
}

impl Disk {
    /// Opens the journal in `dir`, or in memory. Segments of an earlier process are sealed.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub(super) fn open(dir: Option<&Path>) -> io::Result<Self> {
        let mut disk = Self {
            dir: dir.map(Path::to_owned),
            _lock: None,
            open: None,
            sealed: VecDeque::new(),
            dirty: false,
            waiting: 0,
        };
        let Some(dir) = dir else { return Ok(disk) };
        std::fs::create_dir_all(dir)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"))?;
        lock.try_lock().map_err(|_| {
            io::Error::new(io::ErrorKind::AddrInUse, format!("another process uses the journal in {}", dir.display()))
        })?;
        disk._lock = Some(lock);
        let mut left: Vec<PathBuf> = std::fs::read_dir(dir)?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|path| path.extension().is_some_and(|e| e == EXTENSION))
            .collect();
        // Names are version 7 UUIDs: their order is the order of time.
        left.sort();
        for path in left {
            let Some(id) = path.file_stem().and_then(|s| s.to_str()).map(str::to_owned) else { continue };
            disk.sealed.push_back(Arc::new(Sealed { id, path: Some(path), batch: None, entries: 0 }));
        }
        Ok(disk)
    }

    /// Takes entries in, with their frames.
    pub(super) fn append(&mut self, entries: Vec<Entry>, frames: &[u8]) {
        let mut open = self.open.take().unwrap_or_else(|| self.start(entries.len()));
        match open.file.as_mut().map(|file| file.write_all(frames)) {
            Some(Ok(())) => self.dirty = true,
            Some(Err(error)) => {
                tracing::error!(%error, "the journal cannot be written; entries are kept in memory");
                // Behind a torn frame nothing could be read: the rest of this segment lives in memory.
                open.file = None;
                open.torn = true;
            }
            None => {}
        }
        self.waiting += entries.len();
        open.entries.extend(entries);
        if self.dir.is_none() && self.waiting > ROWS_IN_MEMORY {
            tracing::error!(
                rows = open.entries.len(),
                "the store is away for too long; rows of calls are dropped, sums are kept"
            );
            open.entries.iter_mut().for_each(|entry| entry.row = None);
        }
        let full = open.entries.len() >= SEGMENT_ENTRIES || open.torn;
        self.open = Some(open);
        if full {
            self.seal();
        }
    }

    fn start(&self, entries: usize) -> Open {
        let id = Uuid::now_v7().to_string();
        let path = self.dir.as_ref().map(|dir| dir.join(format!("{id}.{EXTENSION}")));
        let make = |path: &PathBuf| -> io::Result<File> {
            let mut file = OpenOptions::new().create_new(true).append(true).open(path)?;
            file.write_all(frame::MARK)?;
            Ok(file)
        };
        let file = match path.as_ref().map(make).transpose() {
            Ok(file) => file,
            Err(error) => {
                tracing::error!(%error, "a journal segment cannot be made; entries are kept in memory");
                None
            }
        };
        let torn = path.is_some() && file.is_none();
        Open { id, path, torn, file, entries: Vec::with_capacity(entries.max(64)) }
    }

    /// Closes the open segment.
    pub(super) fn seal(&mut self) {
        let Some(open) = self.open.take() else { return };
        if let Some(file) = &open.file
            && let Err(error) = file.sync_data()
        {
            tracing::error!(%error, "the journal cannot be forced to the disk");
        }
        self.dirty = false;
        let entries = open.entries.len();
        let only_here = open.torn || open.path.is_none();
        let many = self.sealed.iter().filter(|s| s.batch.is_some()).count() >= SEALED_IN_MEMORY;
        let batch = (only_here || !many).then(|| Arc::new(Batch::of(&open.id, open.entries)));
        self.sealed.push_back(Arc::new(Sealed { id: open.id, path: open.path, batch, entries }));
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&mut self) {
        if let Some(Open { file: Some(file), .. }) = &self.open
            && let Err(error) = file.sync_data()
        {
            tracing::error!(%error, "the journal cannot be forced to the disk");
        }
        self.dirty = false;
    }

    /// The sealed segments, oldest first.
    pub(super) fn sealed(&self) -> Vec<Arc<Sealed>> {
        self.sealed.iter().cloned().collect()
    }

    /// The store has a segment: forget it.
    pub(super) fn done(&mut self, id: &str) {
        let Some(at) = self.sealed.iter().position(|s| s.id == id) else { return };
        let Some(gone) = self.sealed.remove(at) else { return };
        self.waiting = self.waiting.saturating_sub(gone.entries);
        if let Some(path) = &gone.path
            && let Err(error) = std::fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            // It will be tried again at the next start, and found to be applied.
            tracing::warn!(%error, "a journal segment could not be removed");
        }
    }
}
