//! What is kept of a request's decisions.

use std::sync::Arc;

use super::Attempts;
use crate::decide::Trace;
use crate::state::{Record, RecordedChoice};
use crate::{DecisionId, Deployment, Rng};

/// Reasons and scores of one choice that are kept.
pub(super) const KEPT: usize = 64;

/// The id of a request's decisions: the same for the same seed, but another number than those that choose.
pub(super) fn new_id(seed: Option<u64>) -> DecisionId {
    DecisionId(seed.map_or_else(Rng::random, |s| Rng::seeded(!s)).next_u64())
}

impl Attempts {
    /// The name under which the decisions of this request can be read back ([`crate::RouterState::decision`]).
    #[must_use]
    pub const fn decision_id(&self) -> DecisionId {
        self.decision
    }

    /// Notes a choice.
    pub(super) fn note(
        &mut self,
        group: &Arc<str>,
        chosen: Option<&Arc<Deployment>>,
        trace: Trace,
        outcome: &'static str,
    ) {
        let chosen = chosen.map(|d| Arc::clone(&d.id));
        self.choices.push(RecordedChoice { group: Arc::clone(group), chosen, trace, outcome });
    }

    /// Writes the decisions down that were made so far, for those who read them while the answer is still running.
    pub fn write_down(&mut self) {
        let Some(began) = self.began.take() else { return };
        let record = Record {
            id: self.decision,
            at_ms: self.router.state.unix_ms(began),
            model: Arc::clone(&self.request.model),
            router: Arc::downgrade(&self.router),
            choices: std::mem::take(&mut self.choices),
            error: self.gave_up.take(),
        };
        self.router.state.keep(record);
    }

    /// Notes how the last choice ended.
    pub(super) fn note_outcome(&mut self, outcome: &'static str) {
        if let Some(last) = self.choices.last_mut() {
            last.outcome = outcome;
        }
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        self.write_down();
    }
}
