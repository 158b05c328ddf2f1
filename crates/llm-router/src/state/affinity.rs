//! Who answered before: keys of callers, sessions and prompts, and the deployment that served them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// What ties a request to a deployment. The number stays the same in every process and after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct AffinityKey(pub u64);

impl AffinityKey {
    /// The key of some texts, whose borders count. FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>.
    #[must_use]
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        for text in texts {
            text.iter().copied().for_each(&mut add);
            add(0xff); // stands in no UTF-8 text
        }
        Self(hash)
    }
}

/// One tie, as processes tell each other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SharedAffinity {
    /// What is tied.
    pub key: AffinityKey,
    /// Id of the deployment.
    pub deployment: Arc<str>,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: u64,
}

const SHARDS: usize = 16;
/// Ties per shard; the oldest half goes when there are more.
const MOST: usize = 16_384;

#[derive(Debug, Default)]
pub(super) struct Ties {
    shards: [Mutex<HashMap<AffinityKey, (Arc<str>, u64)>>; SHARDS],
    /// Somebody collects what is new.
    shared: AtomicBool,
    fresh: Mutex<Vec<SharedAffinity>>,
}

impl Ties {
    fn shard(&self, key: AffinityKey) -> Option<&Mutex<HashMap<AffinityKey, (Arc<str>, u64)>>> {
        // The lowest bits of FNV are its weakest.
        self.shards.get(usize::try_from(key.0 >> 60).unwrap_or(0) % SHARDS)
    }

    pub(super) fn get(&self, key: AffinityKey, unix_ms: u64) -> Option<Arc<str>> {
        let shard = self.shard(key)?.lock();
        shard.get(&key).filter(|(_, until)| *until > unix_ms).map(|(id, _)| Arc::clone(id))
    }

    pub(super) fn put(&self, tie: SharedAffinity, unix_ms: u64) {
        if self.shared.load(Ordering::Relaxed) {
            let mut fresh = self.fresh.lock();
            if fresh.len() < MOST {
                fresh.push(tie.clone());
            }
        }
        self.absorb(tie, unix_ms);
    }

    pub(super) fn absorb(&self, tie: SharedAffinity, unix_ms: u64) {
        let Some(shard) = self.shard(tie.key) else { return };
        let mut shard = shard.lock();
        if shard.len() >= MOST && !shard.contains_key(&tie.key) {
            thin(&mut shard, unix_ms);
        }
        shard.insert(tie.key, (tie.deployment, tie.until_ms));
    }

    pub(super) fn take(&self) -> Vec<SharedAffinity> {
        self.shared.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.fresh.lock())
    }
}

/// Forgets what is over; when nothing is, the half that ends first.
fn thin(shard: &mut HashMap<AffinityKey, (Arc<str>, u64)>, unix_ms: u64) {
    shard.retain(|_, (_, until)| *until > unix_ms);
    if shard.len() < MOST {
        return;
    }
    let mut ends: Vec<u64> = shard.values().map(|(_, until)| *until).collect();
    let middle = ends.len() / 2;
    let (_, &mut median, _) = ends.select_nth_unstable(middle);
    let mut most = middle;
    shard.retain(|_, (_, until)| {
        let keep = *until >= median && most > 0;
        most -= usize::from(keep);
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_between_texts_count() {
        let key = |texts: &[&str]| AffinityKey::of(texts.iter().map(|t| t.as_bytes()));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["a", "b"]), key(&["ab"]));
        assert_ne!(key(&["a", ""]), key(&["a"]));
    }

    #[test]
    fn ties_end_and_there_are_not_too_many() {
        let ties = Ties::default();
        let tie = |n: u64, until_ms| SharedAffinity { key: AffinityKey(n), deployment: "d".into(), until_ms };
        ties.put(tie(1, 100), 0);
        assert_eq!(ties.get(AffinityKey(1), 99).as_deref(), Some("d"));
        assert!(ties.get(AffinityKey(1), 100).is_none());
        assert!(ties.take().is_empty(), "nobody collected before");
        ties.put(tie(2, 100), 0);
        assert_eq!(ties.take().len(), 1);
        for n in 0..40_000 {
            ties.absorb(tie(n, 1000), 0); // all in the first shard
        }
        let kept = ties.shards[0].lock().len();
        assert!((MOST / 2..=MOST).contains(&kept), "{kept}");
    }
}
