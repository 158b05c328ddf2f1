//! What can be counted and claimed.

use std::time::Duration;

/// When a counter starts again from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// A fixed time after its first use; the next one starts with the first use after that. LiteLLM's rate limits.
    FirstUse(Duration),
    /// Cut from the UTC clock: every full minute, hour, day. LiteLLM's usage-based routing.
    Aligned(Duration),
    /// Never by itself: budgets, whose resets are somebody else's decision.
    Endless,
    /// Never, and every unit is given back: requests in flight. A shared backend gives what a dead process held back
    /// after some time; in memory it dies with the process.
    InFlight,
}

/// The moment of a reservation, in milliseconds since 1970. Settling with it touches only windows that were already
/// running then, so that a late correction never falls into the next window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

/// One counter in a reservation.
#[derive(Debug, Clone, Copy)]
pub struct CounterClaim<'a> {
    /// The counter's name. One key has one kind of window.
    pub key: &'a str,
    /// How much to add; 0 checks only.
    pub by: i64,
    /// Refused when the counter would become larger than this. `None`: only counted.
    pub limit: Option<i64>,
    /// When the counter starts again.
    pub window: Window,
    /// What comes to an empty counter fits, whatever its size: estimates of what a call may use at the most are usually
    /// far too high, and a limit must not refuse the only call.
    pub alone: bool,
    /// The counter holds at least so much: what the caller knows to have been used. It is raised before the claim is
    /// checked, and stays raised when the reservation holds. 0 for nothing.
    pub floor: i64,
}

/// A correction of what was reserved.
#[derive(Debug, Clone, Copy)]
pub struct Correction<'a> {
    /// The counter's name.
    pub key: &'a str,
    /// The difference.
    pub by: i64,
    /// When it was reserved; `None`: whenever.
    pub since: Option<Stamp>,
}

/// A counter's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Its value, with what was just added.
    pub value: i64,
    /// When its window began.
    pub started: Stamp,
    /// Until its window ends; `None` when it does not.
    pub resets_in: Option<Duration>,
}

/// What became of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// Everything was added.
    Granted(Granted),
    /// Nothing was added.
    Exceeded(Exceeded),
}

/// A reservation that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// For settling.
    pub stamp: Stamp,
    /// One per claim, in the claims' order.
    pub readings: Vec<Reading>,
}

/// The first claim, in the claims' order, that did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which one.
    pub index: usize,
    /// How much was used before; with other claims of the same reservation on the same counter.
    pub used: i64,
    /// How much would still have fitted; never negative.
    pub remaining: i64,
    /// Until the window ends; `None` when it does not.
    pub resets_in: Option<Duration>,
}
