//! Counters as handles, and reservations over several of them.
//!
//! A snapshot of a caller's limits can hold its counters, so that a request hashes no key and looks up nothing.

use std::time::Duration;

use parking_lot::Mutex;

use crate::claim::{Exceeded, Reading, Stamp, Window};
use crate::time::millis;

/// Ends of a window that lie no farther apart are those of one window, in milliseconds: the way of an answer takes time.
const SAME_WINDOW: u64 = 1000;

/// One counter in this process's memory.
#[derive(Debug, Default)]
pub struct Counter(Mutex<State>);

/// Before its first use a counter's window has ended, in 1970.
#[derive(Debug, Default, Clone, Copy)]
struct State {
    value: i64,
    started: u64,
    ends: u64,
}

/// One counter in a reservation over handles.
#[derive(Debug)]
pub struct Claim<'a> {
    /// The counter, from [`crate::MemoryKv::counter`].
    pub counter: &'a Counter,
    /// How much to add; 0 checks only.
    pub by: i64,
    /// Refused when the counter would become larger than this. `None`: only counted.
    pub limit: Option<i64>,
    /// When the counter starts again.
    pub window: Window,
    /// The caller's own mark, because a reservation sorts its claims; [`Exceeded::index`] repeats it.
    pub mark: usize,
    /// As [`crate::CounterClaim::alone`].
    pub alone: bool,
    /// As [`crate::CounterClaim::floor`].
    pub floor: i64,
    /// Filled by a granted reservation.
    pub reading: Option<Reading>,
}

impl Counter {
    /// Its state now; `None` when its window is over or it was never used.
    pub fn read(&self, now: Stamp) -> Option<Reading> {
        let state = *self.0.lock();
        (now.0 < state.ends).then(|| state.reading(now.0))
    }

    /// Adds without a limit.
    pub fn add(&self, by: i64, window: Window, now: Stamp) -> Reading {
        let mut state = self.0.lock();
        state.roll(now.0, window);
        state.value = state.value.saturating_add(by);
        state.reading(now.0)
    }

    /// Corrects a reservation made at `since` (`None`: whenever): the value changes by `by`, not below 0. `None` when
    /// the window of that time is over; there is nothing to correct then.
    pub fn adjust(&self, by: i64, since: Option<Stamp>, now: Stamp) -> Option<i64> {
        let mut state = self.0.lock();
        if now.0 >= state.ends || since.is_some_and(|since| since.0 < state.started) {
            return None;
        }
        state.value = state.value.saturating_add(by).max(0);
        Some(state.value)
    }

    /// Raises the value to at least `floor`: what a database knows to have been used.
    pub fn raise(&self, floor: i64, window: Window, now: Stamp) -> Reading {
        let mut state = self.0.lock();
        state.roll(now.0, window);
        state.value = state.value.max(floor);
        state.reading(now.0)
    }

    /// Takes over what a shared counter of the same name reads: its value, and the rest of its window. Of two readings of
    /// one window the higher counts, for answers may come in another order than they were given.
    pub fn adopt(&self, reading: Reading, now: Stamp) {
        let ends = reading.resets_in.map_or(u64::MAX, |left| now.0.saturating_add(millis(left)));
        let mut state = self.0.lock();
        let one_window = state.ends.abs_diff(ends) < SAME_WINDOW;
        let value = if one_window { reading.value.max(state.value) } else { reading.value };
        *state = State { value, started: now.0.min(reading.started.0), ends };
    }

    /// Back to never used.
    pub fn reset(&self) {
        *self.0.lock() = State::default();
    }

    pub(crate) fn expired(&self, now: u64) -> bool {
        now >= self.0.lock().ends
    }
}

impl State {
    /// Starts a new window when the last one is over.
    fn roll(&mut self, now: u64, window: Window) {
        if now < self.ends {
            return;
        }
        let (started, ends) = match window {
            Window::FirstUse(length) => (now, now.saturating_add(millis(length).max(1))),
            Window::Aligned(length) => {
                let length = millis(length).max(1);
                let started = now - now % length;
                (started, started.saturating_add(length))
            }
            Window::Endless | Window::InFlight => (now, u64::MAX),
        };
        *self = State { value: 0, started, ends };
    }

    fn resets_in(&self, now: u64) -> Option<Duration> {
        (self.ends != u64::MAX).then(|| Duration::from_millis(self.ends.saturating_sub(now)))
    }

    fn reading(&self, now: u64) -> Reading {
        Reading { value: self.value, started: Stamp(self.started), resets_in: self.resets_in(now) }
    }
}

