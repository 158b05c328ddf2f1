//! Requests whose bodies nobody reads: routed, signed, sent; the answer goes on as it comes, and is billed by what its
//! bytes say.

mod body;
mod tariff;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, Method, Request, Uri};
use llm_http::{Body, Timeouts, Transport, shown};
use llm_providers::Endpoint;
use llm_router::{Attempt, Attempts, DecisionId, Deployment, Outcome, RouteRequest, Step};
use llm_types::error::UpstreamDetail;
use llm_types::trail::FailedAttempt;
use llm_types::{Error, Kind, Result};
use llm_wire::meter::Meter;

use crate::attempt::Made;
use crate::engine::{Engine, Failure};
use crate::target::Target;
use crate::transport::transport_error;

pub use body::RelayBody;
pub(crate) use tariff::Biller;
pub use tariff::Tariff;

/// Something to relay.
#[derive(Debug)]
pub struct Relay {
    /// The client's method.
    pub method: Method,
    /// Where it goes, with what we add: headers, and what has to be computed.
    pub endpoint: Endpoint,
    /// The client's headers that go on; ours win.
    pub headers: HeaderMap,
    /// The client's body.
    pub body: Body,
    /// How long the phases may take.
    pub timeouts: Timeouts,
    /// What it costs.
    pub tariff: Tariff,
    /// The answer may say what was consumed.
    pub metered: bool,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Relayed {
    /// Status and headers.
    pub parts: Parts,
    /// The bytes; give it a tail to learn what was consumed.
    pub body: RelayBody,
    /// Who answered.
    pub from: RelayHead,
}

/// Who answered, for headers and logs.
#[derive(Debug, Clone)]
pub struct RelayHead {
    /// The deployment, when the router chose one.
    pub deployment: Option<Arc<Deployment>>,
    /// The address, without query.
    pub url: Arc<str>,
    /// When it was sent.
    pub sent: Instant,
    /// How long the head of the answer took.
    pub took: Duration,
    /// Retries that were needed.
    pub retries: u32,
    /// Attempts that failed before.
    pub failed: Vec<FailedAttempt>,
    /// Under which the router's decisions can be read back, when it chose.
    pub decision: Option<DecisionId>,
}

impl Engine {
    /// Sends a relay and gives the answer as soon as its head is there.
    ///
    /// # Errors
    /// What credentials and transport say. Statuses of the upstream are answers, not errors.
    pub async fn relay(&self, http: &dyn Transport, relay: Relay) -> Result<Relayed> {
        let Relay { method, endpoint, mut headers, body, timeouts, tariff, metered } = relay;
        let uri: Uri = endpoint
            .url
            .parse()
            .map_err(|_| Error::bad_request("the path cannot stand in a URL").with_param("path"))?;
        for (name, value) in &endpoint.headers {
            headers.insert(name.clone(), value.clone());
        }
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        if let Some(need) = &endpoint.auth {
            self.settings.signer.apply(http, need, &mut request).await?;
        }
        let path = request.uri().path().to_owned();
        let url = Arc::from(shown(&endpoint.url));
        let sent = Instant::now();
        let provider = tariff.provider.clone();
        let reply = http.send(request, timeouts).await.map_err(|e| transport_error(&e, &provider))?;
        let took = sent.elapsed();
        let (parts, upstream) = reply.into_parts();
        if parts.status.is_informational() {
            // Nobody asked for another protocol: the client would wait for one.
            let why = format!("{provider}Exception - the upstream answered with the status {}", parts.status.as_u16());
            return Err(Error::new(Kind::BadGateway, why));
        }
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let success = parts.status.is_success();
        let mut meter = (metered && success).then(|| Meter::new(&path, kind)).flatten();
        if let (Some(meter), Some((input, output))) = (&mut meter, counts(&parts.headers)) {
            meter.counted(input, output);
        }
        let mut body = RelayBody::metered(upstream, meter, tariff, self);
        if !success && parts.status.as_u16() >= 400 {
            body.failed(status_error(&parts, &provider));
        }
        Ok(Relayed {
            parts,
            body,
            from: RelayHead { deployment: None, url, sent, took, retries: 0, failed: Vec::new(), decision: None },
        })
    }

