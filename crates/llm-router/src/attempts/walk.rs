//! What comes after a failure: the same group again, its higher orders, its other members, its fallbacks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::{Error, Kind, RawJson};

use super::{Attempts, Failure, Frame, Original, Phase, Run, note};
use crate::{Asked, Fallback, FallbackLists, RequestFallbacks, Resolved, RouteRequest, Router};

impl Attempts {
    /// Begins to try a group.
    pub(super) fn start(&mut self, resolved: Resolved, depth: u32, overrides: Arc<[(String, RawJson)]>) {
        self.run = Some(Run {
            resolved,
            depth,
            overrides,
            retries: 0,
            tried: Vec::new(),
            excluded: Vec::new(),
            above: None,
            failover: false,
            error: None,
            current: None,
            hedge: None,
            busy_since: None,
        });
        self.phase = Phase::Choose;
    }

    /// The pause before the same group is tried again; nothing when it is not.
    pub(super) fn retry(&mut self, error: &Error, now: Instant) -> Option<Duration> {
        let run = self.run.as_mut().filter(|r| !r.failover)?;
        let current = run.current.as_ref().and_then(|c| Some((c.at, self.router.deployments.get(c.at)?.as_ref())));
        let healthy = self.router.healthy(&run.resolved, &self.request, &run.excluded, now);
        let failure =
            Failure { error, resolved: &run.resolved, deployment: current, retries: run.retries, healthy: &healthy };
        let pause = self.router.retry(&self.request, failure, &mut self.rng)?;
        let (state, budget) = (&self.router.state, self.router.settings.retry_budget);
        if budget.is_some_and(|budget| !state.extra.allow(budget, state.millis(now))) {
            return None;
        }
        run.retries += 1;
        self.phase = Phase::Choose;
        Some(pause)
    }

    /// Ends the request after a failure, whatever could still be tried: it cannot be sent again. Gives the error of the
    /// requested group.
    pub fn give_up(&mut self) -> Error {
        let phase = std::mem::replace(&mut self.phase, Phase::Trying);
        let error = match phase {
            Phase::Failed(error) | Phase::NoChoice(error) => {
                let group = self.run.as_ref().map(|run| Arc::clone(&run.resolved.asked));
                if let (None, Some(group)) = (&self.original, group) {
                    self.original = Some(Original { group, error });
                }
                self.last_word()
            }
            Phase::Over(error) => error,
            Phase::Start | Phase::Choose | Phase::Trying => Error::internal("an attempt was not reported"),
        };
        self.phase = Phase::Over(error.clone());
        error
    }

    /// The group's retries are used up: goes on with what is left of it, else leaves it.
    pub(super) fn exhausted(&mut self, error: Error) {
        let Some(run) = self.run.as_mut() else {
            self.phase = Phase::Over(error);
            return;
        };
        let order = run.current.as_ref().and_then(|c| self.router.order_in(&run.resolved.group, c.at));
        // A later level that fails too does not hide how the group failed.
        let error = run.error.get_or_insert(error).clone();
        if !self.another_level(order) && !self.another_member() {
            self.leave_group(error);
        }
    }

    /// Goes on with the members of the next higher order, if there are any.
    fn another_level(&mut self, failed: Option<i64>) -> bool {
        let Some(run) = self.run.as_mut() else { return false };
        let Some(order) = failed.filter(|o| run.above.is_none_or(|a| *o > a)) else { return false };
        let higher = self.router.goes_above(&run.resolved.group, order);
        if run.resolved.by_id || self.request.disable_fallbacks || !higher {
            return false;
        }
        run.above = Some(order);
        run.retries = 0;
        self.phase = Phase::Choose;
        true
    }

