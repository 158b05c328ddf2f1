//! Streams that break off behind their first content.

use std::time::Instant;

use llm_types::{Error, Kind};

use super::{Attempts, Phase, Run};
use crate::{Cooled, Outcome};

impl Attempts {
    /// The answer that was reported as a success broke off: it counts as a failure. Asked for its next step, the request
    /// leaves the group: what the client has read already cannot be tried again, only be continued by another model.
    pub fn broke(&mut self, error: &Error, now: Instant) -> Option<Cooled> {
        if self.began.is_none() {
            self.began = Some(now);
            if let Some(record) = self.router.state.take_decision(self.decision) {
                self.choices = record.choices;
            }
        }
        let current = self.run.as_ref()?.current.as_ref()?;
        if let Some(state) = self.router.states.get(current.at) {
            state.no_success(self.router.state.minute(now));
        }
        let cooled = self.report(Outcome::Failure(error), now);
        self.phase = Phase::NoChoice(error.clone());
        cooled
    }

    /// Could another model go on where this one breaks off?
    #[must_use]
    pub fn may_be_continued(&self) -> bool {
        let Some(run) = &self.run else { return false };
        let order = run.current.as_ref().and_then(|c| self.router.order_in(&run.resolved.group, c.at));
        self.goes_on_behind(run, order)
    }

    /// Is there anybody left behind a deployment of this order?
    pub(super) fn goes_on_behind(&self, run: &Run, order: Option<i64>) -> bool {
        let (router, group) = (&self.router, &run.resolved.group);
        let higher = || order.is_some_and(|order| router.goes_above(group, order));
        !self.request.disable_fallbacks
            && (self.frames.iter().any(|frame| frame.next < frame.targets.len())
                || router.settings.enable_weighted_failover == Some(true) && group.members.len() > 1
                || router.fallbacks_of(&self.request, &run.resolved, Kind::MidStream).is_some()
                || higher())
    }
}
