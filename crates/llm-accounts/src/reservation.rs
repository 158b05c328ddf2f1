//! What is set aside for a call, and the ways it ends: settled, given back, or interrupted. Exactly one of them.

pub(crate) mod batch;
mod running;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use llm_types::record::Status;
use llm_types::trail::LimitLeft;
use llm_types::{LogRecord, Result, Usage};
use parking_lot::Mutex;

use crate::admit::Intent;
use crate::bounds::Budget;
use crate::gate::{Counted, Tokens};
use crate::journal::{Counts, Note};
use crate::limits::Taken;
use crate::purse::{Owner, nanos, usd};
use crate::scope::Scope;
use crate::{Accounts, Extras, Identity, PriceBound, TokenLimitType};

/// Tokens a call may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) input: u64,
    pub(crate) output: Option<u64>,
    pub(crate) choices: u64,
    pub(crate) extras: Extras,
    /// Tokens that an answer without a limit may cost.
    pub(crate) unlimited: u64,
}

/// What a finished call used.
#[derive(Debug, Clone)]
pub struct Bill {
    /// What was consumed; all zero when nobody answered.
    pub usage: Usage,
    /// What it cost, US dollars.
    pub cost: f64,
    /// Content of the spend row; without one no row is written.
    pub record: Option<Arc<LogRecord>>,
    /// False for answers from the cache and for failures: nothing is charged.
    pub charge: bool,
}

/// What a settled call leaves for its response.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// What the key has spent now, with this call, in US dollars.
    pub key_spend: Option<f64>,
    /// What is left of the limits that hold for the caller.
    pub left: Vec<LimitLeft>,
}

/// What is set aside for a call. Dropped, it gives everything back, or, once [`Reservation::mark_sent`] was called, charges
/// what was set aside: somebody may have answered.
#[must_use = "dropping a reservation gives back what was set aside"]
pub struct Reservation {
    accounts: Accounts,
    scope: Scope,
    route: &'static str,
    group: Box<str>,
    estimate: Estimate,
    /// Nano-dollars set aside in each budget.
    amount: AtomicI64,
    /// The model costs nothing, so budgets were not asked.
    free: bool,
    /// What who answers costs at the most; zeros: nothing, or not known.
    price: Mutex<PriceBound>,
    taken: Taken,
    sent: AtomicBool,
    open: bool,
    /// Nothing was claimed in the shared store, which hears of the money at the end.
    beside: bool,
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("who", self.scope.who())
            .field("group", &self.group)
            .field("amount", &self.amount)
            .field("tokens", &self.taken.tokens)
            .finish_non_exhaustive()
    }
}

impl Reservation {
    pub(crate) fn new(
        accounts: Accounts,
        scope: Scope,
        intent: &Intent<'_>,
        estimate: Estimate,
        amount: i64,
        free: bool,
    ) -> Self {
        Self {
            accounts,
            scope,
            route: intent.route,
            group: intent.group.into(),
            estimate,
            amount: AtomicI64::new(amount),
            free,
            price: Mutex::new(intent.price.unwrap_or_default()),
            taken: Taken::default(),
            sent: AtomicBool::new(false),
            open: true,
            beside: false,
        }
    }

    /// The same for a call beside another one.
    pub(crate) const fn beside_another(mut self) -> Self {
        self.beside = true;
        self
    }

    /// Takes from the limits; nothing stays set aside when they refuse.
    pub(crate) fn taking(mut self, take: impl FnOnce(&Scope) -> Result<Taken>) -> Result<Self> {
        self.taken = take(&self.scope)?;
        Ok(self)
    }

    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Nano-dollars set aside in each budget.
    pub(crate) fn amount(&self) -> i64 {
        self.amount.load(Ordering::Relaxed)
    }

    /// The model costs nothing.
    pub(crate) const fn is_free(&self) -> bool {
        self.free
    }

    /// The limits that hold for the caller, and what remains of them after this call.
    #[must_use]
    pub fn left(&self) -> &[LimitLeft] {
        &self.taken.left
    }

    /// Who called.
    #[must_use]
    pub const fn who(&self) -> &Arc<Identity> {
        self.scope.who()
    }

    /// The model for the end user when his region has none of the name that was asked for (`default_model`).
    #[must_use]
    pub fn default_model(&self) -> Option<&Arc<str>> {
        self.scope.default_model()
    }

    /// The only region whose models may answer the end user (`allowed_model_region`).
    #[must_use]
    pub fn region(&self) -> Option<&Arc<str>> {
        self.scope.region()
    }

    /// True when the call goes on because its model is free, although a budget is gone: nothing that costs may answer it.
    #[must_use]
    pub fn needs_free(&self) -> bool {
        let gone = |budget: &Budget| budget.cap.is_some_and(|cap| budget.purse.spent() >= cap.max);
        self.free && self.scope.budgets().any(gone)
    }

