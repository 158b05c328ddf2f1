//! What was spent within a window, for budgets of providers, deployments and tags.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// Spend of one scope, in nano-dollars. A window begins with the first spend after the one before has ended.
#[derive(Debug)]
pub struct Purse {
    key: Arc<str>,
    period: Duration,
    window: Mutex<Window>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Window {
    /// Milliseconds since 1970; 0: none began yet.
    start: u64,
    own: u64,
    /// What of `own` was told to the shared store.
    told: u64,
    others: u64,
}

/// What a purse tells the shared store, or is told by it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SharedSpend {
    /// LiteLLM's name: `provider_spend:openai:1d`, `deployment_spend:ID:1d`, `tag_spend:TAG:1d`.
    pub key: Arc<str>,
    /// Length of the window in milliseconds.
    pub period_ms: u64,
    /// When the window began, in milliseconds since 1970.
    pub start_ms: u64,
    /// Nano-dollars.
    pub nanos: u64,
}

impl Purse {
    pub(super) fn new(key: Arc<str>, period: Duration) -> Self {
        Self { key, period, window: Mutex::default() }
    }

    /// Adds to the window of `unix_ms`.
    pub(crate) fn add(&self, nanos: u64, unix_ms: u64) {
        let mut w = self.window.lock();
        if self.over(&w, unix_ms) {
            *w = Window { start: unix_ms, ..Window::default() };
        }
        w.own = w.own.saturating_add(nanos);
    }

    /// What was spent in the window of `unix_ms`, by all processes that share their state.
    pub(crate) fn spent(&self, unix_ms: u64) -> u64 {
        let w = self.window.lock();
        if self.over(&w, unix_ms) { 0 } else { w.own.saturating_add(w.others) }
    }

    /// When the window ends, in milliseconds since 1970; nothing when none runs.
    pub(crate) fn ends(&self, unix_ms: u64) -> Option<u64> {
        let w = self.window.lock();
        (!self.over(&w, unix_ms)).then(|| w.start.saturating_add(super::millis(self.period)))
    }

    fn over(&self, w: &Window, unix_ms: u64) -> bool {
        w.start == 0 || unix_ms >= w.start.saturating_add(super::millis(self.period))
    }

    /// What was added since the last time.
    pub(super) fn take(&self, unix_ms: u64) -> Option<SharedSpend> {
        let mut w = self.window.lock();
        if self.over(&w, unix_ms) || w.own == w.told {
            return None;
        }
        let nanos = w.own - w.told;
        w.told = w.own;
        Some(self.shared(w.start, nanos))
    }

    /// The purse without an amount: what to ask the shared store for.
    pub(super) fn watched(&self, unix_ms: u64) -> SharedSpend {
        let w = self.window.lock();
        self.shared(if self.over(&w, unix_ms) { 0 } else { w.start }, 0)
    }

    fn shared(&self, start_ms: u64, nanos: u64) -> SharedSpend {
        SharedSpend { key: Arc::clone(&self.key), period_ms: super::millis(self.period), start_ms, nanos }
    }

    /// Hears what all processes together spent.
    pub(super) fn absorb(&self, total: &SharedSpend, unix_ms: u64) {
        let mut w = self.window.lock();
        if self.over(&w, unix_ms) {
            *w = Window { start: total.start_ms, ..Window::default() };
        }
        if total.start_ms > 0 {
            w.start = total.start_ms; // the store knows who was first
        }
        w.others = total.nanos.saturating_sub(w.told);
    }

    pub(super) fn alone(&self) {
        self.window.lock().others = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_with_the_first_spend() {
        let p = Purse::new("provider_spend:openai:10s".into(), Duration::from_secs(10));
        assert_eq!((p.spent(5000), p.ends(5000)), (0, None));
        p.add(7, 5000);
        p.add(8, 14_999);
        assert_eq!((p.spent(14_999), p.ends(14_999)), (15, Some(15_000)));
        assert_eq!(p.spent(15_000), 0);
        p.add(1, 20_000);
        assert_eq!((p.spent(20_000), p.ends(20_000)), (1, Some(30_000)));
    }

    #[test]
    fn what_others_spent_counts() {
        let p = Purse::new("tag_spend:a:10s".into(), Duration::from_secs(10));
        p.add(5, 1000);
        let told = p.take(1000).unwrap();
        assert_eq!((told.nanos, told.start_ms), (5, 1000));
        assert!(p.take(1000).is_none());
        p.add(2, 1100);
        p.absorb(&SharedSpend { nanos: 25, ..told }, 1100);
        assert_eq!(p.spent(1100), 27, "20 of others, 7 of our own");
        p.alone();
        assert_eq!(p.spent(1100), 7);
    }
}
