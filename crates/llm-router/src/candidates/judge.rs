//! The filters that look at one deployment at a time, in LiteLLM's order, and what the client hears when nobody is left.

use std::time::Instant;

use llm_types::{Error, FieldSet};

use super::Dropped;
use crate::{Deployment, DeploymentState, Resolved, RouteRequest, Router, note};

/// What the filters look at.
pub(super) struct Judge<'a> {
    request: &'a RouteRequest,
    millis: u64,
    minute: u32,
    /// `enable_pre_call_checks`: prompt length, requests of the minute, fields.
    checks: bool,
    /// `enforce_model_rate_limits`: requests and tokens of the minute.
    enforce: bool,
    /// Fields that the client uses and that are not left out for a provider that lacks them.
    fields: FieldSet,
    drop_params: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(router: &Router, request: &'a RouteRequest, now: Instant) -> Self {
        let checks = router.settings.enable_pre_call_checks == Some(true);
        Self {
            request,
            millis: router.state.millis(now),
            minute: router.state.minute(now),
            checks,
            enforce: router.settings.enforces_rate_limits(),
            fields: if checks { request.fields } else { FieldSet::EMPTY },
            drop_params: router.settings.drop_params == Some(true),
        }
    }

    /// May the caller see it, and does it work?
    pub(super) fn stands(&self, d: &Deployment, s: &DeploymentState) -> Option<Dropped> {
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
        s.cooling(self.millis).map(Dropped::Cooling)
    }

    /// Can it take the request?
    pub(super) fn suits(&self, d: &Deployment, s: &DeploymentState) -> Option<Dropped> {
        if self.request.region.as_ref().is_some_and(|wanted| !d.is_in(wanted)) {
            return Some(Dropped::Region);
        }
        if self.checks && d.max_input_tokens.is_some_and(|most| self.request.estimated_tokens > most) {
            return Some(Dropped::ContextWindow);
        }
        if (self.checks || self.enforce) && self.full(d, s) {
            return Some(Dropped::RateLimited);
        }
        let lacks = !self.fields.intersection(d.lacks).is_empty() && !d.drop_params.unwrap_or(self.drop_params);
        lacks.then_some(Dropped::Parameter)
    }

    fn full(&self, d: &Deployment, s: &DeploymentState) -> bool {
        let requests = d.rpm.is_some_and(|most| u64::from(s.requests(self.minute)) >= most);
        let tokens = u64::from(s.tokens(self.minute)).saturating_add(self.request.estimated_tokens);
        requests || (self.enforce && d.tpm.is_some_and(|most| tokens > most))
    }
}

/// How many members came how far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Visible to the caller.
    seen: usize,
    /// Of these, not paused.
    awake: usize,
    resting: usize,
    context: usize,
    rate: usize,
}

impl Tally {
    pub(super) fn count(&mut self, reason: Option<Dropped>) {
        let is = |wanted: bool| usize::from(wanted);
        self.seen += is(!matches!(reason, Some(Dropped::OtherTeam | Dropped::AccessGroup)));
        self.awake += is(!matches!(reason, Some(Dropped::OtherTeam | Dropped::AccessGroup | Dropped::Paused)));
        self.resting += is(matches!(reason, Some(Dropped::Cooling(_))));
    }

    pub(super) fn count_unsuited(&mut self, reason: Dropped) {
        self.context += usize::from(reason == Dropped::ContextWindow);
        self.rate += usize::from(reason == Dropped::RateLimited);
    }

    /// What the client is told when no member passes the filters.
    pub(super) fn error(&self, router: &Router, resolved: &Resolved, request: &RouteRequest, now: Instant) -> Error {
        match self {
            Self { seen: 0, .. } => note::no_healthy(&resolved.asked),
            Self { rate: 1.., .. } => note::at_limit(&resolved.asked, router.state.left_of_minute(now)),
            Self { context: 1.., .. } => note::too_long(&resolved.asked, request.estimated_tokens),
            Self { awake, resting, .. } => router.none_left(resolved, now, *resting > 0 && resting == awake),
        }
    }
}