/// Checks all claims, then adds all of them, or none. The slice is sorted by counter; several claims on one counter add
/// up. The error's `index` is the smallest `mark` that did not fit.
///
/// All counters are locked while checking, in the order of their addresses, so reservations neither overrun a limit
/// nor wait for each other in a circle.
pub fn reserve_counters(claims: &mut [Claim<'_>], now: Stamp) -> Result<Stamp, Exceeded> {
    // Sorting by mark within a counter makes several claims on one counter add up in the caller's order.
    claims.sort_unstable_by_key(|claim| (address(claim), claim.mark));
    match step(claims, now.0, None) {
        None => Ok(now),
        Some(exceeded) => Err(exceeded),
    }
}

/// Locks the first counter and goes on to the rest; on the way back everything is known and is written, or not. The
/// guards live on the stack: no list of them is allocated.
fn step(claims: &mut [Claim<'_>], now: u64, mut worst: Option<Exceeded>) -> Option<Exceeded> {
    let Some(first) = claims.first() else { return worst };
    let counter = first.counter;
    let same = claims.iter().take_while(|claim| std::ptr::eq(claim.counter, counter)).count();
    let (same, rest) = claims.split_at_mut(same);
    let mut guard = counter.0.lock();
    let mut state = *guard;
    for claim in same.iter_mut() {
        state.roll(now, claim.window);
        state.value = state.value.max(claim.floor);
        let after = state.value.saturating_add(claim.by);
        if let Some(limit) = claim.limit
            && after > limit
            && !(claim.alone && state.value <= 0)
        {
            let exceeded = Exceeded {
                index: claim.mark,
                used: state.value,
                remaining: limit.saturating_sub(state.value).max(0),
                resets_in: state.resets_in(now),
            };
            if worst.is_none_or(|worst| exceeded.index < worst.index) {
                worst = Some(exceeded);
            }
        }
        state.value = after;
        claim.reading = Some(state.reading(now));
    }
    let worst = step(rest, now, worst);
    if worst.is_none() {
        *guard = state;
    }
    worst
}

fn address(claim: &Claim<'_>) -> usize {
    std::ptr::from_ref(claim.counter).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Window = Window::FirstUse(Duration::from_secs(60));

    fn claim(counter: &Counter, by: i64, limit: i64, mark: usize) -> Claim<'_> {
        Claim { counter, by, limit: Some(limit), window: MINUTE, mark, alone: false, floor: 0, reading: None }
    }

    #[test]
    fn all_or_nothing_and_the_first_failure_is_named() {
        let (a, b, c) = (Counter::default(), Counter::default(), Counter::default());
        let now = Stamp(1_000_000);
        assert_eq!(reserve_counters(&mut [claim(&a, 5, 10, 0), claim(&b, 5, 5, 1), claim(&c, 1, 9, 2)], now), Ok(now));
        let exceeded = reserve_counters(&mut [claim(&c, 1, 9, 0), claim(&b, 1, 5, 1), claim(&a, 6, 10, 2)], now);
        let expected = Exceeded { index: 1, used: 5, remaining: 0, resets_in: Some(Duration::from_secs(60)) };
        assert_eq!(exceeded, Err(expected));
        let values = [&a, &b, &c].map(|counter| counter.read(now).unwrap().value);
        assert_eq!(values, [5, 5, 1]);
    }

    #[test]
    fn claims_on_one_counter_add_up() {
        let a = Counter::default();
        let now = Stamp(1_000_000);
        let exceeded = reserve_counters(&mut [claim(&a, 3, 5, 0), claim(&a, 3, 5, 1)], now).unwrap_err();
        assert_eq!((exceeded.index, exceeded.used, exceeded.remaining), (1, 3, 2));
        let mut claims = [claim(&a, 2, 5, 0), claim(&a, 3, 5, 1)];
        reserve_counters(&mut claims, now).unwrap();
        assert_eq!(claims.map(|claim| claim.reading.unwrap().value), [2, 5]);
    }

    #[test]
    fn corrections_stay_in_their_window() {
        let a = Counter::default();
        let first = reserve_counters(&mut [claim(&a, 8, 10, 0)], Stamp(1_000_000)).unwrap();
        assert_eq!(a.adjust(-3, Some(first), Stamp(1_001_000)), Some(5));
        assert_eq!(a.adjust(-30, Some(first), Stamp(1_001_000)), Some(0));
        assert_eq!(a.adjust(-3, Some(first), Stamp(1_060_000)), None);
        reserve_counters(&mut [claim(&a, 8, 10, 0)], Stamp(1_070_000)).unwrap();
        assert_eq!(a.adjust(-3, Some(first), Stamp(1_071_000)), None);
        assert_eq!(a.read(Stamp(1_071_000)).unwrap().value, 8);
    }

    #[test]
    fn windows_begin_where_they_should() {
        let minute = Duration::from_secs(60);
        let at = Stamp(1_000_000_007);
        assert_eq!(Counter::default().add(1, Window::FirstUse(minute), at).started, at);
        let aligned = Counter::default().add(1, Window::Aligned(minute), at);
        assert_eq!(aligned.started, Stamp(999_960_000));
        assert_eq!(aligned.resets_in, Some(Duration::from_millis(19_993)));
        assert_eq!(Counter::default().add(1, Window::Endless, at).resets_in, None);
    }
}
