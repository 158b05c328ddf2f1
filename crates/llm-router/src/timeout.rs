//! How long one attempt may take.

use std::time::Duration;

use serde::Deserialize;

use crate::{Deployment, RouteRequest, RouterSettings, Seconds};

/// LiteLLM's limit when nobody set one.
const DEFAULT: Duration = Duration::from_secs(6000);

/// Limits of single phases of an attempt, beside the limit of the whole: `phase_timeouts` of deployment and router.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Phases {
    /// Name look-up, TCP, proxy and TLS together.
    pub connect: Option<Seconds>,
    /// The TLS handshake.
    pub tls: Option<Seconds>,
    /// From sending to the head of the response.
    pub first_byte: Option<Seconds>,
    /// From sending to the first content of a stream.
    pub first_token: Option<Seconds>,
    /// Between two pieces of a stream.
    pub idle: Option<Seconds>,
    /// Until the answer is complete.
    pub total: Option<Seconds>,
}

impl Phases {
    /// Each limit, or where it says nothing that of the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            connect: self.connect.or(other.connect),
            tls: self.tls.or(other.tls),
            first_byte: self.first_byte.or(other.first_byte),
            first_token: self.first_token.or(other.first_token),
            idle: self.idle.or(other.idle),
            total: self.total.or(other.total),
        }
    }
}

/// Time limit of one attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeouts {
    /// For a plain answer: until it is complete. For a stream: until the first chunk, and between chunks.
    pub limit: Duration,
    /// The client chose it. Running into it says nothing about the deployment.
    pub from_client: bool,
    /// Limits of single phases.
    pub phases: Phases,
}

impl Timeouts {
    /// One limit for the whole, set by nobody in particular.
    #[must_use]
    pub fn of(limit: Duration) -> Self {
        Self { limit, from_client: false, phases: Phases::default() }
    }
}

/// Resolves the time limit of an attempt at `deployment`.
///
/// Streams: `stream_timeout` of request, deployment, caller and router, then `request_timeout`, then the default
/// parameters; when none of them is set, as for plain answers: `timeout` of the request, of the deployment,
/// `request_timeout`, `timeout` of caller and router, the default parameters, 6000 s.
#[must_use]
pub fn timeouts(request: &RouteRequest, deployment: &Deployment, settings: &RouterSettings) -> Timeouts {
    let set = |of: fn(&RouterSettings) -> Option<Seconds>| request.setting(settings, of).map(|s| s.0);
    let phases = deployment.phases.or(request.setting(settings, |s| s.phase_timeouts).unwrap_or_default());
    let client = |limit| Timeouts { limit, from_client: true, phases };
    if request.stream {
        if let Some(limit) = request.stream_timeout {
            return client(limit);
        }
        let found = deployment
            .stream_timeout
            .or_else(|| set(|s| s.stream_timeout))
            .or_else(|| set(|s| s.request_timeout))
            .or_else(|| set(|s| s.default_litellm_params.as_ref()?.stream_timeout));
        if let Some(limit) = found {
            return Timeouts { limit, from_client: false, phases };
        }
    }
    if let Some(limit) = request.timeout {
        return client(limit);
    }
    let found = deployment
        .timeout
        .or_else(|| set(|s| s.request_timeout))
        .or_else(|| set(|s| s.timeout))
        .or_else(|| set(|s| s.default_litellm_params.as_ref()?.timeout));
    Timeouts { limit: found.unwrap_or(DEFAULT), from_client: false, phases }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_yields_to_the_one_before() {
        let s = |n| Some(Seconds(Duration::from_secs(n)));
        let d = |n| Some(Duration::from_secs(n));
        let mut request = RouteRequest::new("m");
        let mut deployment = Deployment::new("id", "m", "openai/m");
        let mut settings = RouterSettings::default();
        let mut check =
            |stream: bool, change: &dyn Fn(&mut RouteRequest, &mut Deployment, &mut RouterSettings), want| {
                change(&mut request, &mut deployment, &mut settings);
                request.stream = stream;
                let got = timeouts(&request, &deployment, &settings);
                assert_eq!((got.limit.as_secs(), got.from_client), want);
            };
        check(false, &|_, _, _| {}, (6000, false));
        check(true, &|_, _, _| {}, (6000, false));
        let defaults = crate::DefaultParams { timeout: s(1), stream_timeout: None };
        check(false, &move |_, _, r| r.default_litellm_params = Some(defaults.clone()), (1, false));
        check(true, &|_, _, _| {}, (1, false));
        check(false, &|_, _, r| r.timeout = s(2), (2, false));
        check(false, &|_, d_, _| d_.timeout = d(4), (4, false));
        check(false, &|q, _, _| q.timeout = d(5), (5, true));
        check(true, &|_, _, _| {}, (5, true));
        check(true, &|_, _, r| r.request_timeout = s(3), (3, false));
        check(true, &|_, _, r| r.stream_timeout = s(6), (6, false));
        check(true, &|_, d_, _| d_.stream_timeout = d(7), (7, false));
        check(true, &|q, _, _| q.stream_timeout = d(8), (8, true));
        check(false, &|_, _, _| {}, (5, true));
    }
}
