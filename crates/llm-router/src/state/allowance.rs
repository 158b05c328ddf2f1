//! The retry budget: in an outage, retries and hedges stay a share of the requests instead of multiplying them.

use parking_lot::Mutex;
use serde::Deserialize;

/// How many calls may be made on top of the requests, in a window of ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub struct RetryBudget {
    /// Share of the requests; 0.2.
    pub ratio: f64,
    /// Calls per second that are always allowed; 10.
    pub min_per_second: f64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { ratio: 0.2, min_per_second: 10.0 }
    }
}

const SECONDS: usize = 10;

/// Requests and extra calls of the last ten seconds.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    window: Mutex<[Second; SECONDS]>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Second {
    of: u64,
    requests: u32,
    extra: u32,
}

impl Extra {
    /// Counts a request.
    pub(crate) fn request(&self, millis: u64) {
        self.at(millis, |second| second.requests += 1);
    }

    /// Counts an extra call, if the budget allows it.
    pub(crate) fn allow(&self, budget: RetryBudget, millis: u64) -> bool {
        let mut window = self.window.lock();
        let now = millis / 1000;
        let live = window.iter().filter(|s| s.of + SECONDS as u64 > now);
        let (requests, extra) = live.fold((0.0, 0.0), |(r, e), s| (r + f64::from(s.requests), e + f64::from(s.extra)));
        let allowed = extra < requests * budget.ratio + budget.min_per_second * SECONDS as f64;
        if allowed && let Some(second) = slot(&mut window, now) {
            second.extra += 1;
        }
        allowed
    }

    fn at(&self, millis: u64, change: impl FnOnce(&mut Second)) {
        if let Some(second) = slot(&mut self.window.lock(), millis / 1000) {
            change(second);
        }
    }
}

fn slot(window: &mut [Second; SECONDS], now: u64) -> Option<&mut Second> {
    let slot = window.get_mut(usize::try_from(now % SECONDS as u64).ok()?)?;
    if slot.of != now {
        *slot = Second { of: now, ..Second::default() };
    }
    Some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_calls_stay_a_share_of_the_requests() {
        let extra = Extra::default();
        let budget = RetryBudget { ratio: 0.2, min_per_second: 1.0 };
        for n in 0..1000 {
            extra.request(60_000 + n * 10);
        }
        let allowed = (0..500).filter(|_| extra.allow(budget, 69_900)).count();
        assert_eq!(allowed, 210, "200 of 1000 requests, and 10 in ten seconds");
        assert!(!extra.allow(budget, 69_999));
        assert!(extra.allow(budget, 90_000), "the window has passed");
    }
}