    /// With `enable_weighted_failover`: goes on with a member that was not tried yet.
    fn another_member(&mut self) -> bool {
        let on = self.router.settings.enable_weighted_failover == Some(true) && !self.request.disable_fallbacks;
        let Some(run) = self.run.as_mut().filter(|r| on && !r.resolved.by_id) else { return false };
        // Each round excludes at least one member more, so this ends.
        let before = run.excluded.len();
        for at in std::mem::take(&mut run.tried) {
            if !run.excluded.contains(&at) {
                run.excluded.push(at);
            }
        }
        let fresh = run.excluded.len() > before || !run.failover;
        let left = run.resolved.group.members.iter().any(|at| !run.excluded.contains(at));
        if !fresh || !left {
            return false;
        }
        run.failover = true;
        run.above = None;
        self.phase = Phase::Choose;
        true
    }

    /// The group has failed: goes on with its fallbacks, or with those of the group before.
    fn leave_group(&mut self, error: Error) {
        let Some(run) = self.run.as_ref() else { return };
        self.visited.push(Arc::clone(&run.resolved.asked));
        self.visited.extend(run.resolved.whole_group().cloned());
        let most = self.request.max_fallbacks.unwrap_or_else(|| {
            self.request
                .setting(&self.router.settings, |s| s.max_fallbacks)
                .unwrap_or_else(|| self.router.settings.max_fallbacks())
        });
        if !self.request.disable_fallbacks
            && run.depth < most
            && let Some(targets) = self.router.fallbacks_of(&self.request, &run.resolved, error.kind)
        {
            self.frames.push(Frame { targets, next: 0, depth: run.depth + 1 });
        }
        if self.original.is_none() {
            self.original = Some(Original { group: Arc::clone(&run.resolved.asked), error });
        }
        if !self.next_target() {
            self.phase = Phase::Over(self.last_word());
        }
    }

    /// Would a refusal of content lead to somebody who was not asked yet? LiteLLM's rule for answers that a filter cut: the
    /// lists for such refusals decide; where there are none, fallbacks for every group (`*`) do.
    pub(super) fn has_policy_fallback(&self, run: &Run) -> bool {
        let (router, request) = (&self.router, &self.request);
        let named = request.fallbacks.is_some() || router.special_lists(request, Kind::ContentPolicy).is_some();
        let reachable = named || router.general_lists(request).exact("*").is_some();
        if request.disable_fallbacks || !reachable {
            return false;
        }
        let allowed = |model: &str| request.who.admit.as_ref().is_none_or(|admit| admit.allows(model));
        let fresh = |f: &Fallback| {
            !self.visited.contains(&f.model)
                && f.model != run.resolved.asked
                && allowed(&f.model)
                && router.resolve_fallback(&f.model, request).is_ok()
        };
        let left = self.frames.iter().any(|frame| frame.targets.iter().skip(frame.next).any(fresh));
        left || router
            .fallbacks_of(request, &run.resolved, Kind::ContentPolicy)
            .is_some_and(|targets| targets.iter().any(fresh))
    }

    /// Starts the next fallback that was not tried yet and that the caller may use.
    fn next_target(&mut self) -> bool {
        while let Some(frame) = self.frames.last_mut() {
            let Some(Fallback { model, overrides }) = frame.targets.get(frame.next).cloned() else {
                self.frames.pop();
                continue;
            };
            frame.next += 1;
            let depth = frame.depth;
            let allowed = self.request.who.admit.as_ref().is_none_or(|a| a.allows(&model));
            if self.visited.contains(&model) || !allowed {
                continue;
            }
            if let Ok(resolved) = self.router.resolve_fallback(&model, &self.request)
                && let Some(resolved) = self.behind(resolved)
            {
                if resolved.whole_group().is_some_and(|name| self.visited.contains(name)) {
                    continue; // the same group under another name
                }
                self.hops.push(model);
                self.start(resolved, depth, overrides);
                return true;
            }
            // A fallback that does not exist counts as tried: the message names it, so that the mistake is found.
            self.visited.push(Arc::clone(&model));
            self.hops.push(model);
        }
        false
    }

