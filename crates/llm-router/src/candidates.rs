//! Who may answer: the filters, in LiteLLM's order, each with a reason.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::{Error, Result};

use crate::{Deployment, DeploymentState, Resolved, RouteRequest, Router, note};

/// Why a deployment is not a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It belongs to another team.
    OtherTeam,
    /// It is in none of the caller's access groups.
    AccessGroup,
    /// An administrator paused it.
    Paused,
    /// It rests after failures, for this long still.
    Cooling(Duration),
    /// The prompt is longer than it can read.
    ContextWindow,
    /// It has reached its limit of this minute.
    RateLimited,
    /// It runs in a region that is not allowed.
    Region,
    /// A lower order is there.
    Order,
    /// It already answered this request with an error that would come again.
    Excluded,
}

/// What happened to one deployment.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Which one.
    pub deployment: Arc<Deployment>,
    /// Why it is out; nothing when it is a candidate.
    pub dropped: Option<Dropped>,
}

/// A decision that was not carried out.
#[derive(Debug)]
pub struct Explanation {
    /// The group.
    pub resolved: Resolved,
    /// Every deployment of the group.
    pub verdicts: Vec<Verdict>,
    /// The error, when there is no candidate.
    pub error: Option<Error>,
}

/// What a run of attempts has excluded so far.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Narrow<'a> {
    /// Only orders above this one.
    pub(crate) above: Option<i64>,
    /// Positions that are out.
    pub(crate) excluded: &'a [usize],
}

impl Router {
    /// Says who would be a candidate for a request now, and why the others are not.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn explain(&self, request: &RouteRequest, now: Instant) -> Result<Explanation> {
        let resolved = self.resolve_request(request)?;
        let mut out = Vec::new();
        let mut dropped = Vec::new();
        let result =
            self.candidates(&resolved, request, Narrow::default(), now, &mut out, |at, why| dropped.push((at, why)));
        let verdict = |&at: &usize| {
            let why = dropped.iter().find(|(other, _)| *other == at).map(|(_, why)| *why);
            Some(Verdict { deployment: Arc::clone(self.deployments.get(at)?), dropped: why })
        };
        let verdicts = resolved.group.members.iter().filter_map(verdict).collect();
        Ok(Explanation { resolved, verdicts, error: result.err() })
    }

    /// Fills `out` with the positions of the candidates; `why` hears of each that is dropped.
    ///
    /// # Errors
    /// What the client is told when there are none.
    pub(crate) fn candidates(
        &self,
        resolved: &Resolved,
        request: &RouteRequest,
        narrow: Narrow<'_>,
        now: Instant,
        out: &mut Vec<usize>,
        mut why: impl FnMut(usize, Dropped),
    ) -> Result<()> {
        out.clear();
        if resolved.by_id {
            return self.one(resolved, out, why);
        }
        let judge = Judge::new(self, request, now);
        let mut tally = Tally::default();
        for &at in &resolved.group.members {
            let (Some(d), Some(s)) = (self.deployments.get(at), self.states.get(at)) else { continue };
            let reason = judge.judge(d, s);
            tally.count(reason);
            match reason {
                None => out.push(at),
                Some(reason) => why(at, reason),
            }
        }
        if out.is_empty() {
            return Err(self.empty(resolved, request, now, &tally));
        }
        let mut drop = |out: &mut Vec<usize>, reason, gone: &dyn Fn(usize, &Deployment) -> bool| {
            out.retain(|&at| {
                let gone = self.deployments.get(at).is_none_or(|d| gone(at, d));
                if gone {
                    why(at, reason);
                }
                !gone
            });
        };
        if let Some(level) = self.lowest_order(out, narrow.above) {
            drop(out, Dropped::Order, &|_, d| d.order != Some(level));
        } else if narrow.above.is_some() {
            drop(out, Dropped::Order, &|_, _| true);
        }
        if !narrow.excluded.is_empty() {
            drop(out, Dropped::Excluded, &|at, _| narrow.excluded.contains(&at));
        }
        if out.is_empty() { Err(self.none_left(resolved, now, false)) } else { Ok(()) }
    }

    /// A deployment asked for by id: taken as it is, unless it is paused.
    fn one(&self, resolved: &Resolved, out: &mut Vec<usize>, mut why: impl FnMut(usize, Dropped)) -> Result<()> {
        let at = resolved.group.members.first().copied();
        match at.and_then(|at| Some((at, self.deployments.get(at)?))) {
            Some((at, d)) if d.blocked => {
                why(at, Dropped::Paused);
                Err(note::paused(&d.id))
            }
            Some((at, _)) => {
                out.push(at);
                Ok(())
            }
            None => Err(note::no_healthy(&resolved.asked)),
        }
    }

    /// What the client is told when no member passes the filters.
    fn empty(&self, resolved: &Resolved, request: &RouteRequest, now: Instant, tally: &Tally) -> Error {
        match tally {
            Tally { seen: 0, .. } => note::no_healthy(&resolved.asked),
            Tally { rate: 1.., .. } => note::at_limit(&resolved.asked, self.state.left_of_minute(now)),
            Tally { context: 1.., .. } => note::too_long(&resolved.asked, request.estimated_tokens),
            Tally { awake, resting, .. } => self.none_left(resolved, now, *resting > 0 && resting == awake),
        }
    }

    /// The lowest order among the candidates, above the one that already failed.
    fn lowest_order(&self, candidates: &[usize], above: Option<i64>) -> Option<i64> {
        let orders = candidates.iter().filter_map(|&at| self.deployments.get(at)?.order);
        orders.filter(|o| above.is_none_or(|low| *o > low)).min()
    }

    pub(crate) fn none_left(&self, resolved: &Resolved, now: Instant, all_cooling: bool) -> Error {
        let at = self.state.millis(now);
        let rest = |&i: &usize| Some((self.deployments.get(i)?, self.states.get(i)?.cooling(at)?));
        let cooling: Vec<_> = resolved.group.members.iter().filter_map(rest).collect();
        let wait = cooling.iter().map(|(_, left)| *left).min().unwrap_or_else(|| self.settings.cooldown_time());
        let ids: Vec<_> = cooling.iter().map(|(d, _)| Arc::clone(&d.id)).collect();
        let checks = self.settings.enable_pre_call_checks == Some(true);
        note::none_available(&resolved.asked, wait, checks, &ids, all_cooling)
    }

    /// Members that are visible, and of these the ones that neither rest nor are paused nor are in `excluded`.
    pub(crate) fn healthy(
        &self,
        resolved: &Resolved,
        request: &RouteRequest,
        excluded: &[usize],
        now: Instant,
    ) -> Healthy {
        let at = self.state.millis(now);
        let mut healthy = Healthy { all: 0, up: Vec::new() };
        for &i in &resolved.group.members {
            let (Some(d), Some(s)) = (self.deployments.get(i), self.states.get(i)) else { continue };
            if !d.visible_to(request.who.team_id.as_deref()) {
                continue;
            }
            healthy.all += 1;
            if !d.blocked && !excluded.contains(&i) && (resolved.by_id || s.cooling(at).is_none()) {
                healthy.up.push(i);
            }
        }
        healthy
    }
}

