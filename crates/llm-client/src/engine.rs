//! Attempts over deployments until one answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderName;
use llm_credentials::{Ambient, Signer};
use llm_http::{FetchLimits, Transport};
use llm_providers::Want;
use llm_router::{Admit, Attempts, AutoChoice, DecisionId, Explanation, Outcome, Router, Step};
use llm_types::stream::EventFilter;
use llm_types::{Error, Format, Kind, OperationKind};

use crate::answer::{Answer, Head};
use crate::attempt::{Made, attempt};
use crate::cached::CachedNames;
use crate::call::Call;
use crate::errand::{Errand, Purpose, Unbilled};
use crate::facts::route_request;
use crate::onward::Onward;
use crate::price::Adjustments;
use crate::target::{Prices, Target, TargetConfig};
use crate::upload::Upload;

/// What holds for all calls.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Parameters that a provider does not take are left out instead of refused.
    pub drop_params: bool,
    /// Messages and parameters may be changed to make a call valid.
    pub modify_params: bool,
    /// All texts of `stop` are sent; otherwise the first four of them.
    pub disable_stop_sequence_limit: bool,
    /// Timeout of an attempt when nobody says otherwise.
    pub request_timeout: Option<Duration>,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// How long a whole stream may take, where no deployment says otherwise (`LITELLM_MAX_STREAMING_DURATION_SECONDS`).
    pub longest_stream: Option<Duration>,
    /// Bytes of a whole answer at the most.
    pub max_reply_bytes: usize,
    /// Discounts and margins by provider.
    pub adjustments: Arc<Adjustments>,
    /// Computes signatures and tokens.
    pub signer: Arc<Signer>,
    /// How far the download of a client's URL may go.
    pub fetch: Arc<FetchLimits>,
    /// Names of contents that hosts keep.
    pub cached: Arc<CachedNames>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            drop_params: false,
            modify_params: false,
            disable_stop_sequence_limit: false,
            request_timeout: Some(Duration::from_secs(6000)),
            connect_timeout: Duration::from_secs(10),
            longest_stream: None,
            max_reply_bytes: 256 << 20,
            adjustments: Arc::default(),
            signer: Arc::new(Signer::new(Ambient::new(llm_providers::variable))),
            fetch: Arc::default(),
            cached: Arc::default(),
        }
    }
}

/// Whether the caller may go on: asked before every fallback group and told of streams to be filtered.
pub trait Gate: Sync {
    /// May the caller use this model group, and does what it reserved still cover it? Nothing: it may use all.
    fn admit(&self) -> Option<Admit> {
        None
    }

    /// An attempt is about to be sent: from now on the call may cost something, whoever hangs up.
    fn sent(&self) {}

    /// A call has to be made to a group beside this one: who is told what it cost. Nothing: it must not be made.
    fn errand(&self, _call: &Call, _group: &str, _purpose: Purpose) -> Option<Box<dyn Errand>> {
        Some(Box::new(Unbilled))
    }

    /// Filters for a streamed answer (guardrails); an answer with filters is read event by event.
    fn filters(&self) -> Vec<Box<dyn EventFilter>> {
        Vec::new()
    }
}

/// A gate that stands open.
#[derive(Debug, Clone, Copy)]
pub struct Open;

impl Gate for Open {}

/// Calls models. Immutable: a new configuration makes a new engine; what must survive lives in the router's state.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Chooses deployments. Their payload is a [`crate::Target`].
    pub router: Arc<Router>,
    /// The price table.
    pub prices: Prices,
    /// What holds for all calls.
    pub settings: EngineSettings,
}

/// A call that nobody could answer.
#[derive(Debug)]
pub struct Failure {
    /// What the client is told.
    pub error: Error,
    /// The last attempt, if there was one.
    pub last: Option<Made>,
    /// All attempts, which failed.
    pub failed: Vec<llm_types::trail::FailedAttempt>,
    /// Under which the router's decisions can be read back, when it was asked.
    pub decision: Option<DecisionId>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, last: None, failed: Vec::new(), decision: None }
    }
}

