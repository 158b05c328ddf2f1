//! When a deployment rests after a failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_types::{Error, Kind};

use crate::{Deployment, Router};

/// A deployment that began to rest.
#[derive(Debug, Clone)]
pub struct Cooled {
    /// Which one.
    pub deployment: Arc<Deployment>,
    /// For how long.
    pub rest: Duration,
    /// Status of the failure that caused it.
    pub status: u16,
    /// LiteLLM's class of the failure.
    pub class: &'static str,
}

/// A group with a single deployment rests only when everything fails under real traffic.
const TRAFFIC_FOR_TOTAL_FAILURE: u32 = 1000;
/// How long a provider may say that it wants to be left alone.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// Fewer requests in a minute say nothing about a share of failures.
const TRAFFIC_FOR_SHARE: u32 = 5;

/// True for statuses after which the same call may succeed: 408, 409, 429 and the server's faults.
pub(crate) const fn retryable_status(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..)
}

/// What is known about a failed attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed<'a> {
    pub(crate) at: usize,
    pub(crate) error: &'a Error,
    /// The group has other deployments.
    pub(crate) alternatives: bool,
    /// The time limit was the client's.
    pub(crate) client_timeout: bool,
}

impl Router {
    /// Counts a failure and lets the deployment rest when the rules say so.
    pub(crate) fn record_failure(&self, failed: Failed<'_>, now: Instant) -> Option<Cooled> {
        let (deployment, state) = (self.deployments.get(failed.at)?, self.states.get(failed.at)?);
        state.failed(self.state.minute(now));
        let rest = self.rest(deployment, failed)?;
        let cools = match self.allowed_fails(deployment, failed.error.kind) {
            Some(allowed) => state.strike(allowed, rest, self.state.millis(now)),
            None => self.rate_of_failure_cools(failed, now),
        };
        if !cools {
            return None;
        }
        state.rest_until(self.state.millis(now).saturating_add(crate::state::millis(rest)));
        state.rested(failed.error.status());
        Some(Cooled {
            deployment: Arc::clone(deployment),
            rest,
            status: failed.error.status(),
            class: failed.error.kind.facts().class,
        })
    }

    /// How long the deployment would rest; nothing when this failure never makes it rest.
    fn rest(&self, deployment: &Deployment, failed: Failed<'_>) -> Option<Duration> {
        let error = failed.error;
        let status = error.status();
        let named = deployment.allowed_fails_policy.as_ref().is_some_and(|p| p.allowed(error.kind).is_some());
        let considered = matches!(status, 401 | 404 | 408 | 429 | 500..) || named;
        let unreachable = error.kind == Kind::Connection || error.message.contains("APIConnectionError");
        let off = self.settings.disable_cooldowns == Some(true);
        let clients_own = failed.client_timeout && error.kind == Kind::Timeout;
        let provider_default = deployment.model.contains('*');
        if !considered || unreachable || off || clients_own || provider_default {
            return None;
        }
        let general = self.settings.cooldown_time();
        let advice = error.retry_after.map(|rest| rest.min(LONGEST_REST));
        let rest = deployment.cooldown_time.or(advice).unwrap_or(general);
        let never = rest.is_zero() || (deployment.cooldown_time.is_none() && general.is_zero());
        (!never).then_some(rest)
    }

    /// The number of failures that are forgiven, when somebody set one: deployment before router, class before total.
    fn allowed_fails(&self, deployment: &Deployment, kind: Kind) -> Option<u32> {
        let own = deployment.allowed_fails_policy.as_ref().and_then(|p| p.allowed(kind)).or(deployment.allowed_fails);
        let policy = self.settings.allowed_fails_policy.as_ref();
        own.or_else(|| policy?.allowed(kind)).or(self.settings.allowed_fails)
    }

    /// The rule without `allowed_fails`: a 429 when there are alternatives, a total failure under traffic, more failures
    /// than successes when there are alternatives, or a status that would come again.
    fn rate_of_failure_cools(&self, failed: Failed<'_>, now: Instant) -> bool {
        let status = failed.error.status();
        let Some(state) = self.states.get(failed.at) else { return false };
        let (good, bad) = state.results(self.state.minute(now));
        let all = good.saturating_add(bad);
        (status == 429 && failed.alternatives)
            || (good == 0 && all >= TRAFFIC_FOR_TOTAL_FAILURE)
            || (bad > good && all >= TRAFFIC_FOR_SHARE && failed.alternatives)
            || !retryable_status(status)
    }
}
