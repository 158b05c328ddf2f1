//! One segment of the journal: a file, or memory where there is none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::batch::{Batch, SlowAfter};
use super::frame::{Frames, MARK};
use crate::KeyDigest;

/// Ending of segments that the store does not have.
pub(super) const WAITING: &str = "journal";

/// Ending of segments that the store has, but would lose with a power cut.
pub(super) const APPLIED: &str = "applied";

/// Ending of a file whose frame is not in it yet.
pub(super) const PART: &str = "part";

/// What the ids of segments start with whose one call is charged once, by whichever process.
const ONCE: &str = "once-";

/// A segment that takes no more frames.
#[derive(Debug)]
pub(super) struct Sealed {
    /// The id of its batch: applied once, however often it is tried.
    pub(super) id: String,
    pub(super) path: Option<PathBuf>,
    /// The frames, where there is no file.
    memory: Vec<u8>,
    /// Held until the store has it, so that it can be forced to the disk.
    file: Option<Arc<File>>,
    /// Bytes of whole frames in the file, when this process wrote it.
    written: Option<usize>,
    /// Its sums are in the purses. Those of an earlier process that the store had already are not.
    pub(super) counted: bool,
}

impl Sealed {
    /// A file that an earlier process left.
    pub(super) fn left(path: PathBuf) -> Option<Self> {
        let id = path.file_stem()?.to_str()?.to_owned();
        let counted = path.extension().is_some_and(|e| e == WAITING);
        Some(Self { id, path: Some(path), memory: Vec::new(), file: None, written: None, counted })
    }

    /// Its file, when this process wrote it.
    pub(super) const fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    /// Its one call is charged once under its id.
    pub(super) fn is_once(&self) -> bool {
        self.id.starts_with(ONCE)
    }

    /// Bytes it keeps in memory.
    pub(super) const fn held(&self) -> usize {
        self.memory.len()
    }

    /// Its batch; without `rows` only the sums. `bytes` is room for its file, to be used again.
    ///
    /// # Errors
    /// When the file cannot be read or is no segment.
    pub(super) fn batch(&self, rows: Option<SlowAfter>, bytes: &mut Vec<u8>) -> io::Result<Batch> {
        let Some(path) = &self.path else { return Ok(Batch::of(&self.id, &mut Frames::new(&self.memory), rows)) };
        bytes.clear();
        File::open(path)?.read_to_end(bytes)?;
        // A file that ends within its mark was torn at birth: nothing was in it.
        if bytes.len() < MARK.len() && MARK.starts_with(bytes) {
            return Ok(Batch::of(&self.id, &mut Frames::new(&[]), rows));
        }
        let Some(rest) = bytes.strip_prefix(MARK.as_slice()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a journal segment of this version"));
        };
        // What a failed write left behind them was written again, elsewhere.
        let most = self.written.map_or(rest.len(), |written| written.saturating_sub(MARK.len()).min(rest.len()));
        let mut frames = Frames::new(rest.get(..most).unwrap_or_default());
        let batch = Batch::of(&self.id, &mut frames, rows);
        if !frames.rest().is_empty() {
            let lost = frames.rest().len();
            tracing::warn!(file = %path.display(), lost, "a journal segment has a torn end");
        }
        Ok(batch)
    }
}

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Open {
    id: String,
    path: Option<PathBuf>,
    file: Option<Arc<File>>,
    /// Bytes of whole frames in the file, with the mark; or the frames, where there is no file.
    written: u64,
    memory: Vec<u8>,
    pub(super) entries: usize,
}

impl Open {
    /// A new segment in `dir`, or in memory when there is none or it takes no file.
    pub(super) fn start(dir: Option<&Path>) -> Self {
        let id = Uuid::now_v7().to_string();
        match dir.map(|dir| Self::create(dir, &id)).transpose() {
            Ok(Some(open)) => open,
            Ok(None) => Self::in_memory(id),
            Err(error) => {
                tracing::error!(%error, "a journal segment cannot be made; entries are kept in memory");
                Self::in_memory(id)
            }
        }
    }

    /// A segment of this one frame, whose id says what is charged with it; nothing where its file is there already. The file
    /// gets its name when the frame is in it, so whoever finds the name finds the frame.
    pub(super) fn once(dir: Option<&Path>, name: &str, frame: &[u8]) -> Option<Self> {
        let id = format!("{ONCE}{}", KeyDigest::of(name).hex());
        let filed = dir.map(|dir| {
            let mut open = Self::create_as(dir, &id, &format!("{}.{PART}", Uuid::now_v7()))?;
            let (part, path) = (open.path.take(), dir.join(format!("{id}.{WAITING}")));
            let named =
                open.append(frame).and_then(|()| part.as_ref().map_or(Ok(()), |part| fs::hard_link(part, &path)));
            part.iter().try_for_each(fs::remove_file)?;
            named.map(|()| Self { path: Some(path), ..open })
        });
        match filed.transpose() {
            Ok(Some(open)) => return Some(open),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return None,
            Err(error) => tracing::error!(%error, "a journal segment cannot be made; its entry is kept in memory"),
            Ok(None) => {}
        }
        let mut open = Self::in_memory(id);
        open.append(frame).ok()?; // memory takes everything
        Some(open)
    }

    fn in_memory(id: String) -> Self {
        Self { id, path: None, file: None, written: MARK.len() as u64, memory: Vec::new(), entries: 0 }
    }

    fn create(dir: &Path, id: &str) -> io::Result<Self> {
        Self::create_as(dir, id, &format!("{id}.{WAITING}"))
    }

    fn create_as(dir: &Path, id: &str, file: &str) -> io::Result<Self> {
        let path = dir.join(file);
        let mut file = OpenOptions::new().create_new(true).append(true).open(&path)?;
        file.write_all(MARK)?;
        Ok(Self { path: Some(path), file: Some(Arc::new(file)), ..Self::in_memory(id.to_owned()) })
    }

    pub(super) const fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    /// Bytes in it.
    pub(super) const fn size(&self) -> u64 {
        self.written
    }

    /// Appends a frame. A file that takes no more keeps what it has.
    ///
    /// # Errors
    /// When the frame is not in it.
    pub(super) fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        match &self.file {
            None => self.memory.extend_from_slice(frame),
            Some(file) => {
                if let Err(error) = (&**file).write_all(frame) {
                    // Behind half a frame nothing could be read; and what is whole will be elsewhere too.
                    file.set_len(self.written)?;
                    return Err(error);
                }
            }
        }
        self.written += frame.len() as u64;
        self.entries += 1;
        Ok(())
    }

    pub(super) fn seal(self) -> Sealed {
        let written = usize::try_from(self.written).ok();
        Sealed { id: self.id, path: self.path, memory: self.memory, file: self.file, written, counted: true }
    }
}
