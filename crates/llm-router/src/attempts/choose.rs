//! Choosing a deployment, and beginning a call to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::Error;

use super::{Attempts, Current, Phase, decision, note};
use crate::candidates::Narrow;
use crate::decide::{NoChoice, Question, Trace};
use crate::state::Account;
use crate::{Attempt, InFlight, Step, timeouts};

impl Attempts {
    /// Picks a deployment of the current group.
    pub(super) fn choose(&mut self, now: Instant) -> Result<Step, Error> {
        if let Some(wait) = self.wait_for_health(now)? {
            return Ok(wait);
        }
        let Some(run) = self.run.as_ref() else { return Err(Error::internal("no group is being tried")) };
        let group = Arc::clone(&run.resolved.asked);
        let narrow = Narrow { above: run.above, excluded: &run.excluded };
        let wanted = 1 + run.tried.len();
        let question = Question { resolved: &run.resolved, request: &self.request, narrow, wanted, now };
        let mut trace = Trace::keeping(decision::KEPT);
        match self.router.decide(&question, &mut self.rng, &mut self.candidates, &mut trace) {
            Ok(()) if self.others_are_first() => return self.queue(now),
            Ok(()) => {}
            Err(NoChoice::Error(error)) => {
                self.note(&group, None, trace, error.kind.facts().class);
                return Err(error);
            }
            Err(NoChoice::Busy) => return self.queue(now),
        }
        self.place = None;
        let picked = self.first_of(&trace);
        let step = picked.and_then(|at| {
            let chosen = Arc::clone(self.router.deployments.get(at)?);
            self.note(&group, Some(&chosen), trace, "");
            self.attempt(at, now)
        });
        step.ok_or_else(|| Error::internal("the strategy chose a deployment that does not exist"))
    }

    /// The first in the order; one that already failed comes after the others.
    fn first_of(&mut self, trace: &Trace) -> Option<usize> {
        let run = self.run.as_mut()?;
        run.busy_since = None;
        let fresh = trace.order.iter().find(|at| !run.tried.contains(at));
        fresh.or(trace.order.first()).copied()
    }

    /// Begins a call to a deployment.
    fn attempt(&mut self, at: usize, now: Instant) -> Option<Step> {
        let (attempt, current, requests) = self.begin(at, now)?;
        let router = Arc::clone(&self.router);
        let run = self.run.as_mut()?;
        run.current = Some(current);
        let chooser = router.chooser(&self.request, &run.resolved.group.name);
        let guarded = chooser.strategy.guards_rpm() || router.settings.enforces_rate_limits();
        let rpm = attempt.deployment.rpm.filter(|_| guarded && !run.resolved.by_id);
        if let Some(rpm) = rpm.filter(|most| u64::from(requests) > *most) {
            // Others were quicker: the choice was made before they were counted.
            let error = note::over_rpm(&attempt.deployment.id, rpm);
            self.note_outcome(error.kind.facts().class);
            self.failed(&error, now);
            return Some(Step::Wait(Duration::ZERO));
        }
        self.calls += 1;
        self.phase = Phase::Trying;
        Some(Step::Try(attempt))
    }

    /// Counts a call as begun, and says how many began in this minute.
    pub(super) fn begin(&self, at: usize, now: Instant) -> Option<(Attempt, Current, u32)> {
        let router = &self.router;
        let run = self.run.as_ref()?;
        let deployment = Arc::clone(router.deployments.get(at)?);
        let timeouts = timeouts(&self.request, &deployment, &router.settings);
        let rule = router.chooser(&self.request, &run.resolved.group.name).args.latency_rule();
        let account = Account { rule, purses: router.budgets.purses(at, &self.request) };
        let (in_flight, requests) = InFlight::begin(router.states.get(at)?, &router.state, account, now);
        let current = Current { at, client_timeout: timeouts.from_client, running: in_flight.account() };
        let attempt = Attempt {
            model: run.resolved.provider_model(&deployment),
            group: Arc::clone(&run.resolved.asked),
            retry: run.retries,
            number: self.calls,
            fallbacks: run.depth,
            overrides: Arc::clone(&run.overrides),
            filtered_elsewhere: !self.request.stream && self.has_policy_fallback(run),
            continuable: self.request.stream && self.goes_on_behind(run, router.order_in(&run.resolved.group, at)),
            timeouts,
            in_flight,
            deployment,
        };
        Some((attempt, current, requests))
    }
}
