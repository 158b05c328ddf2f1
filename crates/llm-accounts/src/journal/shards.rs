//! Where requests leave what they have to say: one buffer per thread that serves, so none waits for another.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

/// Frames that nobody has written yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) frames: Vec<u8>,
    pub(super) entries: usize,
}

/// A line of the cache of its own, with the line that processors fetch along.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Waiting>);

/// The buffers.
#[derive(Debug)]
pub(super) struct Shards(Box<[Shard]>);

/// A buffer larger than this is not kept for the next round.
const SPARE: usize = 256 << 10;

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

impl Shards {
    pub(super) fn new() -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(64);
        Self((0..count).map(|_| Shard::default()).collect())
    }

    /// The buffer of this thread.
    pub(super) fn mine(&self) -> Option<MutexGuard<'_, Waiting>> {
        self.0.get(number() % self.0.len().max(1)).map(|shard| shard.0.lock())
    }

    /// True when no buffer has anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|shard| shard.0.lock().entries == 0)
    }

    /// Hands what every buffer has to `take`. `spare` is swapped in, so buffers are made once.
    pub(super) fn drain(&self, spare: &mut Waiting, mut take: impl FnMut(&Waiting)) {
        for shard in &self.0 {
            let mut waiting = shard.0.lock();
            if waiting.entries == 0 {
                continue;
            }
            std::mem::swap(&mut *waiting, spare);
            drop(waiting);
            take(spare);
            spare.entries = 0;
            spare.frames.clear();
            spare.frames.shrink_to(SPARE);
        }
    }
}