impl Engine {
    /// Calls one deployment after the other until one answers.
    ///
    /// # Errors
    /// The error of the first group when no attempt succeeded.
    pub async fn answer(&self, http: &dyn Transport, call: &Call, gate: &dyn Gate) -> Result<Answer, Failure> {
        let chosen =
            if self.router.has_auto() { Box::pin(self.chosen(http, call, gate, true)).await } else { Ok(None) };
        let auto = match chosen {
            Ok(auto) => auto,
            Err(error) => return Err(error.into()),
        };
        let there = auto.as_ref().map(|choice| Box::new(call.to_group(&choice.model)));
        let call = there.as_deref().unwrap_or(call);
        let mut attempts = Attempts::new(Arc::clone(&self.router), route_request(&self.router, call, gate));
        let decision = Some(attempts.decision_id());
        let (mut last, mut tried) = (None, Vec::new());
        loop {
            match attempts.next(Instant::now()) {
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::GiveUp(error) => return Err(Failure { error, last, failed: tried, decision }),
                Step::Try(at) => {
                    let started = Instant::now();
                    let group = Arc::clone(&at.group);
                    let changed = (!at.overrides.is_empty()).then(|| call.with_fields(&at.overrides)).transpose();
                    let changed = match changed {
                        Ok(changed) => changed.map(Box::new),
                        Err(error) => return Err(Failure { error, last, failed: tried, decision }),
                    };
                    let asked = call;
                    let call = changed.as_deref().unwrap_or(call);
                    let outcome = match attempts.hedge_after().filter(|_| crate::hedge::may_be_doubled(call)) {
                        None => attempt(self, http, call, at, gate).await,
                        Some(late) => Box::pin(self.hedged(http, call, at, gate, (&mut attempts, late))).await,
                    };
                    match outcome {
                        Ok(answer) if cut(call, &answer, &group, gate) => {
                            let blocked = Error::new(
                                Kind::ContentPolicy,
                                "litellm.ContentPolicyViolationError: Response output was blocked.",
                            );
                            attempts.report(Outcome::Failure(&blocked), Instant::now());
                        }
                        Ok(mut answer) => {
                            answered(&mut attempts, &mut answer, call, started.elapsed());
                            let head = answer.head_mut();
                            (head.auto, head.trail.failed) = (auto, tried);
                            match &call.controls.own {
                                Some(_) => attempts.write_down(),
                                None => self.watch(&mut answer, attempts, (http, asked, gate)),
                            }
                            return Ok(answer);
                        }
                        Err(failed) if call.controls.own.is_some() => {
                            // What a client brings along is no fault of the deployment, and nobody else's to try.
                            attempts.report(Outcome::Cancelled, Instant::now());
                            let (error, last) = (failed.error, Some(failed.made));
                            return Err(Failure { error, last, failed: tried, decision });
                        }
                        Err(failed) => {
                            if let Some(error) = call.upload.as_ref().and_then(Upload::failure) {
                                // What the client did wrong is no failure of the deployment.
                                attempts.report(Outcome::Cancelled, Instant::now());
                                return Err(Failure { error, last: Some(failed.made), failed: tried, decision });
                            }
                            attempts.report(Outcome::Failure(&failed.error), Instant::now());
                            let group = attempts.failures().last().map_or(&call.model, |f| &f.group);
                            tried.push(failed.made.failed(group, &failed.error));
                            last = Some(failed.made);
                            if call.upload.as_ref().is_some_and(Upload::begun) {
                                let error = not_again(call, attempts.give_up());
                                return Err(Failure { error, last, failed: tried, decision });
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The error of a call whose upload went out in part, so that no other attempt can be made.
fn not_again(call: &Call, mut error: Error) -> Error {
    if error.retryable() {
        error.message.push_str(" The upload had begun to go out: it cannot be sent again.");
        tracing::warn!(call = %call.id, model = %call.model, %error, "an upload went out in part and failed");
    }
    error
}

impl Engine {
    /// An answer that is still coming tells the router when it breaks off, and another model may go on.
    fn watch(
        &self,
        answer: &mut Answer,
        mut attempts: Attempts,
        (http, call, gate): (&dyn Transport, &Call, &dyn Gate),
    ) {
        attempts.write_down();
        if matches!(answer, Answer::Whole { .. }) {
            return;
        }
        let attempts = Box::new(attempts);
        match answer {
            Answer::Whole { .. } => {}
            Answer::Bytes { body, .. } => body.watch(attempts),
            Answer::Stream { body, .. } if body.keeps_answer() => match Onward::new(self, http, call, gate, attempts) {
                Ok(onward) => body.go_on_with(onward),
                Err(attempts) => body.watch(attempts),
            },
            Answer::Stream { body, .. } => body.watch(attempts),
        }
    }
}

/// A content filter cut the answer, and another model can be asked. What was used is billed apart; where the caller's budget
/// has no room for that, the answer goes to the client as it is.
fn cut(call: &Call, answer: &Answer, group: &str, gate: &dyn Gate) -> bool {
    let Answer::Whole { head, report, .. } = answer else { return false };
    if call.controls.own.is_some() {
        return false;
    }
    let errand = report.filtered.then(|| gate.errand(call, group, Purpose::Filtered)).flatten();
    let Some(errand) = errand else { return false };
    errand.sent();
    errand.done(head, report);
    true
}

/// Tells the router of a success, and the answer of the router's work. What came of what a client brings along says nothing
/// of the deployment, well or not.
fn answered(attempts: &mut Attempts, answer: &mut Answer, call: &Call, latency: Duration) {
    let (usage, cost) = answer.report().map(|r| (r.usage, r.cost.total)).unzip();
    let ttft = call.stream.then_some(latency);
    let outcome = match &call.controls.own {
        Some(_) => Outcome::Cancelled,
        None => Outcome::Success { latency, usage: usage.as_ref(), ttft, cost: cost.unwrap_or_default() },
    };
    attempts.report(outcome, Instant::now());
    let head = answer.head_mut();
    head.retries = attempts.retries();
    head.max_retries = attempts.max_retries();
    head.decision = Some(attempts.decision_id());
    if head.fallbacks > 0 {
        head.trail.asked = Some(Arc::clone(&attempts.request().model));
        head.trail.fallback = attempts.fallback().cloned();
    }
    (head.trail.remaining_requests, head.trail.remaining_tokens) = remaining(attempts, head);
}

/// What is left of the requests and tokens of this minute: as the host says, else of the limits of the group.
fn remaining(attempts: &Attempts, head: &Head) -> (Option<u64>, Option<u64>) {
    const REQUESTS: [HeaderName; 2] = [
        HeaderName::from_static("x-ratelimit-remaining-requests"),
        HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
    ];
    const TOKENS: [HeaderName; 2] = [
        HeaderName::from_static("x-ratelimit-remaining-tokens"),
        HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
    ];
    let told = |names: [HeaderName; 2]| {
        let value = names.into_iter().find_map(|name| head.upstream_headers.get(name))?;
        value.to_str().ok()?.trim().parse::<u64>().ok()
    };
    let (requests, tokens) = (told(REQUESTS), told(TOKENS));
    let limited = head.deployment.rpm.is_some() || head.deployment.tpm.is_some();
    let rates = if limited { attempts.rates(Instant::now()) } else { None };
    let rates = rates.unwrap_or_default();
    (requests.or_else(|| rates.remaining_requests()), tokens.or_else(|| rates.remaining_tokens()))
}

impl Engine {
    /// Says which deployments a call would be sent to, in which order, and why not to the others; and what an auto router
    /// chose. Nothing is sent, but for the vectors of a semantic one.
    ///
    /// # Errors
    /// The model is not known.
    pub async fn explain(
        &self,
        http: &dyn Transport,
        call: &Call,
        gate: &dyn Gate,
    ) -> llm_types::Result<(Explanation, Option<AutoChoice>)> {
        let auto = Box::pin(self.chosen(http, call, gate, false)).await?;
        let there = auto.as_ref().map(|choice| call.to_group(&choice.model));
        let request = route_request(&self.router, there.as_ref().unwrap_or(call), gate);
        Ok((self.router.explain(&request, Instant::now())?, auto))
    }
}

impl Engine {
    /// The language in which the first deployment of a group, as a caller sees it, would be asked; nothing when no group has this name, or its
    /// provider does not serve the operation.
    #[must_use]
    pub fn language(
        &self,
        group: &str,
        scope: &llm_router::Scope,
        operation: OperationKind,
        format: Format,
    ) -> Option<Format> {
        let resolved = self.router.resolve(group, scope).ok()?;
        let deployment = self.router.members(&resolved.group).next()?;
        let target = deployment.payload::<Target>()?;
        let model = target.model_of(&resolved.provider_model(deployment));
        target.protocols(&Want { operation, format, model: &model }).best()
    }
}

/// The request that a provider would be sent, for people to look at.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where it goes.
    pub url: String,
    /// Its headers; credentials are starred out.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: bytes::Bytes,
}

impl Engine {
    /// Plans a call and shows the request instead of sending it. A model that no group serves is taken as a
    /// `provider/model` name.
    ///
    /// # Errors
    /// What the call itself would be refused for before anything is sent.
    pub fn show(&self, call: &Call) -> llm_types::Result<Shown> {
        let routed = self.router.resolve(&call.model, &llm_router::Scope::default()).ok().and_then(|resolved| {
            let deployment = self.router.members(&resolved.group).next()?;
            Some((deployment.payload.clone()?.downcast::<Target>().ok()?, resolved.provider_model(deployment)))
        });
        let (target, model) = match routed {
            Some((target, routed)) => (Arc::clone(&target), target.model_of(&routed)),
            None => {
                let params = vec![
                    ("model".to_owned(), llm_types::Json::from(&*call.model)),
                    ("api_key".to_owned(), llm_types::Json::from("sk-shown-nowhere")),
                ];
                let target = Target::new(&TargetConfig { params, info: Vec::new() }, &self.prices)?;
                let model = Arc::clone(&target.model);
                (Arc::new(target), model)
            }
        };
        let planner = crate::plan::Planner {
            call,
            target: &target,
            model: &model,
            prices: &self.prices,
            settings: &self.settings,
            edits_answer: false,
            fetched: &crate::media::Inlined::default(),
            cached: None,
        };
        let (plan, body) = planner.plan()?;
        let headers = plan.address.endpoint.headers.iter().map(|(name, value)| {
            let shown = if value.is_sensitive() { "*****" } else { value.to_str().unwrap_or_default() };
            (name.as_str().to_owned(), shown.to_owned())
        });
        let body: Vec<u8> = body.slices().flat_map(|b| b.iter().copied()).collect();
        Ok(Shown { url: plan.address.endpoint.url.clone(), headers: headers.collect(), body: body.into() })
    }
}
