//! The state machine of one request: the only place that knows retries, fallbacks and cooldowns together.

mod broken;
mod choose;
mod decision;
mod hedge;
mod queue;
mod walk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::{Error, Kind, RawJson};

use crate::cooldown::{Failed, retryable_status};
use crate::retry::Failure;
use crate::state::{DecisionId, Place, RecordedChoice, Running, TIMEOUT_PENALTY};
use crate::{
    Consumed, Cooled, Deployment, Fallback, GroupRates, Outcome, Resolved, Rng, RouteRequest, Router, Step, note,
};

pub use hedge::Hedging;

/// How long to sleep while a group has no healthy deployment: LiteLLM's `polling_interval`.
const DOWN_PAUSE: Duration = Duration::from_millis(30);
/// How long to sleep while every deployment is at `max_parallel_requests`.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Says what to do for one request until it is answered or given up.
///
/// Ask [`Self::next`], do what the step says, [`Self::report`] how an attempt ended, ask again after a failure. After a
/// success nothing more is asked, unless the stream breaks later and [`Self::report`] is told so.
#[derive(Debug)]
pub struct Attempts {
    router: Arc<Router>,
    request: RouteRequest,
    rng: Rng,
    phase: Phase,
    run: Option<Run>,
    /// Groups whose fallbacks are being walked, the requested one first.
    frames: Vec<Frame>,
    /// Names that were tried: each once per request.
    visited: Vec<Arc<str>>,
    /// Fallbacks that were tried.
    hops: Vec<Arc<str>>,
    /// How the requested group failed: what the client is told in the end.
    original: Option<Original>,
    failures: Vec<FailedTry>,
    calls: u32,
    candidates: Vec<usize>,
    decision: DecisionId,
    began: Option<Instant>,
    choices: Vec<RecordedChoice>,
    gave_up: Option<String>,
    /// Where it waits.
    place: Option<Place>,
}

/// A failed attempt, for headers and logs.
#[derive(Debug, Clone)]
pub struct FailedTry {
    /// The group it belonged to.
    pub group: Arc<str>,
    /// Who failed.
    pub deployment: Arc<Deployment>,
    /// How.
    pub error: Error,
}

#[derive(Debug)]
enum Phase {
    Start,
    Choose,
    Trying,
    Failed(Error),
    /// No deployment could be chosen. Trying again at once would not change that.
    NoChoice(Error),
    Over(Error),
}

/// Attempts within one group.
#[derive(Debug)]
struct Run {
    resolved: Resolved,
    depth: u32,
    overrides: Arc<[(String, RawJson)]>,
    retries: u32,
    /// Failed in this run; others are preferred.
    tried: Vec<usize>,
    /// Failed in a way that would come again.
    excluded: Vec<usize>,
    /// Orders up to this one have failed.
    above: Option<i64>,
    /// Members are tried one after the other, without retries.
    failover: bool,
    /// What the group failed with, once its first order is used up.
    error: Option<Error>,
    current: Option<Current>,
    /// A second call beside the current one.
    hedge: Option<Current>,
    busy_since: Option<Instant>,
}

#[derive(Debug)]
struct Current {
    at: usize,
    client_timeout: bool,
    running: Running,
}

#[derive(Debug)]
struct Frame {
    targets: Arc<[Fallback]>,
    next: usize,
    depth: u32,
}

#[derive(Debug)]
struct Original {
    group: Arc<str>,
    error: Error,
}

impl Attempts {
    /// Begins a request.
    #[must_use]
    pub fn new(router: Arc<Router>, request: RouteRequest) -> Self {
        Self {
            rng: request.seed.map_or_else(Rng::random, Rng::seeded),
            decision: decision::new_id(request.seed),
            began: None,
            choices: Vec::new(),
            gave_up: None,
            place: None,
            router,
            request,
            phase: Phase::Start,
            run: None,
            frames: Vec::new(),
            visited: Vec::new(),
            hops: Vec::new(),
            original: None,
            failures: Vec::new(),
            calls: 0,
            candidates: Vec::new(),
        }
    }

