//! Who may answer: the filters, in LiteLLM's order, each with a reason.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::{Error, Result};

use crate::{Deployment, Resolved, RouteRequest, Router, note};

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
        out.extend_from_slice(&resolved.group.members);
        let mut keep = |out: &mut Vec<usize>, test: &dyn Fn(usize, &Deployment) -> Option<Dropped>| {
            let before = out.len();
            out.retain(|&at| match self.deployments.get(at).map(|d| test(at, d)) {
                Some(None) => true,
                Some(Some(reason)) => {
                    why(at, reason);
                    false
                }
                None => false,
            });
            before - out.len()
        };
        keep(out, &|_, d| (!d.visible_to(request.who.team_id.as_deref())).then_some(Dropped::OtherTeam));
        if let Some(groups) = &request.who.access_groups {
            let inside = |d: &Deployment| d.access_groups.iter().any(|g| groups.contains(g));
            keep(out, &|_, d| (!inside(d)).then_some(Dropped::AccessGroup));
        }
        if out.is_empty() {
            return Err(note::no_healthy(&resolved.asked));
        }
        keep(out, &|_, d| d.blocked.then_some(Dropped::Paused));
        let (at, awake) = (self.state.millis(now), out.len());
        let resting = keep(out, &|i, _| self.states.get(i)?.cooling(at).map(Dropped::Cooling));
        let limited = self.pre_call(request, now, out, &mut keep);
        if out.is_empty()
            && let Some(error) = limited.error(resolved, request, self.state.left_of_minute(now))
        {
            return Err(error);
        }
        if let Some(level) = self.lowest_order(out, narrow.above) {
            keep(out, &|_, d| (d.order != Some(level)).then_some(Dropped::Order));
        } else if narrow.above.is_some() {
            keep(out, &|_, _| Some(Dropped::Order));
        }
        keep(out, &|i, _| narrow.excluded.contains(&i).then_some(Dropped::Excluded));
        if out.is_empty() { Err(self.none_left(resolved, now, resting > 0 && resting == awake)) } else { Ok(()) }
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

    /// `enable_pre_call_checks` (prompt length, requests of the minute), `enforce_model_rate_limits` (requests and tokens
    /// of the minute), and the region.
    fn pre_call(
        &self,
        request: &RouteRequest,
        now: Instant,
        out: &mut Vec<usize>,
        keep: &mut impl FnMut(&mut Vec<usize>, &dyn Fn(usize, &Deployment) -> Option<Dropped>) -> usize,
    ) -> Limited {
        let mut limited = Limited::default();
        let checks = self.settings.enable_pre_call_checks == Some(true);
        let enforce = self.settings.enforces_rate_limits();
        if let Some(region) = &request.region {
            keep(out, &|_, d| (d.region.as_ref() != Some(region)).then_some(Dropped::Region));
        }
        if checks && request.estimated_tokens > 0 {
            let long = |d: &Deployment| d.max_input_tokens.is_some_and(|most| request.estimated_tokens > most);
            limited.context = keep(out, &|_, d| long(d).then_some(Dropped::ContextWindow));
        }
        if checks || enforce {
            let minute = self.state.minute(now);
            let full = |at: usize, d: &Deployment| {
                let Some(s) = self.states.get(at) else { return false };
                let requests = d.rpm.is_some_and(|most| u64::from(s.requests(minute)) >= most);
                let tokens = u64::from(s.tokens(minute)).saturating_add(request.estimated_tokens);
                requests || (enforce && d.tpm.is_some_and(|most| tokens > most))
            };
            limited.rate = keep(out, &|at, d| full(at, d).then_some(Dropped::RateLimited));
        }
        limited
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

/// How many fell to which check.
#[derive(Debug, Default)]
struct Limited {
    context: usize,
    rate: usize,
}

impl Limited {
    fn error(&self, resolved: &Resolved, request: &RouteRequest, left: Duration) -> Option<Error> {
        match self {
            Self { rate: 1.., .. } => Some(note::at_limit(&resolved.asked, left)),
            Self { context: 1.., .. } => Some(note::too_long(&resolved.asked, request.estimated_tokens)),
            _ => None,
        }
    }
}
