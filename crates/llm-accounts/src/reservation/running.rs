//! What an answer that is still being written may cost: a stream ends where a hard budget does.

use llm_types::Error;

use super::Reservation;
use crate::purse::{Cap, Empty, Purse, nanos};

impl Purse {
    /// Whether a call that set `own` aside may have cost `spent` by now, beside what is spent and what others set aside.
    fn bears(&self, own: i64, spent: i64, cap: Cap) -> Result<(), Empty> {
        let used = self.used().saturating_sub(own).saturating_add(spent);
        if used > cap.max { Err(Empty { used }) } else { Ok(()) }
    }
}

impl Reservation {
    /// Asked while an answer is being written, of which there are `written` tokens (estimated) by now: the refusal with which
    /// it has to end, because a budget is gone. Prompt and answer are priced as the dearest deployment of the group. An answer
    /// that costs more than was set aside sets aside more, as long as there is any.
    #[must_use]
    pub fn stops(&self, written: u64) -> Option<Error> {
        let (input, output) = self.price.lock().tokens(self.estimate.input, self.estimate.extras);
        if (input, output) == (0.0, 0.0) {
            return None;
        }
        // Tokens of a call are far below what a float counts exactly.
        let spent = nanos(self.estimate.input as f64 * input + written as f64 * output);
        let own = self.amount();
        for budget in self.scope.budgets() {
            let Some(cap) = budget.cap else { continue };
            if let Err(empty) = budget.purse.bears(own, spent, cap) {
                let status = self.accounts.inner().settings().budget_exceeded_status_code;
                return Some(budget.refusal(empty.used, cap.max, status));
            }
        }
        if spent > own && !self.accounts.inner().settings().disable_budget_reservation {
            // A quarter more, so that this is rare.
            self.set_aside_more(spent.saturating_sub(own).saturating_add(spent / 4));
        }
        None
    }

    fn set_aside_more(&self, more: i64) {
        // Without a cap it fits: it is being spent anyway.
        self.scope.budgets().for_each(|budget| budget.purse.raise(more, None).unwrap_or_default());
        self.raised(more);
    }
}