    /// Relays to a deployment of a model group. `make` prepares an attempt; when it has nothing left to send (a streamed
    /// body goes out once) the last answer stands.
    ///
    /// # Errors
    /// As [`Engine::relay`]; no deployment of the group may be called.
    pub async fn relay_to_group(
        &self,
        http: &dyn Transport,
        request: RouteRequest,
        mut make: impl FnMut(&Attempt, &Arc<Target>) -> Option<Result<Relay>> + Send,
    ) -> std::result::Result<Relayed, Failure> {
        let mut attempts = Attempts::new(Arc::clone(&self.router), request);
        let decision = Some(attempts.decision_id());
        let failed = |error: Error| Failure { error, last: None, failed: Vec::new(), decision };
        let mut tried: Vec<FailedAttempt> = Vec::new();
        let mut last: Option<Result<Relayed>> = None;
        loop {
            let at = match attempts.next(Instant::now()) {
                Step::Wait(time) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Step::GiveUp(error) => {
                    let gave_up = |error| Failure { failed: tried, ..failed(error) };
                    return last.unwrap_or(Err(error)).map_err(gave_up);
                }
                Step::Try(at) => at,
            };
            let target = target_of(&at.deployment).map_err(failed)?;
            let Some(relay) = make(&at, &target) else {
                attempts.report(Outcome::Cancelled, Instant::now());
                return last.unwrap_or_else(|| Err(Error::internal("nothing to relay"))).map_err(failed);
            };
            let started = Instant::now();
            let answer = match relay {
                Ok(relay) => Box::pin(self.relay(http, relay)).await,
                Err(error) => Err(error),
            };
            let latency = started.elapsed();
            let failure = match &answer {
                Err(error) => Some(error.clone()),
                Ok(answer) => answer.body.failure().cloned(),
            };
            let answer = answer.map(|mut answer| {
                answer.from.deployment = Some(Arc::clone(&at.deployment));
                answer.from.retries = attempts.retries();
                answer.from.failed.clone_from(&tried);
                answer.from.decision = decision;
                answer.body.keep(at.in_flight);
                answer
            });
            match failure {
                None => {
                    attempts.report(Outcome::Success { latency, usage: None, ttft: None, cost: 0.0 }, Instant::now());
                    attempts.write_down();
                    return answer.map_err(failed).map(|mut answer| {
                        answer.body.watch(Box::new(attempts));
                        answer
                    });
                }
                Some(error) => {
                    attempts.report(Outcome::Failure(&error), Instant::now());
                    tried.push(made(&at.deployment, &at.model, &target).failed(&at.group, &error));
                    last = Some(answer);
                }
            }
        }
    }
}

/// What an attempt was made with.
fn made(deployment: &Arc<Deployment>, model: &Arc<str>, target: &Target) -> Made {
    Made {
        deployment: Arc::clone(deployment),
        model: target.model_of(model),
        provider: target.provider_id(),
        api_base: target.base(),
        sent: true,
    }
}

/// Tokens that AWS tells in headers.
fn counts(headers: &HeaderMap) -> Option<(u64, u64)> {
    let number = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()?.parse().ok());
    Some((number("x-amzn-bedrock-input-token-count")?, number("x-amzn-bedrock-output-token-count")?))
}

pub(crate) fn target_of(deployment: &Deployment) -> Result<Arc<Target>> {
    let payload = deployment.payload.clone().and_then(|p| p.downcast::<Target>().ok());
    payload.ok_or_else(|| Error::internal("a deployment without a target"))
}

/// The error that a status is, for the router and for logs; the client sees the upstream's own words.
pub(crate) fn status_error(parts: &Parts, provider: &str) -> Error {
    let status = parts.status.as_u16();
    let kind = match status {
        401 => Kind::Authentication,
        403 => Kind::PermissionDenied,
        404 => Kind::NotFound,
        408 | 504 => Kind::Timeout,
        409 => Kind::Conflict,
        413 => Kind::TooLarge,
        422 => Kind::Unprocessable,
        429 => Kind::RateLimit,
        502 => Kind::BadGateway,
        503 => Kind::Unavailable,
        400..=499 => Kind::BadRequest,
        _ => Kind::Internal,
    };
    let detail = UpstreamDetail { provider: provider.to_owned(), status, ..UpstreamDetail::default() };
    let message = format!("{provider} answered {status}");
    let mut error = Error::upstream(kind, message, detail).with_status(status);
    error.retry_after = llm_wire::openai::errors::retry_after(&crate::send::header_pairs(&parts.headers));
    error
}
