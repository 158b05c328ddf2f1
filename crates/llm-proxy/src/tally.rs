//! Counts of what is under way.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

/// One more, for as long as it lives.
#[derive(Debug)]
pub(crate) struct OneMore<C: Deref<Target = AtomicU64>>(C);

impl<C: Deref<Target = AtomicU64>> OneMore<C> {
    /// Adds one to a count.
    pub(crate) fn of(count: C) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl<C: Deref<Target = AtomicU64>> Drop for OneMore<C> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_not_counted_any_more() {
        let count = AtomicU64::new(0);
        let one = OneMore::of(&count);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _other = OneMore::of(&count);
            assert_eq!(count.load(Ordering::Relaxed), 2);
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(unwound.is_err());
        assert_eq!(count.load(Ordering::Relaxed), 1);
        drop(one);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
