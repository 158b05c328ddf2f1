//! One decision: the candidates of a group, in the order in which they are tried. Explanations come from here as well.

use std::sync::Arc;
use std::time::Instant;

use llm_types::{Error, Result};

use crate::candidates::{Narrow, Reason};
use crate::chooser::Chooser;
use crate::{Choice, Deployment, DeploymentView, Dropped, Ranking, Resolved, Rng, RouteRequest, Router, note};

/// What is to be decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) resolved: &'a Resolved,
    pub(crate) request: &'a RouteRequest,
    pub(crate) narrow: Narrow<'a>,
    /// Places of the order that are wanted.
    pub(crate) wanted: usize,
    pub(crate) now: Instant,
}

/// How a decision came about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    pub(crate) strategy: &'static str,
    /// Positions, best first.
    pub(crate) order: Vec<usize>,
    pub(crate) dropped: Vec<Reason>,
    pub(crate) scores: Vec<(usize, f64)>,
    /// Reasons and scores are kept up to this many of each.
    pub(crate) most: usize,
}

/// Why nobody could be chosen.
#[derive(Debug)]
pub(crate) enum NoChoice {
    /// All are at their limit of parallel calls.
    Busy,
    /// It will not get better by waiting a little.
    Error(Error),
}

impl Trace {
    /// A trace that keeps up to `most` reasons and scores.
    pub(crate) fn keeping(most: usize) -> Self {
        Self { most, ..Self::default() }
    }
}

impl Router {
    /// Decides. `candidates` is only memory that is used again.
    pub(crate) fn decide(
        &self,
        question: &Question<'_>,
        rng: &mut Rng,
        candidates: &mut Vec<usize>,
        trace: &mut Trace,
    ) -> Result<(), NoChoice> {
        let Question { resolved, request, narrow, now, .. } = *question;
        let (dropped, most) = (&mut trace.dropped, trace.most);
        let mut why = |at: usize, reason: Dropped| {
            if dropped.len() < most {
                dropped.push((at, reason));
            }
        };
        self.candidates(resolved, request, narrow, now, candidates, &mut why).map_err(NoChoice::Error)?;
        let default = self.settings.default_max_parallel_requests;
        candidates.retain(|&at| {
            let limit = self.deployments.get(at).and_then(|d| d.parallel_limit(default));
            let busy = limit.is_some_and(|most| self.states.get(at).is_some_and(|s| s.in_flight() >= most));
            if busy {
                why(at, Dropped::Busy);
            }
            !busy
        });
        if candidates.is_empty() {
            return Err(NoChoice::Busy);
        }
        let chooser = self.chooser(request, &resolved.group.name);
        trace.strategy = chooser.strategy.name();
        let ranking = self.rank(&chooser, question, candidates, rng, most);
        let at = |p: usize| candidates.get(p).copied();
        trace.order.extend(ranking.picks().iter().filter_map(|&p| at(p)));
        trace.scores.extend(ranking.scores().iter().filter_map(|&(p, figure)| Some((at(p)?, figure))));
        trace.dropped.extend(ranking.rejected().iter().filter_map(|&(p, reason)| Some((at(p)?, reason))));
        if !trace.order.is_empty() {
            return Ok(());
        }
        let full = ranking.rejected().iter().any(|(_, why)| *why == Dropped::RateLimited);
        Err(NoChoice::Error(match full {
            true => note::at_limit(&resolved.asked, self.state.left_of_minute(now)),
            false => self.none_left(resolved, now, false),
        }))
    }

    fn rank(
        &self,
        chooser: &Chooser,
        question: &Question<'_>,
        candidates: &[usize],
        rng: &mut Rng,
        most: usize,
    ) -> Ranking {
        let view =
            |&at: &usize| Some(DeploymentView { deployment: self.deployments.get(at)?, state: self.states.get(at)? });
        let views: Vec<_> = candidates.iter().filter_map(view).collect();
        let choice = Choice {
            request: question.request,
            settings: &self.settings,
            args: &chooser.args,
            group: &question.resolved.group.name,
            now: question.now,
            millis: self.state.millis(question.now),
            minute: self.state.minute(question.now),
        };
        let mut ranking = Ranking::new(question.wanted, rng.clone()).telling(most);
        chooser.strategy.rank(&views, &choice, &mut ranking);
        *rng = ranking.rng.clone();
        ranking
    }
}

/// What happened to one deployment.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Which one.
    pub deployment: Arc<Deployment>,
    /// Why it is out; nothing when it is a candidate.
    pub dropped: Option<Dropped>,
    /// The figure by which the strategy judged it: the lower, the better.
    pub score: Option<f64>,
    /// Its place in the order, from 0.
    pub place: Option<usize>,
}

/// A decision that was not carried out.
#[derive(Debug)]
pub struct Explanation {
    /// The group.
    pub resolved: Resolved,
    /// The strategy; empty when it was not asked.
    pub strategy: &'static str,
    /// Every deployment of the group.
    pub verdicts: Vec<Verdict>,
    /// The error, when nobody could be chosen.
    pub error: Option<Error>,
}

impl Router {
    /// Says who would be tried for a request now, in which order, and why the others are not.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn explain(&self, request: &RouteRequest, now: Instant) -> Result<Explanation> {
        let resolved = self.resolve_request(request)?;
        let wanted = resolved.group.members.len();
        let question = Question { resolved: &resolved, request, narrow: Narrow::default(), wanted, now };
        let mut rng = request.seed.map_or_else(Rng::random, Rng::seeded);
        let mut trace = Trace::keeping(usize::MAX);
        let error = match self.decide(&question, &mut rng, &mut Vec::new(), &mut trace) {
            Ok(()) => None,
            Err(NoChoice::Error(error)) => Some(error),
            Err(NoChoice::Busy) => Some(note::busy(&resolved.asked, std::time::Duration::ZERO)),
        };
        let verdicts = self.verdicts(&resolved, &trace);
        Ok(Explanation { strategy: trace.strategy, verdicts, error, resolved })
    }

    /// What a trace says of every member of a group.
    fn verdicts(&self, resolved: &Resolved, trace: &Trace) -> Vec<Verdict> {
        let reasons: std::collections::HashMap<usize, Dropped> = trace.dropped.iter().copied().collect();
        let scores: std::collections::HashMap<usize, f64> = trace.scores.iter().copied().collect();
        let places: std::collections::HashMap<usize, usize> =
            trace.order.iter().enumerate().map(|(place, at)| (*at, place)).collect();
        let verdict = |(at, deployment): (usize, &Arc<Deployment>)| Verdict {
            deployment: Arc::clone(deployment),
            dropped: reasons.get(&at).copied(),
            score: scores.get(&at).copied(),
            place: places.get(&at).copied(),
        };
        resolved.deployments(self).map(verdict).collect()
    }
}
