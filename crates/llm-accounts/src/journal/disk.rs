//! The closed segments of the journal: those that wait for the store, those that wait for the store's disk.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::segment::{APPLIED, PART, Sealed, WAITING};

/// Bytes kept in memory where there is no file. Beyond it rows are no longer kept, sums are.
const MEMORY_BYTES: usize = 128 << 20;

/// Where the journal lives.
#[derive(Debug)]
pub(super) struct Disk {
    dir: Option<PathBuf>,
    /// Held as long as this lives: two processes must not take each other's open segments for leftovers.
    _lock: Option<File>,
    sealed: VecDeque<Arc<Sealed>>,
    /// Files whose content the store has committed, but not forced to its disk.
    applied: Vec<PathBuf>,
    /// Files of closed segments that were not forced to the disk since they were written.
    dirty: Vec<Weak<File>>,
    /// Bytes of sealed segments in memory.
    held: usize,
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
            sealed: VecDeque::new(),
            applied: Vec::new(),
            dirty: Vec::new(),
            held: 0,
        };
        let Some(dir) = dir else { return Ok(disk) };
        fs::create_dir_all(dir)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"))?;
        lock.try_lock().map_err(|_| {
            io::Error::new(io::ErrorKind::AddrInUse, format!("another process uses the journal in {}", dir.display()))
        })?;
        disk._lock = Some(lock);
        let files = fs::read_dir(dir)?.filter_map(|entry| entry.ok().map(|e| e.path()));
        let (parts, files): (Vec<_>, Vec<_>) = files.partition(|path| path.extension().is_some_and(|e| e == PART));
        remove(&parts);
        let ours = |path: &PathBuf| path.extension().is_some_and(|e| e == WAITING || e == APPLIED);
        let mut left: Vec<PathBuf> = files.into_iter().filter(ours).collect();
        // Names are version 7 UUIDs: their order is the order of time.
        left.sort();
        disk.sealed.extend(left.into_iter().filter_map(Sealed::left).map(Arc::new));
        Ok(disk)
    }

    /// The folder.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Takes a closed segment in. `dirty`: its file has what was not forced to the disk.
    pub(super) fn keep(&mut self, sealed: Sealed, dirty: bool) {
        if let Some(file) = sealed.file().filter(|_| dirty) {
            self.dirty.push(Arc::downgrade(file));
        }
        self.held += sealed.held();
        self.sealed.push_back(Arc::new(sealed));
    }

    /// The same for a segment that may be there already under its id; false where it is.
    pub(super) fn keep_once(&mut self, sealed: Sealed, dirty: bool) -> bool {
        let new = self.sealed.iter().all(|known| known.id != sealed.id);
        if new {
            self.keep(sealed, dirty);
        }
        new
    }

    /// Removes a segment that holds nothing.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub(super) fn forget(&mut self, id: &str) -> io::Result<()> {
        let Some(at) = self.sealed.iter().position(|s| s.id == id) else { return Ok(()) };
        let gone = self.sealed.remove(at);
        gone.iter().filter_map(|gone| gone.path.as_ref()).try_for_each(fs::remove_file)
    }

    /// Memory is nearly used up: rows are too much.
    pub(super) const fn tight(&self) -> bool {
        self.held > MEMORY_BYTES
    }

    /// The files to be forced to the disk.
    pub(super) fn take_dirty(&mut self) -> Vec<Weak<File>> {
        std::mem::take(&mut self.dirty)
    }

    pub(super) const fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// The sealed segments, oldest first.
    pub(super) fn sealed(&self) -> Vec<Arc<Sealed>> {
        self.sealed.iter().cloned().collect()
    }

    /// The store has a segment. Its file waits until the store's disk has it too.
    pub(super) fn applied(&mut self, id: &str) {
        let Some(at) = self.sealed.iter().position(|s| s.id == id) else { return };
        let Some(gone) = self.sealed.remove(at) else { return };
        self.held = self.held.saturating_sub(gone.held());
        let Some(path) = &gone.path else { return };
        let to = path.with_extension(APPLIED);
        match fs::rename(path, &to) {
            Ok(()) => self.applied.push(to),
            Err(error) => {
                // Under its old name it is tried again at the next start, and found to be applied.
                tracing::warn!(%error, "a journal segment could not be renamed");
                self.applied.push(path.clone());
            }
        }
    }

    pub(super) const fn applied_count(&self) -> usize {
        self.applied.len()
    }

    /// The files of segments that the store has.
    pub(super) fn take_applied(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.applied)
    }

    /// The store's disk could not take them yet.
    pub(super) fn give_back(&mut self, applied: Vec<PathBuf>) {
        self.applied.extend(applied);
    }
}

/// Removes files.
pub(super) fn remove(files: &[PathBuf]) {
    for path in files {
        if let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            // It will be tried again at the next start, and found to be applied.
            tracing::warn!(%error, "a journal segment could not be removed");
        }
    }
}

/// Forces files to the disk, unless the store has their content meanwhile.
pub(super) fn sync(files: &[Weak<File>]) {
    for file in files.iter().filter_map(Weak::upgrade) {
        if let Err(error) = file.sync_data() {
            tracing::error!(%error, "the journal cannot be forced to the disk");
        }
    }
}