    /// Sets aside more when a fallback is dearer; false when it does not fit.
    #[must_use]
    pub fn cover(&self, price: Option<PriceBound>) -> bool {
        *self.price.lock() = price.unwrap_or_default();
        if self.accounts.inner().settings().disable_budget_reservation {
            return true;
        }
        let more = self.estimate.cost(price).saturating_sub(self.amount.load(Ordering::Relaxed));
        if more <= 0 {
            return true;
        }
        if self.scope.set_aside(more, |budget| budget.purse.raise(more, budget.cap)).is_err() {
            return false;
        }
        self.raised(more);
        true
    }

    /// Every budget has `more` set aside.
    fn raised(&self, more: i64) {
        self.amount.fetch_add(more, Ordering::Relaxed);
        if let (Some(_), Some(shared)) = (self.taken.held, self.accounts.inner().shared.get()) {
            shared.raise(&self.scope, more);
        }
    }

    /// From now on somebody may have answered: dropping charges what was set aside.
    pub fn mark_sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Replaces what was set aside by what was used, and hands the rest to the journal. Does not wait, unless the journal is
    /// so far behind that waiting is better than losing.
    pub fn settle(self, bill: Bill) -> Settled {
        self.settle_as(bill, None)
    }

    /// As [`Reservation::settle`], for what is charged once under a name, whichever process sees it first and however often:
    /// the store refuses it a second time.
    pub fn settle_once(self, bill: Bill, name: &str) -> Settled {
        self.settle_as(bill, Some(name))
    }

    fn settle_as(mut self, bill: Bill, once: Option<&str>) -> Settled {
        if bill.record.as_ref().is_some_and(|record| record.status == Status::Failure) {
            self.give_back_batch();
        }
        let spent = if bill.charge { nanos(bill.cost.max(0.0)) } else { 0 };
        let counts = Counts::of(&bill.usage);
        let tokens = self.counted(&counts);
        let note = self.note(spent, counts, bill.record);
        let left = std::mem::take(&mut self.taken.left);
        let key_spend = match once {
            None => {
                let key_spend = self.close(spent, tokens);
                self.accounts.inner().journal.push(&note);
                key_spend
            }
            Some(name) => {
                let taken = self.accounts.inner().journal.push_once(&note, name);
                self.close(if taken { spent } else { 0 }, tokens)
            }
        };
        Settled { key_spend: key_spend.map(usd), left }
    }

    /// What the journal hears of the call; `record`: its row.
    fn note(&mut self, nanos: i64, counts: Counts, record: Option<Arc<LogRecord>>) -> Note {
        Note {
            who: Arc::clone(self.scope.who()),
            record,
            group: std::mem::take(&mut self.group),
            route: self.route,
            nanos,
            counts,
            interrupted: false,
            windows: self.scope.windows(nanos),
        }
    }

    /// The tokens of a bill that count against limits.
    fn counted(&self, counts: &Counts) -> Tokens {
        let main = match self.accounts.inner().settings().token_rate_limit_type {
            TokenLimitType::Total => counts.total,
            TokenLimitType::Input => counts.input,
            TokenLimitType::Output => counts.output,
        };
        Tokens { main, input: counts.input, output: counts.output }
    }

    /// Gives back gauges, corrects windows, moves money. What the key has spent now.
    fn close(&mut self, spent: i64, tokens: Tokens) -> Option<i64> {
        self.open = false;
        let inner = self.accounts.inner();
        let set = self.taken.tokens;
        let more = Tokens {
            main: tokens.main.saturating_sub(set.main),
            input: tokens.input.saturating_sub(set.input),
            output: tokens.output.saturating_sub(set.output),
        };
        if self.taken.stamp.is_some() {
            let now = inner.kv.now();
            for gate in self.scope.gates() {
                match gate.counted.of(more) {
                    Some(more) => {
                        gate.counter.adjust(more, self.taken.stamp, now);
                    }
                    None if gate.counted == Counted::Parallel => {
                        gate.counter.adjust(-1, None, now);
                    }
                    None => {}
                }
            }
        }
        let amount = self.amount.load(Ordering::Relaxed);
        if let (Some(held), Some(shared)) = (self.taken.held, inner.shared.get()) {
            shared.settle(held, &self.scope, more, (amount, spent));
        }
        if let (true, Some(shared)) = (self.beside, inner.shared.get()) {
            shared.spent(&self.scope, spent);
        }
        let kept = inner.journal.keeps();
        let mut key = None;
        for budget in self.scope.budgets() {
            let now = budget.purse.settle(amount, spent, kept && budget.owner.is_flushed());
            if budget.owner == Owner::Key {
                key = Some(now);
            }
            if spent > 0 {
                inner.watch(budget, self.scope.who(), now);
            }
        }
        key
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        if !self.sent.load(Ordering::Relaxed) {
            self.give_back_batch();
            self.close(0, Tokens::default());
            return;
        }
        let spent = self.amount.load(Ordering::Relaxed);
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let counts =
            Counts { input: whole(self.estimate.input), total: whole(self.estimate.input), ..Counts::default() };
        let note = Note { interrupted: true, ..self.note(spent, counts, None) };
        self.close(spent, self.taken.tokens);
        self.accounts.inner().journal.push(&note);
    }
}