    /// What to do next.
    pub fn next(&mut self, now: Instant) -> Step {
        if self.began.is_none() {
            self.began = Some(now);
            if self.router.settings.retry_budget.is_some() || self.router.settings.hedging.is_some() {
                self.router.state.extra.request(self.router.state.millis(now));
            }
        }
        loop {
            match std::mem::replace(&mut self.phase, Phase::Trying) {
                Phase::Start => match self.router.resolve_request(&self.request) {
                    Ok(resolved) => self.start(resolved, 0, Arc::default()),
                    Err(error) => self.phase = Phase::Over(error),
                },
                Phase::Choose => match self.choose(now) {
                    Ok(step) => return step,
                    Err(error) => self.phase = Phase::NoChoice(error),
                },
                Phase::Failed(error) => match self.retry(&error, now) {
                    Some(Duration::ZERO) => {}
                    Some(pause) => return Step::Wait(pause),
                    None => self.exhausted(error),
                },
                Phase::NoChoice(error) => self.exhausted(error),
                Phase::Trying => self.phase = Phase::Over(Error::internal("an attempt was not reported")),
                Phase::Over(error) => {
                    self.phase = Phase::Over(error.clone());
                    self.place = None;
                    self.gave_up = Some(error.message.clone());
                    return Step::GiveUp(error);
                }
            }
        }
    }

    /// Tells how the last attempt ended. The answer names the deployment if it rests from now on.
    pub fn report(&mut self, outcome: Outcome<'_>, now: Instant) -> Option<Cooled> {
        let router = Arc::clone(&self.router);
        let run = self.run.as_mut()?;
        let current = run.current.as_ref()?;
        let (deployment, state) = (router.deployments.get(current.at)?, router.states.get(current.at)?);
        let chooser = router.chooser(&self.request, &run.resolved.group.name);
        chooser.strategy.observe(deployment, &outcome, now);
        let class = match &outcome {
            Outcome::Success { .. } => "ok",
            Outcome::Cancelled => "cancelled",
            Outcome::Failure(error) => error.kind.facts().class,
        };
        if let Some(last) = self.choices.last_mut() {
            last.outcome = class;
        }
        match outcome {
            Outcome::Success { latency, usage, ttft, cost } => {
                if router.settings.hedging.is_some_and(|h| h.delay.is_none()) {
                    state.took(latency);
                }
                state.succeeded(router.state.minute(now));
                router.tie(&run.resolved, &self.request, deployment, now);
                if let Some(first) = ttft {
                    current.running.first_content(first);
                }
                if let Some(usage) = usage {
                    let (tokens, output_tokens) = (usage.total_tokens(), usage.total_output());
                    current.running.book(Consumed { tokens, output_tokens, cost }, latency, ttft, now);
                }
                None
            }
            Outcome::Cancelled => {
                self.phase = Phase::Over(Error::new(Kind::Timeout, "The client closed the request").with_status(499));
                None
            }
            Outcome::Failure(error) => {
                if error.kind == Kind::Timeout {
                    let rule = chooser.args.latency_rule();
                    state.add_latency(TIMEOUT_PENALTY, None, rule, router.state.millis(now));
                }
                self.failed(error, now)
            }
        }
    }

    /// Counts a failure of the current deployment.
    fn failed(&mut self, error: &Error, now: Instant) -> Option<Cooled> {
        let router = Arc::clone(&self.router);
        let run = self.run.as_mut()?;
        let current = run.current.as_ref()?;
        let at = current.at;
        let alternatives = run.resolved.group.members.len() > 1;
        let failed = Failed { at, error, alternatives, client_timeout: current.client_timeout };
        let not_there = self.request.names_resource && error.status() == 404;
        let cooled = if not_there { None } else { router.record_failure(failed, now) };
        run.tried.push(at);
        let again = router.retries_by_policy(&self.request, &run.resolved, error.kind).is_some();
        if !retryable_status(error.status()) && !again {
            run.excluded.push(at);
        }
        let group = Arc::clone(&run.resolved.asked);
        let deployment = Arc::clone(router.deployments.get(at)?);
        self.failures.push(FailedTry { group, deployment, error: error.clone() });
        self.phase = Phase::Failed(error.clone());
        cooled
    }

    /// The attempts that failed so far.
    #[must_use]
    pub fn failures(&self) -> &[FailedTry] {
        &self.failures
    }

    /// The fallback that is being tried, or was tried last; nothing before the first one.
    #[must_use]
    pub fn fallback(&self) -> Option<&Arc<str>> {
        self.hops.last()
    }

    /// Limits of the group that is being tried, and what was used of them in this minute.
    #[must_use]
    pub fn rates(&self, now: Instant) -> Option<GroupRates> {
        self.run.as_ref().map(|run| self.router.rates(&run.resolved.group, now))
    }

    /// Retries made in the group that is being tried.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.run.as_ref().map_or(0, |r| r.retries)
    }

    /// Retries that the group would get after an ordinary failure.
    #[must_use]
    pub fn max_retries(&self) -> u32 {
        let wished = self.request.num_retries;
        let run = self.run.as_ref();
        run.map_or_else(
            || wished.unwrap_or_else(|| self.router.settings.num_retries()),
            |run| self.router.retries_allowed(&self.request, &run.resolved, None, Kind::Internal),
        )
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &RouteRequest {
        &self.request
    }
}
