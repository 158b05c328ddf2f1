//! Whether to try a group again after a failure, and after which pause.

use std::time::Duration;

use llm_types::{Error, Kind};

use crate::candidates::Healthy;
use crate::cooldown::retryable_status;
use crate::{Deployment, Resolved, RetryPolicy, Rng, RouteRequest, Router};

/// A provider's `retry-after` beyond this is not waited for.
const LONGEST_ADVICE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: f64 = 0.5;
const LONGEST_PAUSE: f64 = 8.0;
const JITTER: f64 = 0.75;

/// A failure within a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure<'a> {
    pub(crate) error: &'a Error,
    pub(crate) resolved: &'a Resolved,
    /// The deployment that failed, and its position.
    pub(crate) deployment: Option<(usize, &'a Deployment)>,
    /// Retries already made in this group.
    pub(crate) retries: u32,
    pub(crate) healthy: &'a Healthy,
}

impl Router {
    /// The pause before the next try; nothing when there is none.
    pub(crate) fn retry(&self, request: &RouteRequest, failure: Failure<'_>, rng: &mut Rng) -> Option<Duration> {
        let named = self.retries_by_policy(request, failure.resolved, failure.error.kind);
        let eligible = named.is_some() || self.eligible(request, failure.error, failure.healthy);
        let allowed =
            self.retries_allowed(request, failure.resolved, failure.deployment.map(|d| d.1), failure.error.kind);
        if !eligible || failure.retries >= allowed || failure.healthy.up.is_empty() {
            return None;
        }
        let others = failure.healthy.up.iter().any(|at| Some(*at) != failure.deployment.map(|d| d.0));
        Some(if others { Duration::ZERO } else { self.pause(request, failure, rng) })
    }

    /// Retries in a group after this kind of error: the policy's number (unless the client wants none), else the client's,
    /// else the failed deployment's, else the caller's or the router's.
    pub(crate) fn retries_allowed(
        &self,
        request: &RouteRequest,
        resolved: &Resolved,
        failed: Option<&Deployment>,
        kind: Kind,
    ) -> u32 {
        self.retries_by_policy(request, resolved, kind)
            .or(request.num_retries)
            .or_else(|| failed?.num_retries)
            .or_else(|| request.setting(&self.settings, |s| s.num_retries))
            .unwrap_or_else(|| self.settings.num_retries())
    }

    /// What the group's policy, else the general one, says of this kind of error.
    pub(crate) fn retries_by_policy(&self, request: &RouteRequest, resolved: &Resolved, kind: Kind) -> Option<u32> {
        if request.num_retries == Some(0) || kind == Kind::NoDeployments {
            return None;
        }
        let by_name = |name: &str| {
            request.setting(&self.settings, |s| s.model_group_retry_policy.as_ref()?.get(name).map(of(kind)))
        };
        by_name(&resolved.asked)
            .or_else(|| by_name(&resolved.group.name))
            .flatten()
            .or_else(|| request.setting(&self.settings, |s| s.retry_policy.as_ref().and_then(of(kind))))
    }

    /// LiteLLM's rule without a policy.
    fn eligible(&self, request: &RouteRequest, error: &Error, healthy: &Healthy) -> bool {
        let lists = self.special_lists(request, error.kind);
        match error.kind {
            Kind::ContextWindow | Kind::ContentPolicy if lists.is_some() => false,
            Kind::NotFound | Kind::NoDeployments => false,
            _ => match error.status() {
                404 => false,
                401 | 403 => healthy.all > 1,
                status => retryable_status(status),
            },
        }
    }

    fn pause(&self, request: &RouteRequest, failure: Failure<'_>, rng: &mut Rng) -> Duration {
        let jitter = JITTER * rng.unit();
        let advice = failure.error.retry_after.filter(|t| !t.is_zero() && *t <= LONGEST_ADVICE);
        if let Some(advice) = advice {
            return advice + Duration::from_secs_f64(jitter);
        }
        let least = request.setting(&self.settings, |s| s.retry_after).map_or(0.0, |s| s.0.as_secs_f64());
        let doubled = FIRST_PAUSE * 2_f64.powi(i32::try_from(failure.retries).unwrap_or(i32::MAX));
        Duration::from_secs_f64(doubled.min(LONGEST_PAUSE).max(least) + jitter)
    }
}

fn of(kind: Kind) -> impl Fn(&RetryPolicy) -> Option<u32> {
    move |policy| policy.retries(kind)
}
