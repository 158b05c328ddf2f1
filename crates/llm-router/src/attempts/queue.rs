//! Waiting: for a healthy deployment, and for a place at one that is full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::Error;

use super::{Attempts, BUSY_PAUSE, DOWN_PAUSE, Phase, note};
use crate::{Step, timeouts};

impl Attempts {
    fn priority(&self) -> Option<i64> {
        self.request.priority.or(self.router.settings.default_priority)
    }

    /// LiteLLM's scheduler: while a group has no healthy deployment, requests with a priority go on one by one, the lowest
    /// first. Nobody waits as long as there is a healthy one.
    pub(super) fn wait_for_health(&mut self, now: Instant) -> Result<Option<Step>, Error> {
        let Some(priority) = self.priority() else { return Ok(None) };
        let Some(run) = self.run.as_mut() else { return Ok(None) };
        let healthy = self.router.healthy(&run.resolved, &self.request, &run.excluded, now);
        if !healthy.up.is_empty() {
            return Ok(None);
        }
        let line = &self.router.state.down;
        let place = self.place.get_or_insert_with(|| line.stand(&run.resolved.group.name, priority));
        if place.is_first() {
            return Ok(None);
        }
        self.wait(DOWN_PAUSE, now).map(Some)
    }

    /// True when a place is free, but for those who have waited for it.
    pub(super) fn others_are_first(&self) -> bool {
        let Some(run) = &self.run else { return false };
        match &self.place {
            Some(place) => !place.is_first(),
            None => self.router.state.full.waiting(&run.resolved.group.name) > 0,
        }
    }

    /// Every candidate is at its limit of parallel calls: wait in line, but not longer than an attempt may take.
    pub(super) fn queue(&mut self, now: Instant) -> Result<Step, Error> {
        let priority = self.priority().unwrap_or(0);
        let Some(run) = self.run.as_mut() else { return Err(Error::internal("no group is being tried")) };
        let line = &self.router.state.full;
        self.place.get_or_insert_with(|| line.stand(&run.resolved.group.name, priority));
        self.wait(BUSY_PAUSE, now)
    }

    fn wait(&mut self, pause: Duration, now: Instant) -> Result<Step, Error> {
        let Some(run) = self.run.as_mut() else { return Err(Error::internal("no group is being tried")) };
        let waited = now.saturating_duration_since(*run.busy_since.get_or_insert(now));
        let member = run.resolved.group.members.first().and_then(|&at| self.router.deployments.get(at));
        let limit = member.map(|d| timeouts(&self.request, d, &self.router.settings).limit);
        if limit.is_some_and(|most| waited >= most) {
            let asked = Arc::clone(&run.resolved.asked);
            self.place = None;
            return Err(note::busy(&asked, waited));
        }
        self.phase = Phase::Choose;
        Ok(Step::Wait(pause))
    }
}
