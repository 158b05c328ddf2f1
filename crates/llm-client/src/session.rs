//! Sessions over WebSockets: the handshake with a deployment of a model group, and what a session cost.

use std::sync::Arc;
use std::time::Instant;

use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use llm_http::{Body, Timeouts, Transport, UpgradeReply, UpgradedIo};
use llm_providers::{Endpoint, resource::Resource};
use llm_router::{Attempts, InFlight, Outcome, RouteRequest, Step};
use llm_types::{Error, Result, Usage};

use crate::answer::Report;
use crate::engine::{Engine, Failure};
use crate::relay::{Biller, RelayHead, Tariff, status_error, target_of};
use crate::target::Target;
use crate::transport::transport_error;

/// Bytes of a refusal that are read at the most.
const REFUSAL: usize = 64 << 10;

/// A session that began.
#[derive(Debug)]
pub struct Session {
    /// The upstream's answer to the handshake.
    pub parts: Parts,
    /// The connection.
    pub io: UpgradedIo,
    /// Who answered.
    pub from: RelayHead,
    /// The provider's id.
    pub provider: Arc<str>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    biller: Biller,
    in_flight: Option<InFlight>,
    /// Hears of a session that breaks off.
    attempts: Option<Box<Attempts>>,
}

impl Session {
    /// The session is over: what it cost, and by which error it ended. The router hears of both.
    #[must_use]
    pub fn report(&mut self, usage: Usage, id: Option<&str>, error: Option<Error>) -> Box<Report> {
        let mut report = Box::new(Report { usage, response_id: id.map(str::to_owned), error, ..Report::default() });
        self.biller.price(&self.model, &mut report);
        report.upstream_done = Some(Instant::now());
        if let (Some(mut attempts), Some(error)) = (self.attempts.take(), &report.error) {
            attempts.broke(error, Instant::now());
        }
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.finish(report.consumed(), Instant::now());
        }
        report
    }
}

/// What a session is begun with.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The query for the provider, without the model.
    pub query: String,
    /// `Sec-WebSocket-*` and other headers of the client that go on.
    pub headers: HeaderMap,
    /// How long the phases may take.
    pub timeouts: Timeouts,
}

impl Engine {
    /// Begins a session with a deployment of a model group, with others when one refuses.
    ///
    /// # Errors
    /// The upstream's refusal with its status; what credentials and transport say.
    pub async fn session(
        &self,
        http: &dyn Transport,
        request: RouteRequest,
        with: &Handshake,
    ) -> std::result::Result<Session, Failure> {
        let mut attempts = Attempts::new(Arc::clone(&self.router), request);
        let decision = Some(attempts.decision_id());
        let failed = |error: Error| Failure { error, last: None, failed: Vec::new(), decision };
        loop {
            let at = match attempts.next(Instant::now()) {
                Step::Wait(time) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Step::GiveUp(error) => return Err(failed(error)),
                Step::Try(at) => at,
            };
            let target = target_of(&at.deployment).map_err(failed)?;
            let model = target.model_of(&at.model);
            let started = Instant::now();
            match Box::pin(self.begin(http, &target, &model, with)).await {
                Ok(mut session) => {
                    let outcome = Outcome::Success { latency: started.elapsed(), usage: None, ttft: None, cost: 0.0 };
                    attempts.report(outcome, Instant::now());
                    session.from.retries = attempts.retries();
                    session.from.decision = decision;
                    session.from.deployment = Some(Arc::clone(&at.deployment));
                    session.in_flight = Some(at.in_flight);
                    attempts.write_down();
                    session.attempts = Some(Box::new(attempts));
                    return Ok(session);
                }
                Err(error) => drop(attempts.report(Outcome::Failure(&error), Instant::now())),
            }
        }
    }

    async fn begin(
        &self,
        http: &dyn Transport,
        target: &Arc<Target>,
        model: &Arc<str>,
        with: &Handshake,
    ) -> Result<Session> {
        let mut endpoint = Endpoint::default();
        let wire = target.provider.wire_model(model);
        let session = Resource {
            path: "/realtime",
            query: &with.query,
            model: &wire,
            api_base: target.api_base.as_deref(),
            api_key: target.api_key.as_ref(),
            params: &target.params,
        };
        target.provider.realtime(&session, &mut endpoint)?;
        let tariff = Tariff {
            provider: Arc::from(target.provider_id()),
            model: Arc::clone(model),
            target: Some(Arc::clone(target)),
            ..Tariff::default()
        };
        self.upgrade(http, endpoint, with, tariff).await
    }

    /// Begins a session at an address.
    ///
    /// # Errors
    /// As [`Engine::session`].
    pub async fn upgrade(
        &self,
        http: &dyn Transport,
        endpoint: Endpoint,
        with: &Handshake,
        tariff: Tariff,
    ) -> Result<Session> {
        let uri: Uri = endpoint.url.parse().map_err(|_| Error::bad_request("the model cannot stand in a URL"))?;
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.clone_from(&with.headers);
        for (name, value) in &endpoint.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers.remove(http::header::CONTENT_TYPE);
        headers.insert(http::header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(http::header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(HeaderName::from_static("sec-websocket-version"), HeaderValue::from_static("13"));
        if let Some(need) = &endpoint.auth {
            self.settings.signer.apply(http, need, &mut request).await?;
        }
        let sent = Instant::now();
        let provider = Arc::clone(&tariff.provider);
        let reply = http.upgrade(request, with.timeouts).await.map_err(|e| transport_error(&e, &provider))?;
        let took = sent.elapsed();
        let url = Arc::from(llm_http::shown(&endpoint.url));
        match reply {
            UpgradeReply::Switched(response, io) => Ok(Session {
                parts: response.into_parts().0,
                io,
                from: RelayHead { deployment: None, url, sent, took, retries: 0, failed: Vec::new(), decision: None },
                model: Arc::clone(&tariff.model),
                provider,
                biller: Biller::new(tariff, self),
                in_flight: None,
                attempts: None,
            }),
            UpgradeReply::Refused(response) => {
                let (parts, body) = response.into_parts();
                let mut error = status_error(&parts, &provider);
                if let Ok(Some(bytes)) = body.collect_within(REFUSAL).await {
                    let said = String::from_utf8_lossy(&bytes).into_owned();
                    error.message = format!("{}: {said}", error.message);
                }
                // A success that is none of a handshake cannot be told as one.
                if parts.status.as_u16() < 400 {
                    error = error.with_status(502);
                }
                Err(error)
            }
        }
    }
}
