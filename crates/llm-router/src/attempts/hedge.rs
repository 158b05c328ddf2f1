//! Hedging: a second call to another deployment when the first one is late. Off unless it is switched on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::Error;
use serde::Deserialize;

use super::{Attempts, Current, Phase, decision};
use crate::candidates::Narrow;
use crate::cooldown::Failed;
use crate::decide::{Question, Trace};
use crate::{Attempt, RetryBudget};

/// When a second call is made, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub struct Hedging {
    /// Seconds after which the first call counts as late; nothing: later than 95 of 100 answers of its deployment.
    pub delay: Option<f64>,
    /// Second calls at the most, as a share of all requests; 0.05.
    pub max_extra: f64,
}

impl Default for Hedging {
    fn default() -> Self {
        Self { delay: None, max_extra: 0.05 }
    }
}

impl Attempts {
    /// How long to wait for the running call before [`Self::hedge`] is asked; nothing: for as long as it takes.
    #[must_use]
    pub fn hedge_after(&self) -> Option<Duration> {
        let hedging = self.router.settings.hedging?;
        let run = self.run.as_ref().filter(|r| !r.resolved.by_id && r.resolved.group.members.len() > 1)?;
        let at = run.current.as_ref()?.at;
        let late = hedging.delay.and_then(|s| Duration::try_from_secs_f64(s).ok());
        late.or_else(|| self.router.states.get(at)?.late())
    }

    /// A second call beside the running one, to another deployment; nothing when there is none or enough were made of late.
    /// Whichever answers first is reported: [`Self::hedge_won`] makes the second one the one that is reported.
    pub fn hedge(&mut self, now: Instant) -> Option<Attempt> {
        let router = Arc::clone(&self.router);
        let hedging = router.settings.hedging?;
        let run = self.run.as_ref().filter(|_| matches!(self.phase, Phase::Trying))?;
        let first = run.current.as_ref()?.at;
        let mut excluded = run.excluded.clone();
        excluded.push(first);
        excluded.extend_from_slice(&run.tried);
        let narrow = Narrow { above: run.above, excluded: &excluded };
        let question = Question { resolved: &run.resolved, request: &self.request, narrow, wanted: 1, now };
        let mut trace = Trace::keeping(decision::KEPT);
        router.decide(&question, &mut self.rng, &mut self.candidates, &mut trace).ok()?;
        let at = *trace.order.first()?;
        let budget = RetryBudget { ratio: hedging.max_extra, min_per_second: 0.1 };
        if !router.state.extra.allow(budget, router.state.millis(now)) {
            return None;
        }
        let (attempt, current, _) = self.begin(at, now)?;
        self.calls += 1;
        let run = self.run.as_mut()?;
        run.hedge = Some(current);
        let group = Arc::clone(&run.resolved.asked);
        self.note(&group, Some(&attempt.deployment), trace, "hedge");
        Some(attempt)
    }

    /// The second call answered first: it is the one that is reported from now on.
    pub fn hedge_won(&mut self) {
        if let Some(run) = self.run.as_mut()
            && let Some(hedge) = run.hedge.take()
        {
            run.current = Some(hedge);
        }
    }

    /// The second call failed while the first is still running.
    pub fn hedge_failed(&mut self, error: &Error, now: Instant) {
        let hedge = self.run.as_mut().and_then(|r| r.hedge.take());
        if let Some(hedge) = hedge {
            self.beside_failed(&hedge, error, now);
        }
    }

    /// The first call failed while the second is still running, which is the one that is reported from now on.
    pub fn first_failed(&mut self, error: &Error, now: Instant) {
        let first = self.run.as_mut().and_then(|r| {
            let hedge = r.hedge.take()?;
            r.current.replace(hedge)
        });
        if let Some(first) = first {
            self.beside_failed(&first, error, now);
        }
    }

    fn beside_failed(&mut self, failed: &Current, error: &Error, now: Instant) {
        let Some(run) = self.run.as_mut() else { return };
        let alternatives = run.resolved.group.members.len() > 1;
        let what = Failed { at: failed.at, error, alternatives, client_timeout: failed.client_timeout };
        let _ = self.router.record_failure(what, now); // it rests; nobody is told of it twice
        run.tried.push(failed.at);
    }
}
