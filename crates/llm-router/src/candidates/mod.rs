//! Who may answer: the filters, in LiteLLM's order, each with a reason.

mod affinity;
mod judge;
mod tags;

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::{Error, Result};

use crate::{Deployment, Group, Resolved, RouteRequest, Router, note};

pub(crate) use affinity::Affinities;
pub use affinity::encrypted_key;
use judge::{Judge, Tally};
pub use tags::TagPattern;

/// Why a deployment is not a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It belongs to another team.
    OtherTeam,
    /// It is in none of the caller's access groups.
    AccessGroup,
    /// An administrator paused it.
    Paused,
    /// Its last health check failed.
    Unhealthy,
    /// It rests after failures, for this long still.
    Cooling(Duration),
    /// The caller, the session or the prompt is tied to another one.
    Affinity,
    /// Its provider, it itself or a tag of the request has spent its budget.
    Budget,
    /// The prompt is longer than it can read.
    ContextWindow,
    /// It has reached its limit of this minute.
    RateLimited,
    /// It runs in a region that is not allowed.
    Region,
    /// It does not take a field of the request.
    Parameter,
    /// The tags of the request do not allow it.
    Tags,
    /// A lower order is there.
    Order,
    /// It already answered this request with an error that would come again.
    Excluded,
    /// As many calls run at it as it may have.
    Busy,
}

impl Dropped {
    /// A short name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtherTeam => "other_team",
            Self::AccessGroup => "access_group",
            Self::Paused => "paused",
            Self::Unhealthy => "unhealthy",
            Self::Cooling(_) => "cooldown",
            Self::Affinity => "affinity",
            Self::Budget => "budget",
            Self::ContextWindow => "context_window",
            Self::RateLimited => "rate_limit",
            Self::Region => "region",
            Self::Parameter => "parameter",
            Self::Tags => "tags",
            Self::Order => "order",
            Self::Excluded => "excluded",
            Self::Busy => "max_parallel_requests",
        }
    }
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
        why: &mut dyn FnMut(usize, Dropped),
    ) -> Result<()> {
        out.clear();
        if resolved.by_id {
            return self.one(resolved, out, why);
        }
        let judge = Judge::new(self, request, now);
        let mut tally = Tally::default();
        for &at in &resolved.group.members {
            let (Some(d), Some(s)) = (self.deployments.get(at), self.states.get(at)) else { continue };
            let reason = judge.stands(d, s);
            tally.count(reason);
            match reason {
                None => out.push(at),
                Some(reason) => why(at, reason),
            }
        }
        self.drop_unhealthy(out, why);
        if let Some(pinned) = self.pinned(resolved, request, out, now) {
            drop_from(out, why, Dropped::Affinity, |at| at != pinned);
        }
        self.drop_spent(request, now, out, why)?;
        out.retain(|&at| {
            let (Some(d), Some(s)) = (self.deployments.get(at), self.states.get(at)) else { return false };
            let reason = judge.suits(d, s);
            if let Some(reason) = reason {
                tally.count_unsuited(reason);
                why(at, reason);
            }
            reason.is_none()
        });
        if out.is_empty() {
            return Err(tally.error(self, resolved, request, now));
        }
        if self.filters_tags(request, &resolved.group.members) {
            let allowed = self.tagged(request, out, &resolved.group.members);
            drop_from(out, why, Dropped::Tags, |at| allowed.as_ref().is_none_or(|a| !a.contains(&at)));
            if out.is_empty() {
                return Err(note::tags(&resolved.asked, &request.tags));
            }
        }
        if let Some(level) = self.lowest_order(&resolved.group, out, narrow.above) {
            drop_from(out, why, Dropped::Order, |at| self.order_in(&resolved.group, at) != Some(level));
        } else if narrow.above.is_some() {
            drop_from(out, why, Dropped::Order, |_| true);
        }
        if !narrow.excluded.is_empty() {
            drop_from(out, why, Dropped::Excluded, |at| narrow.excluded.contains(&at));
        }
        if out.is_empty() { Err(self.none_left(resolved, now, false)) } else { Ok(()) }
    }

    /// A deployment asked for by id: taken as it is, unless it is paused.
    fn one(&self, resolved: &Resolved, out: &mut Vec<usize>, why: &mut dyn FnMut(usize, Dropped)) -> Result<()> {
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

    /// Health checks count only as long as somebody passes them.
    fn drop_unhealthy(&self, out: &mut Vec<usize>, why: &mut dyn FnMut(usize, Dropped)) {
        if self.settings.enable_health_check_routing != Some(true) {
            return;
        }
        let ill = |at: usize| self.states.get(at).is_some_and(|s| s.unhealthy());
        if out.iter().any(|&at| !ill(at)) {
            drop_from(out, why, Dropped::Unhealthy, ill);
        }
    }

    fn drop_spent(
        &self,
        request: &RouteRequest,
        now: Instant,
        out: &mut Vec<usize>,
        why: &mut dyn FnMut(usize, Dropped),
    ) -> Result<()> {
        if self.budgets.is_empty() || out.is_empty() {
            return Ok(());
        }
        let unix_ms = self.state.unix_ms(now);
        let first = out.iter().find_map(|&at| self.budgets.stops(at, request, unix_ms));
        let Some(first) = first else { return Ok(()) };
        drop_from(out, why, Dropped::Budget, |at| self.budgets.stops(at, request, unix_ms).is_some());
        if out.is_empty() { Err(note::budget(&first.told(unix_ms))) } else { Ok(()) }
    }

    /// The lowest order among the candidates, above the one that already failed.
    fn lowest_order(&self, group: &Group, candidates: &[usize], above: Option<i64>) -> Option<i64> {
        let orders = candidates.iter().filter_map(|&at| self.order_in(group, at));
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

fn drop_from(out: &mut Vec<usize>, why: &mut dyn FnMut(usize, Dropped), reason: Dropped, gone: impl Fn(usize) -> bool) {
    out.retain(|&at| {
        let gone = gone(at);
        if gone {
            why(at, reason);
        }
        !gone
    });
}

/// The members of a group after a failure.
#[derive(Debug)]
pub(crate) struct Healthy {
    pub(crate) all: usize,
    pub(crate) up: Vec<usize>,
}

// Used by explanations.
pub(crate) type Reason = (usize, Dropped);

impl Resolved {
    /// The deployment at a position, when it is a member.
    pub(crate) fn deployments<'r>(&'r self, router: &'r Router) -> impl Iterator<Item = (usize, &'r Arc<Deployment>)> {
        self.group.members.iter().filter_map(|&at| Some((at, router.deployments.get(at)?)))
    }
}