    /// The group itself, or the one that it stands for; nothing when an auto router has none that the caller may use.
    fn behind(&self, resolved: Resolved) -> Option<Resolved> {
        let Some(auto) = self.router.auto_of(&resolved) else { return Some(resolved) };
        let nothing = Asked::default();
        let asked = self.request.asked.as_deref().unwrap_or(&nothing);
        let choice = self.router.choose(auto, asked, None, self.request.seed)?;
        self.request.who.admit.as_ref().is_none_or(|a| a.allows(&choice.model)).then_some(())?;
        let chosen = self.router.resolve_fallback(&choice.model, &self.request).ok()?;
        self.router.auto_of(&chosen).is_none().then_some(chosen)
    }

    /// The error of the requested group, with what LiteLLM adds to it.
    fn last_word(&mut self) -> Error {
        let Some(Original { group, mut error }) = self.original.take() else {
            return Error::internal("no group was tried");
        };
        let settings = &self.router.settings;
        if settings.expose_router_debug_in_errors != Some(false) && !self.request.disable_fallbacks {
            if self.router.special_lists(&self.request, error.kind).is_none() {
                note::hint(&mut error, &group, &self.router.general_lists(&self.request).python());
            }
            note::failed_group(&mut error, &group, &self.hops);
        }
        error
    }
}

impl Router {
    /// The fallbacks of a group for an error of this kind; nothing when there are none.
    pub(crate) fn fallbacks_of(&self, request: &RouteRequest, group: &Resolved, kind: Kind) -> Option<Arc<[Fallback]>> {
        if let Some(RequestFallbacks::Targets(targets)) = &request.fallbacks {
            // The list is for the request as a whole: its targets have none of their own.
            let outermost = group.asked == request.model;
            return Some(Arc::clone(targets)).filter(|t| outermost && !t.is_empty());
        }
        // A special list that does not know the group ends it: general fallbacks are not used then.
        match self.special_lists(request, kind) {
            Some(lists) => self.lookup(lists, group),
            None => self.lookup(self.general_lists(request), group),
        }
    }

    /// The lists for prompts that are too long or content that is refused, when there are such lists at all.
    pub(crate) fn special_lists<'s>(&'s self, request: &'s RouteRequest, kind: Kind) -> Option<&'s FallbackLists> {
        let (own, general) = match kind {
            Kind::ContextWindow => (
                &request.context_window_fallbacks,
                request.setting(&self.settings, |s| s.context_window_fallbacks.as_ref()),
            ),
            Kind::ContentPolicy => (
                &request.content_policy_fallbacks,
                request.setting(&self.settings, |s| s.content_policy_fallbacks.as_ref()),
            ),
            _ => return None,
        };
        own.as_ref().or(general).filter(|lists| !lists.is_empty())
    }

    pub(crate) fn general_lists<'s>(&'s self, request: &'s RouteRequest) -> &'s FallbackLists {
        let own = request.settings.as_ref().and_then(|s| s.fallbacks.as_ref());
        match &request.fallbacks {
            Some(RequestFallbacks::Lists(lists)) => lists,
            _ => own.unwrap_or(&self.fallbacks),
        }
    }

    /// The list of the name that was asked for, of the group behind it, of the name without and with its provider, of `*`.
    fn lookup(&self, lists: &FallbackLists, group: &Resolved) -> Option<Arc<[Fallback]>> {
        if lists.is_empty() {
            return None;
        }
        let asked = group.asked.as_ref();
        let bare = asked.split_once('/').map(|(_, name)| name);
        let full = self.provider_of.as_ref().and_then(|p| Some(format!("{}/{asked}", p.ask(asked)?)));
        let names = [Some(asked), Some(group.group.name.as_ref()), bare, full.as_deref()];
        lists.find(names.into_iter().flatten()).filter(|targets| !targets.is_empty())
    }
}
