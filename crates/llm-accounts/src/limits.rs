//! The limits on requests, tokens and calls at the same time that hold for a call, here and in the shared store.

use chrono::DateTime;
use llm_kv::{Claim, Exceeded, Reading, Window, reserve_counters};
use llm_types::trail::LimitLeft;
use llm_types::{Error, Result};

use crate::TokenLimitType;
use crate::accounts::Inner;
use crate::gate::{Counted, Gate, Room, Tokens};
use crate::refusal::{self, Excess};
use crate::reservation::Estimate;
use crate::reservation::batch::Batched;
use crate::scope::Scope;
use crate::shared::{Claimed, Held};

/// What admission took from the limits.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Tokens, of every token limit.
    pub(crate) tokens: Tokens,
    /// What is left of the limits.
    pub(crate) left: Vec<LimitLeft>,
    /// When.
    pub(crate) stamp: Option<llm_kv::Stamp>,
    /// What was taken from the shared store.
    pub(crate) held: Option<Held>,
    /// What the requests of a batch took.
    pub(crate) batched: Option<Batched>,
}

/// The tokens that a call sets aside in its limits; `expected`: those of its answer where it names no limit itself.
pub(crate) fn tokens(inner: &Inner, scope: &Scope, estimate: Estimate, expected: Option<u64>) -> Tokens {
    let counting = scope.gates().filter(|gate| gate.counted.of(Tokens::default()).is_some());
    match counting.map(|gate| gate.limit).min() {
        Some(smallest) if inner.settings().token_reservation => Tokens {
            main: estimate.tokens(inner.settings().token_rate_limit_type, smallest, expected),
            input: estimate.tokens(TokenLimitType::Input, smallest, expected),
            output: estimate.tokens(TokenLimitType::Output, smallest, expected),
        },
        _ => Tokens::default(),
    }
}

/// Who decides on limits.
#[derive(Clone, Copy)]
pub(crate) enum Enforced<'r> {
    /// The counts of this process.
    Here,
    /// The shared store let the call in, then; this process only keeps what it heard, for when the store is away.
    There(llm_kv::Stamp, &'r [(Claimed, Reading)]),
}

pub(crate) fn reserve_limits(inner: &Inner, scope: &Scope, tokens: Tokens, by: Enforced<'_>) -> Result<Taken> {
    let held = if let Enforced::There(stamp, readings) = by {
        hear(inner, scope, readings);
        Some(Held { stamp })
    } else {
        None
    };
    if scope.gates().next().is_none() {
        return Ok(Taken { held, ..Taken::default() });
    }
    let window = Window::FirstUse(inner.settings().window());
    let now = inner.kv.now();
    if let Enforced::There(_, readings) = by {
        let readings = readings.iter().filter(|(what, _)| matches!(what, Claimed::Gate(_))).map(|(_, r)| Some(*r));
        let left = scope.gates().zip(readings).filter_map(|(gate, reading)| left(gate, reading)).collect();
        return Ok(Taken { tokens, left, stamp: Some(now), held, batched: None });
    }
    let mut room = scope.room(now);
    loop {
        let mut claims: Vec<Claim<'_>> = scope
            .gates()
            .enumerate()
            .map(|(mark, gate)| {
                let ((by, window), limit) = (gate.claim(tokens, window), gate.claim_limit(tokens, room));
                Claim { counter: &gate.counter, by, limit, window, mark, alone: false, floor: 0, reading: None }
            })
            .collect();
        match reserve_counters(&mut claims, now) {
            Ok(stamp) => {
                claims.sort_unstable_by_key(|claim| claim.mark);
                let read = scope.gates().zip(&claims);
                let left = read.filter_map(|(gate, claim)| left(gate, claim.reading)).collect();
                return Ok(Taken { tokens, left, stamp: Some(stamp), held, batched: None });
            }
            Err(exceeded) if room == Room::Spare && scope.is_capacity(exceeded.index) => room = Room::Tight,
            Err(exceeded) => return Err(limit_refusal(inner, scope, exceeded.index, &exceeded)),
        }
    }
}

