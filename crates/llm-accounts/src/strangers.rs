//! Keys that are not in memory: those of callers who were away, and those that nobody has. All that wait are asked for in one
//! statement, and the more strangers there are among them the longer the next ones wait: a flood of made-up keys costs the
//! store some statements a second, whatever its size, and whoever has a key gets in after a moment.
//!
//! Sources that showed many unknown keys wait in a queue of their own, so that others hardly notice them.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use llm_store::VerificationToken;
use llm_types::Result;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::KeyDigest;
use crate::accounts::Inner;
use crate::flights::Landing;
use crate::source::{Counts, Source};

/// Keys in one statement at the most.
const MOST: usize = 8192;

/// Statements of one queue at the same time.
const AT_ONCE: usize = 4;

/// Unknown keys of one source in a minute that are borne before its keys wait longer.
const BORNE: u64 = 100;

/// A key that somebody waits for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) digest: KeyDigest,
    /// Whose key it is; nothing when the gateway itself asks.
    pub(crate) source: Option<Source>,
    pub(crate) landing: Landing,
}

/// The row of a key, and what was known when it was read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) row: VerificationToken,
    /// [`Inner::generation`].
    pub(crate) generation: u64,
    /// The journal's.
    pub(crate) epoch: u64,
}

/// The queues.
#[derive(Debug)]
pub(crate) struct Strangers {
    quick: mpsc::UnboundedSender<Asked>,
    slow: mpsc::UnboundedSender<Asked>,
    unknown: Counts,
}

/// The other ends of the queues, with their paces.
pub(crate) type Waiting = [(mpsc::UnboundedReceiver<Asked>, Pace); 2];

impl Strangers {
    /// Queues that nobody serves yet.
    pub(crate) fn new() -> (Self, Waiting) {
        let (quick, waiting) = mpsc::unbounded_channel();
        let (slow, waiting_long) = mpsc::unbounded_channel();
        let now = Instant::now();
        let paces = [Pace::new(20, Duration::from_millis(100), now), Pace::new(1, Duration::from_secs(1), now)];
        let [pace, slow_pace] = paces;
        (Self { quick, slow, unknown: Counts::default() }, [(waiting, pace), (waiting_long, slow_pace)])
    }

    /// Has a key looked up. `now`: milliseconds since 1970.
    pub(crate) fn ask(&self, asked: Asked, now: u64) {
        let suspect = asked.source.is_some_and(|source| self.unknown.of(source, now) >= BORNE);
        let queue = if suspect { &self.slow } else { &self.quick };
        if queue.send(asked).is_err() {
            tracing::debug!("keys are looked up no more: the background runtime is gone");
        }
    }
}

/// Serves the queues for as long as anybody uses the accounts.
pub(crate) fn serve(inner: &Arc<Inner>, waiting: Waiting) {
    for (queue, pace) in waiting {
        inner.background.spawn(serve_one(Arc::downgrade(inner), queue, pace));
    }
}

async fn serve_one(inner: Weak<Inner>, mut queue: mpsc::UnboundedReceiver<Asked>, pace: Pace) {
    let (slots, pace) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Mutex::new(pace)));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let next = pace.lock().next();
        tokio::time::sleep_until(next).await;
        let mut batch = Vec::new();
        if queue.recv_many(&mut batch, MOST).await == 0 {
            return;
        }
        let Some(inner) = inner.upgrade() else { return };
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            if inner.meet(batch).await {
                pace.lock().charge(Instant::now());
            }
            drop(slot);
        });
    }
}

impl Inner {
    /// Answers those who wait; true when somebody has a key that does not exist.
    async fn meet(self: Arc<Self>, batch: Vec<Asked>) -> bool {
        let mut found = match self.find(&batch).await {
            Ok(found) => found,
            Err(error) => {
                batch.into_iter().for_each(|asked| asked.landing.land(&Err(error.clone())));
                return false;
            }
        };
        let mut unknown = false;
        for Asked { digest, source, landing } in batch {
            if let Some(found) = found.remove(&digest) {
                let inner = Arc::clone(&self);
                tokio::spawn(async move { landing.land(&inner.read(digest, Some(found)).await) });
                continue;
            }
            unknown = true;
            if let Some(source) = source {
                self.strangers.unknown.add(source, self.kv.now().0);
            }
            landing.land(&Ok(self.remember(digest, None)));
        }
        unknown
    }

    /// The rows of those keys that exist.
    async fn find(&self, batch: &[Asked]) -> Result<HashMap<KeyDigest, Found>> {
        let Some(store) = &self.store else { return Ok(HashMap::new()) };
        let hashes: Vec<String> = batch.iter().map(|asked| asked.digest.hex()).collect();
        let mut tries = 3;
        loop {
            let (generation, epoch) = (self.generation.load(Ordering::SeqCst), self.journal.epoch());
            let rows = self.ask(store.keys().resolve_many(&hashes)).await?;
            tries -= 1;
            // Something was changed while they were read: a key may have been made meanwhile.
            if generation != self.generation.load(Ordering::SeqCst) && tries > 0 {
                continue;
            }
            let mut found = HashMap::with_capacity(rows.len());
            for (shown, row) in rows {
                let Some(digest) = KeyDigest::from_hex(&shown) else { continue };
                // A key of its own comes before what it once was.
                let own = row.token == shown;
                let row = Found { row, generation, epoch };
                if own {
                    found.insert(digest, row);
                } else {
                    found.entry(digest).or_insert(row);
                }
            }
            return Ok(found);
        }
    }
}

/// When a queue may be asked for next: `free` statements with strangers at once, then one in `every`.
#[derive(Debug)]
pub(crate) struct Pace {
    free: Duration,
    every: Duration,
    /// When all that was charged is paid off.
    due: Instant,
}

impl Pace {
    fn new(free: u32, every: Duration, now: Instant) -> Self {
        Self { free: every.saturating_mul(free), every, due: now }
    }

    fn charge(&mut self, now: Instant) {
        self.due = self.due.max(now) + self.every;
    }

    fn next(&self) -> Instant {
        self.due.checked_sub(self.free).unwrap_or(self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_asked_for_some_times_at_once_and_then_in_turn() {
        let start = Instant::now() + Duration::from_secs(3600);
        let mut pace = Pace::new(3, Duration::from_millis(100), start);
        for _ in 0..3 {
            assert!(pace.next() <= start);
            pace.charge(start);
        }
        for more in 0..3 {
            assert_eq!(pace.next() - start, Duration::from_millis(100 * more));
            pace.charge(start);
        }
        // Quiet for a while: all is as at first.
        let later = start + Duration::from_secs(10);
        (0..3).for_each(|_| pace.charge(later));
        assert!(pace.next() <= later);
        pace.charge(later);
        assert_eq!(pace.next() - later, Duration::from_millis(100));
    }
}