/// The members of a group after a failure.
#[derive(Debug)]
pub(crate) struct Healthy {
    pub(crate) all: usize,
    pub(crate) up: Vec<usize>,
}

/// The filters that look at one deployment at a time, in LiteLLM's order. Those that look at the whole set (tags, order,
/// exclusions) come after them.
struct Judge<'a> {
    request: &'a RouteRequest,
    millis: u64,
    minute: u32,
    /// `enable_pre_call_checks`: prompt length, requests of the minute.
    checks: bool,
    /// `enforce_model_rate_limits`: requests and tokens of the minute.
    enforce: bool,
}

impl<'a> Judge<'a> {
    fn new(router: &Router, request: &'a RouteRequest, now: Instant) -> Self {
        Self {
            request,
            millis: router.state.millis(now),
            minute: router.state.minute(now),
            checks: router.settings.enable_pre_call_checks == Some(true),
            enforce: router.settings.enforces_rate_limits(),
        }
    }

    fn judge(&self, d: &Deployment, s: &DeploymentState) -> Option<Dropped> {
        let who = &self.request.who;
        if !d.visible_to(who.team_id.as_deref()) {
            return Some(Dropped::OtherTeam);
        }
        if who.access_groups.as_ref().is_some_and(|mine| !d.access_groups.iter().any(|g| mine.contains(g))) {
            return Some(Dropped::AccessGroup);
        }
        if d.blocked {
            return Some(Dropped::Paused);
        }
        if let Some(left) = s.cooling(self.millis) {
            return Some(Dropped::Cooling(left));
        }
        if self.request.region.as_ref().is_some_and(|wanted| d.region.as_ref() != Some(wanted)) {
            return Some(Dropped::Region);
        }
        if self.checks && d.max_input_tokens.is_some_and(|most| self.request.estimated_tokens > most) {
            return Some(Dropped::ContextWindow);
        }
        ((self.checks || self.enforce) && self.full(d, s)).then_some(Dropped::RateLimited)
    }

    fn full(&self, d: &Deployment, s: &DeploymentState) -> bool {
        let requests = d.rpm.is_some_and(|most| u64::from(s.requests(self.minute)) >= most);
        let tokens = u64::from(s.tokens(self.minute)).saturating_add(self.request.estimated_tokens);
        requests || (self.enforce && d.tpm.is_some_and(|most| tokens > most))
    }
}

/// How many members came how far.
#[derive(Debug, Default)]
struct Tally {
    /// Visible to the caller.
    seen: usize,
    /// Of these, not paused.
    awake: usize,
    resting: usize,
    context: usize,
    rate: usize,
}

impl Tally {
    fn count(&mut self, reason: Option<Dropped>) {
        let is = |wanted: bool| usize::from(wanted);
        self.seen += is(!matches!(reason, Some(Dropped::OtherTeam | Dropped::AccessGroup)));
        self.awake += is(!matches!(reason, Some(Dropped::OtherTeam | Dropped::AccessGroup | Dropped::Paused)));
        self.resting += is(matches!(reason, Some(Dropped::Cooling(_))));
        self.context += is(reason == Some(Dropped::ContextWindow));
        self.rate += is(reason == Some(Dropped::RateLimited));
    }
}
