//! A call that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::latency::LatencyRule;
use super::{DeploymentState, Purse, RouterState};

/// A call in flight. Keep it until the answer has been read to its end: it counts as running until it is dropped.
#[derive(Debug)]
pub struct InFlight {
    deployment: Arc<DeploymentState>,
    state: Arc<RouterState>,
    began: Instant,
    /// Microseconds to the first content of a stream and one more; 0 as long as there is none.
    first: Arc<AtomicU64>,
    rule: LatencyRule,
    purses: Arc<[Arc<Purse>]>,
    /// Nothing is booked: what the call consumes says nothing of the deployment.
    unbooked: bool,
}

/// What a call consumed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consumed {
    /// Tokens of all kinds.
    pub tokens: u64,
    /// Of these, written ones.
    pub output_tokens: u64,
    /// US dollars.
    pub cost: f64,
}

/// What a call is counted against.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) rule: LatencyRule,
    pub(crate) purses: Arc<[Arc<Purse>]>,
}

impl InFlight {
    /// Counts a call as begun.
    pub(crate) fn begin(
        deployment: &Arc<DeploymentState>,
        state: &Arc<RouterState>,
        account: Account,
        now: Instant,
    ) -> (Self, u32) {
        let requests = deployment.begin(state.minute(now));
        let flight = Self {
            deployment: Arc::clone(deployment),
            state: Arc::clone(state),
            began: now,
            first: Arc::default(),
            rule: account.rule,
            purses: account.purses,
            unbooked: false,
        };
        (flight, requests)
    }

    /// A second hold on the figures of the call, which does not count as a call.
    pub(crate) fn account(&self) -> Running {
        Running {
            deployment: Arc::clone(&self.deployment),
            state: Arc::clone(&self.state),
            first: Arc::clone(&self.first),
            rule: self.rule,
            purses: Arc::clone(&self.purses),
        }
    }

    /// The call counts as running, but what it consumes is not booked on the deployment: somebody else's key pays for it.
    pub const fn book_nothing(&mut self) {
        self.unbooked = true;
    }

    /// Tells what the call consumed, once. For streams, and whatever else is known only after the success was reported.
    pub fn finish(&self, consumed: Consumed, now: Instant) {
        if self.unbooked {
            return;
        }
        let first = self.first.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_micros);
        self.account().book(consumed, now.saturating_duration_since(self.began), first, now);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.deployment.end();
    }
}

/// The figures of a call, for those who report its outcome.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    deployment: Arc<DeploymentState>,
    state: Arc<RouterState>,
    first: Arc<AtomicU64>,
    rule: LatencyRule,
    purses: Arc<[Arc<Purse>]>,
}

impl Running {
    /// The first content of a stream is there.
    pub(crate) fn first_content(&self, after: Duration) {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX - 1);
        self.first.store(micros + 1, Ordering::Relaxed);
    }

    /// Books tokens, money and time.
    pub(crate) fn book(&self, consumed: Consumed, took: Duration, first: Option<Duration>, now: Instant) {
        self.deployment.add_tokens(self.state.minute(now), consumed.tokens);
        let nanos = nano_dollars(consumed.cost);
        if nanos > 0 {
            self.purses.iter().for_each(|p| p.add(nanos, self.state.unix_ms(now)));
        }
        let per_token = |time: Duration| per_token(time, consumed.output_tokens);
        self.deployment.add_latency(per_token(took), first.map(per_token), self.rule, self.state.millis(now));
    }
}

/// Seconds per written token, as LiteLLM compares deployments; seconds when nothing was written.
#[allow(clippy::cast_precision_loss, reason = "a figure to compare")]
fn per_token(time: Duration, tokens: u64) -> f64 {
    time.as_secs_f64() / tokens.max(1) as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a sum of money")]
fn nano_dollars(usd: f64) -> u64 {
    if usd.is_finite() && usd > 0.0 { (usd * 1e9).round() as u64 } else { 0 }
}
