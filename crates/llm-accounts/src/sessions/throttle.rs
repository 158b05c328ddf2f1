//! Wrong passwords are counted by source and name, and by source alone; too many of them block for a while, whatever the
//! password. A blocked pair counts against its source no more: one script must not lock an office out.
//!
//! Attempts are counted before they are judged, so that many at once are no more than many after another; a right one is
//! taken off again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::FailureLimits;
use crate::KeyDigest;
use crate::source::Source;

/// Sources and pairs remembered at the most; beyond it the oldest windows go.
const MOST: usize = 20_000;

/// Who tries: a source, and the name if it counts.
type Who = (Source, Option<KeyDigest>);

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Instant,
    failures: u32,
    until: Option<Instant>,
}

/// The counts of one gateway.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Who, Count>>);

impl Throttle {
    /// Notes an attempt. How long to wait, when it is one too many.
    pub(super) fn attempt(
        &self,
        limits: &FailureLimits,
        source: Option<IpAddr>,
        name: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let pair = (Source::of(source), Some(name_of(name)));
        let alone = (pair.0, None);
        let mut counts = self.0.lock();
        if counts.len() >= MOST {
            counts.retain(|_, count| {
                count.until.is_some_and(|until| until > now) || now.duration_since(count.since) < limits.window
            });
            if counts.len() >= MOST {
                counts.clear();
            }
        }
        let per_source = limits.per_source.unwrap_or_else(|| limits.attempts.saturating_mul(10));
        for (who, most) in [(pair, limits.attempts), (alone, per_source)] {
            let blocked = counts.get(&who).and_then(|count| count.until).filter(|until| *until > now);
            if let Some(until) = blocked {
                return Err(until.duration_since(now));
            }
            let count = counts.entry(who).or_insert(Count { since: now, failures: 0, until: None });
            if now.duration_since(count.since) >= limits.window || count.until.is_some() {
                *count = Count { since: now, failures: 0, until: None };
            }
            count.failures += 1;
            if count.failures > most {
                count.until = Some(now + limits.block);
                return Err(limits.block);
            }
        }
        Ok(())
    }

    /// The attempt was a right one.
    pub(super) fn right(&self, source: Option<IpAddr>, name: &str) {
        let pair = (Source::of(source), Some(name_of(name)));
        let mut counts = self.0.lock();
        counts.remove(&pair);
        if let Some(alone) = counts.get_mut(&(pair.0, None)) {
            alone.failures = alone.failures.saturating_sub(1);
        }
    }
}

fn name_of(name: &str) -> KeyDigest {
    KeyDigest::of(&name.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_block_for_a_while() {
        let throttle = Throttle::default();
        let limits = FailureLimits { attempts: 3, per_source: Some(6), ..FailureLimits::default() };
        let (start, here, there) = (Instant::now(), "192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        let mut at = start;
        let tries = |source, name: &str, at| throttle.attempt(&limits, source, name, at).is_ok();
        assert_eq!([0; 5].map(|_| tries(here, "ann", at)), [true, true, true, false, false]);
        assert!(tries(here, "ANN ", at) == tries(here, "ann", at), "names know no case");
        assert!(tries(there, "ann", at), "another source");
        // Of six for all names three are used up: the blocked pair counts no more.
        assert_eq!(["b", "c", "d", "e"].map(|name| tries(here, name, at)), [true, true, true, false]);
        assert!(!tries(here, "f", at));
        at += limits.block + Duration::from_millis(1);
        assert_eq!([0; 4].map(|_| tries(here, "ann", at)), [true, true, true, false]);
        // A right one is taken off.
        for _ in 0..9 {
            assert!(tries(there, "bob", at));
            throttle.right(there, "bob");
        }
    }
}
