//! Leaving a store alone that does not work. No clock: time comes in.

use std::time::{Duration, Instant};

/// Failures in a row before the store is left alone.
const FAILURES: u32 = 5;
/// The first pause.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts failures in a row; after five the store is left alone for a second, then one request tries again, and the
/// pause doubles each time that fails, up to a minute. LiteLLM pauses for a minute at once.
#[derive(Debug)]
pub(crate) struct Breaker {
    failures: u32,
    pause: Duration,
    open_until: Option<Instant>,
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Same,
    /// The store is left alone from now on, for so long.
    Opened(Duration),
    /// The store works again.
    Closed,
}

impl Breaker {
    pub(crate) const fn new() -> Self {
        Self { failures: 0, pause: PAUSE, open_until: None }
    }

    /// True when the store may be asked. While it is left alone one request per pause may, to see whether it is back.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.open_until = Some(now + self.pause);
                true
            }
        }
    }

    /// Takes an outcome.
    pub(crate) fn note(&mut self, worked: bool, now: Instant) -> Turn {
        if worked {
            let was_open = self.open_until.is_some();
            *self = Self::new();
            return if was_open { Turn::Closed } else { Turn::Same };
        }
        self.failures = self.failures.saturating_add(1);
        if self.open_until.is_some() {
            self.pause = (self.pause * 2).min(LONGEST);
            self.open_until = Some(now + self.pause);
            return Turn::Same;
        }
        if self.failures < FAILURES {
            return Turn::Same;
        }
        self.open_until = Some(now + self.pause);
        Turn::Opened(self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_and_a_success_closes_it() {
        let (mut breaker, start) = (Breaker::new(), Instant::now());
        for _ in 0..4 {
            assert!(breaker.allows(start));
            assert_eq!(breaker.note(false, start), Turn::Same);
        }
        assert_eq!(breaker.note(true, start), Turn::Same, "a success in between starts anew");
        for _ in 0..4 {
            breaker.note(false, start);
        }
        assert_eq!(breaker.note(false, start), Turn::Opened(PAUSE));
        assert!(!breaker.allows(start + PAUSE / 2));
        let later = start + PAUSE;
        assert!(breaker.allows(later), "one may try");
        assert!(!breaker.allows(later), "only one");
        assert_eq!(breaker.note(false, later), Turn::Same);
        assert!(!breaker.allows(later + PAUSE), "the pause doubles");
        assert!(breaker.allows(later + 2 * PAUSE));
        assert_eq!(breaker.note(true, later), Turn::Closed);
        assert!(breaker.allows(later) && breaker.allows(later));
    }

    #[test]
    fn pauses_are_bounded_and_a_probe_that_never_reports_does_not_block_for_ever() {
        let (mut breaker, mut now) = (Breaker::new(), Instant::now());
        for _ in 0..30 {
            breaker.note(false, now);
        }
        now += LONGEST;
        assert!(breaker.allows(now));
        now += LONGEST;
        assert!(breaker.allows(now), "the last probe was dropped");
    }
}