/// Takes what the requests of a batch use from the counts of this process.
pub(crate) fn reserve_batch(inner: &Inner, scope: &Scope, requests: i64, tokens: Tokens) -> Result<llm_kv::Stamp> {
    let minute = Window::FirstUse(inner.settings().window());
    let mut claims: Vec<Claim<'_>> = scope
        .gates()
        .enumerate()
        .filter_map(|(mark, gate)| {
            let (by, (_, window)) = (gate.batched(requests, tokens)?, gate.claim(tokens, minute));
            let limit = Some(gate.limit);
            Some(Claim { counter: &gate.counter, by, limit, window, mark, alone: false, floor: 0, reading: None })
        })
        .collect();
    reserve_counters(&mut claims, inner.kv.now())
        .map_err(|exceeded| limit_refusal(inner, scope, exceeded.index, &exceeded))
}

/// Keeps what the shared store said, this call included.
pub(crate) fn hear(inner: &Inner, scope: &Scope, readings: &[(Claimed, Reading)]) {
    let now = inner.kv.now();
    for (what, reading) in readings {
        match *what {
            Claimed::Gate(at) => {
                if let Some(gate) = scope.gates().nth(at) {
                    if gate.counted == Counted::Parallel {
                        // Only our own are ever given back here.
                        gate.counter.add(1, Window::InFlight, now);
                    } else {
                        gate.counter.adopt(*reading, now);
                    }
                }
            }
            Claimed::Spent(at) => {
                if let Some(budget) = scope.budgets().nth(at) {
                    budget.purse.hear(reading.value);
                }
            }
            Claimed::Reserved(_) => {}
        }
    }
}

/// The shared store refused: this process keeps that too, for when the store is away.
pub(crate) fn refused_there(inner: &Inner, scope: &Scope, at: usize, exceeded: &Exceeded) -> Error {
    if let Some(gate) = scope.gates().nth(at).filter(|gate| gate.counted != Counted::Parallel) {
        let now = inner.kv.now();
        let (value, resets_in) = (exceeded.used, exceeded.resets_in);
        gate.counter.adopt(Reading { value, started: now, resets_in }, now);
    }
    limit_refusal(inner, scope, at, exceeded)
}

fn limit_refusal(inner: &Inner, scope: &Scope, at: usize, exceeded: &Exceeded) -> Error {
    let Some(gate) = scope.gates().nth(at) else {
        return Error::internal("a limit that does not exist was exceeded");
    };
    if let Counted::Calls { .. } = gate.counted {
        return refusal::iterations(&gate.value, exceeded.used.saturating_add(1), gate.limit);
    }
    let resets_in = exceeded.resets_in.unwrap_or_default();
    let at = inner.kv.now().0.saturating_add(u64::try_from(resets_in.as_millis()).unwrap_or(0));
    let excess = Excess {
        descriptor: gate.descriptor,
        value: &gate.value,
        limit_type: gate.counted.word(),
        limit: gate.limit,
        remaining: gate.limit.saturating_sub(exceeded.used).max(0),
        resets_at: DateTime::from_timestamp_millis(i64::try_from(at).unwrap_or(0)).unwrap_or_default(),
    };
    refusal::rate_limit(&excess, inner.settings().window())
}

/// What remains of a limit; clients are not told of the calls of a session.
fn left(gate: &Gate, reading: Option<Reading>) -> Option<LimitLeft> {
    if let Counted::Calls { .. } = gate.counted {
        return None;
    }
    let remaining = gate.limit.saturating_sub(reading.map_or(0, |reading| reading.value)).max(0);
    Some(LimitLeft { whose: gate.descriptor, kind: gate.counted.word(), limit: gate.limit, remaining })
}
