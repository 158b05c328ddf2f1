//! Counts that belong to one minute.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count of one minute: minute in the upper half, count in the lower, so that both change together.
#[derive(Debug, Default)]
pub(super) struct MinuteCounter(AtomicU64);

impl MinuteCounter {
    pub(super) fn get(&self, minute: u32) -> u32 {
        let (of, count) = split(self.0.load(Ordering::Relaxed));
        if of == minute { count } else { 0 }
    }

    /// Adds, and says what the count is now.
    pub(super) fn add(&self, minute: u32, n: u32) -> u32 {
        let sum = |old: u64| {
            let (of, count) = split(old);
            if of == minute { count.saturating_add(n) } else { n }
        };
        let old = self.0.update(Ordering::Relaxed, Ordering::Relaxed, |old| join(minute, sum(old)));
        sum(old)
    }

    /// Takes one back, when the minute is still the same.
    pub(super) fn take_back(&self, minute: u32) {
        let less = |old: u64| {
            let (of, count) = split(old);
            if of == minute { join(minute, count.saturating_sub(1)) } else { old }
        };
        self.0.update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    pub(super) fn set(&self, minute: u32, n: u32) {
        self.0.store(join(minute, n), Ordering::Relaxed);
    }
}

const fn join(minute: u32, count: u32) -> u64 {
    (minute as u64) << 32 | count as u64
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves")]
const fn split(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_begin_anew_each_minute() {
        let c = MinuteCounter::default();
        c.add(7, 2);
        assert_eq!(c.add(7, 3), 5);
        assert_eq!((c.get(7), c.get(8)), (5, 0));
        assert_eq!(c.add(8, 1), 1);
        assert_eq!((c.get(7), c.get(8)), (0, 1));
        c.add(8, u32::MAX);
        assert_eq!(c.get(8), u32::MAX);
        c.set(9, 4);
        c.take_back(8);
        assert_eq!(c.get(9), 4, "of another minute");
        c.take_back(9);
        assert_eq!(c.get(9), 3);
    }
}
