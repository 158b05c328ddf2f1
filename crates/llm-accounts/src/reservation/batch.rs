//! What the requests of a batch use: taken from the limits when the batch is made, and given back when it was refused. Whoever
//! hangs up in between keeps what was taken: the batch may have been made.

use llm_types::Result;

use super::Reservation;
use crate::TokenLimitType;
use crate::gate::{Counted, Gate, Rule, Tokens};
use crate::limits;
use crate::shared::{Claims, Verdict};

/// What a batch took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batched {
    pub(crate) requests: i64,
    pub(crate) tokens: Tokens,
    /// When, by this process's clock.
    pub(crate) stamp: llm_kv::Stamp,
    /// When, by the shared store's clock, if it was taken there.
    pub(crate) there: Option<llm_kv::Stamp>,
}

impl Gate {
    /// What so many requests and tokens of a batch add to it. They do not run now: calls at the same time and the capacity
    /// of a model are not asked.
    pub(crate) fn batched(&self, requests: i64, tokens: Tokens) -> Option<i64> {
        match (self.rule, self.counted) {
            (Rule::Always, Counted::Requests) => Some(requests),
            (Rule::Always, counted) => counted.of(tokens),
            _ => None,
        }
    }
}

impl Reservation {
    /// True when the requests of a batch count against a limit of the caller.
    #[must_use]
    pub fn counts_batches(&self) -> bool {
        self.scope.gates().any(|gate| gate.batched(1, Tokens::default()).is_some())
    }

    /// Takes the requests of a batch and the tokens of their prompts from the limits; the call that makes it is one of them.
    ///
    /// # Errors
    /// 429 beyond a limit. Nothing is taken then.
    pub async fn take_batch(&mut self, requests: u64, tokens: u64) -> Result<()> {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (requests, input) = (whole(requests.saturating_sub(1)), whole(tokens));
        let inner = self.accounts.inner();
        let main = if inner.settings().token_rate_limit_type == TokenLimitType::Output { 0 } else { input };
        let tokens = Tokens { main, input, output: 0 };
        let verdict = match inner.shared.get() {
            None => Verdict::Alone,
            Some(shared) => {
                let claims = Claims::of_batch(&self.scope, (requests, tokens), inner.settings().window());
                shared.reserve(&claims).await
            }
        };
        let mut batched = Batched { requests, tokens, stamp: inner.kv.now(), there: None };
        match verdict {
            Verdict::Granted(stamp, readings) => {
                limits::hear(inner, &self.scope, &readings);
                batched.there = Some(stamp);
            }
            Verdict::Exceeded(what, exceeded) => {
                return Err(crate::admit::refused(inner, &self.scope, what, &exceeded));
            }
            Verdict::Alone => batched.stamp = limits::reserve_batch(inner, &self.scope, requests, tokens)?,
        }
        self.taken.batched = Some(batched);
        Ok(())
    }

    /// The batch was not made.
    pub(super) fn give_back_batch(&mut self) {
        let Some(batched) = self.taken.batched.take() else { return };
        let inner = self.accounts.inner();
        let now = inner.kv.now();
        for gate in self.scope.gates() {
            let Some(by) = gate.batched(batched.requests, batched.tokens) else { continue };
            gate.counter.adjust(by.saturating_neg(), Some(batched.stamp), now);
            if let (Some(stamp), Some(shared)) = (batched.there, inner.shared.get()) {
                shared.give_back(gate, by, stamp);
            }
        }
    }
}
