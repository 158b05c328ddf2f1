//! Milliseconds since 1970 that never go backwards.

#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall clock as it was at the start, plus a monotonic one: a corrected system clock moves no window.
#[derive(Debug)]
pub(crate) struct Time {
    start: Instant,
    start_ms: u64,
    #[cfg(feature = "testing")]
    skipped_ms: AtomicU64,
}

impl Time {
    pub(crate) fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time {
            start: Instant::now(),
            start_ms: millis(since_epoch),
            #[cfg(feature = "testing")]
            skipped_ms: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        let now = self.start_ms + millis(self.start.elapsed());
        #[cfg(feature = "testing")]
        let now = now + self.skipped_ms.load(Ordering::SeqCst);
        now
    }

    #[cfg(feature = "testing")]
    pub(crate) fn skip(&self, by: Duration) {
        self.skipped_ms.fetch_add(millis(by), Ordering::SeqCst);
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
