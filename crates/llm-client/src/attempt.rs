//! One attempt: encode or splice, send, read until it is certain whether it answers.

use std::sync::Arc;

use llm_http::Transport;
use llm_router::{Attempt, Deployment};
use llm_types::trail::FailedAttempt;
use llm_types::{Error, OperationKind, Side};

use crate::answer::{Answer, Head};
use crate::answered::Answered;
use crate::call::Call;
use crate::count::Counter;
use crate::engine::{Engine, Gate};
use crate::media::Inlined;
use crate::pictures::translated;
use crate::plan::Planner;
use crate::send::{Sender, build, classed, decode_error, injected, timeouts};
use crate::target::Target;

/// What an attempt was made with, for logs of failures.
#[derive(Debug, Clone)]
pub struct Made {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// The provider's id.
    pub provider: &'static str,
    /// Its address, without query, when it was known.
    pub api_base: Option<Arc<str>>,
    /// Something was sent.
    pub sent: bool,
}

impl Made {
    /// What logs and metrics are told of the attempt when it failed. `group`: what was tried, as it was asked for.
    pub(crate) fn failed(&self, group: &Arc<str>, error: &Error) -> FailedAttempt {
        FailedAttempt {
            group: Arc::clone(group),
            model_id: Arc::clone(&self.deployment.id),
            model: Arc::clone(&self.model),
            provider: Arc::from(self.provider),
            api_base: self.api_base.clone(),
            class: error.kind.facts().class,
            status: error.status(),
            upstream: error.upstream.is_some() || error.side == Side::Upstream,
        }
    }
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Error,
    pub made: Made,
}

/// Makes one attempt.
pub(crate) async fn attempt(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    mut at: Attempt,
    gate: &dyn Gate,
) -> Result<Answer, Box<Failed>> {
    if call.controls.own.is_some() {
        at.in_flight.book_nothing();
    }
    let mut made = Made {
        deployment: Arc::clone(&at.deployment),
        model: Arc::clone(&at.model),
        provider: "",
        api_base: None,
        sent: false,
    };
    match Box::pin(run(engine, http, call, at, gate, &mut made)).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(Box::new(Failed { error, made })),
    }
}

async fn run(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    at: Attempt,
    gate: &dyn Gate,
    made: &mut Made,
) -> Result<Answer, Error> {
    let payload = at.deployment.payload.clone().ok_or_else(|| Error::internal("a deployment without a target"))?;
    let target = payload.downcast::<Target>().map_err(|_| Error::internal("a deployment without a target"))?;
    let target = match &call.controls.own {
        Some(own) => Arc::new(target.with_own(own, &engine.prices)?),
        None => target,
    };
    made.provider = target.provider_id();
    let model = target.model_of(&at.model);
    made.model = Arc::clone(&model);
    if at.fallbacks == 0 {
        injected(call, at.timeouts.limit).await?;
    }
    if let Some(mock) = call.controls.mock_response.as_ref().or(target.mock_response.as_ref()) {
        return crate::mock::answer(engine, call, at, &target, &model, mock);
    }
    if call.operation.is_task() {
        return Box::pin(crate::task::run(engine, http, call, at, gate, &target, made)).await;
    }
    generate(engine, http, call, at, gate, (&target, model), made).await
}

/// A conversation or an embedding: planned, sent, read until it is certain whether it answers.
async fn generate(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    at: Attempt,
    gate: &dyn Gate,
    (target, model): (&Arc<Target>, Arc<str>),
    made: &mut Made,
) -> Result<Answer, Error> {
    let filters = gate.filters();
    let mut fetched = fetched(engine, http, call, target, &model).await.map_err(classed)?;
    if let Some(facts) = translated(call, target, &model) {
        let (settings, of) = (&engine.settings, (&**target, &facts));
        crate::objects::types(settings, http, call, of, &mut fetched).await;
        Box::pin(crate::pictures::upload(settings, http, call, of, &mut fetched)).await.map_err(classed)?;
    }
    let mut planner = Planner {
        call,
        target,
        model: &model,
        prices: &engine.prices,
        settings: &engine.settings,
        edits_answer: !filters.is_empty(),
        fetched: &fetched,
        cached: None,
    };
    planner.cached = crate::cached::find(http, &planner).await;
    let (mut plan, body) = planner.plan().map_err(classed)?;
    made.api_base = Some(Arc::clone(&plan.address.base));
    let counter = Counter::new(engine, target, &model, plan.upstream, call);
    let timeouts = timeouts(&engine.settings, &at.timeouts, call.stream && !plan.told);
    let address = Arc::clone(&plan.address);
    let (settings, via) = (&engine.settings, call.via.as_ref());
    let sender = Sender { http, settings, gate, counter: &counter, address: &address, timeouts, via };
    let mut request = build(&address, body, &plan.headers);
    if let Some(beside) = call.beside {
        *request.uri_mut() = crate::task::uri(&address.uri, None, beside, &[])?;
    }
    let wants_stream = call.stream && !plan.told;
    let mut sent = sender.send(request, made, &|view| decode_error(&counter, wants_stream, view)).await?;
    let head = Head::new(&at, model, &counter, &address, &mut sent, std::mem::take(&mut plan.lost));
    let streams = call.stream && call.operation == OperationKind::Generate;
    if at.fallbacks > 0 && streams {
        plan.ctx.model = Some(at.group.to_string()); // after a fallback, streams name its group
    } else if at.fallbacks > 0 || plan.ctx.model.is_none() {
        // ... and whole answers name the provider's model; so do all when the model came only from the URL.
        plan.ctx.model = Some(head.model.to_string());
    }
    let limit = engine.settings.max_reply_bytes;
    let answered = Answered {
        call,
        plan,
        head,
        counter: &counter,
        sender: &sender,
        limit,
        first_token: at.timeouts.phases.first_token,
        continuable: at.continuable,
        filtered_elsewhere: at.filtered_elsewhere,
    };
    if streams {
        return Box::pin(answered.stream(sent.body, filters, at.in_flight)).await;
    }
    answered.whole(sent.body).await
}

/// The URLs of the request that the upstream wants as bytes.
pub(crate) async fn fetched(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    target: &Target,
    model: &str,
) -> Result<Inlined, Error> {
    let upstream = translated(call, target, model).map(|facts| facts.format).filter(|_| names_url(&call.body));
    let Some(upstream) = upstream else { return Ok(Inlined::default()) };
    let Some(codec) = llm_wire::registry::upstream_generate(upstream) else { return Ok(Inlined::default()) };
    let all = target.provider.fetches(upstream, model);
    let own = |url: &str| target.provider.takes_url(upstream, url);
    let wanted = |url: &str| (all && url.starts_with("http") || codec.fetches(model, url)) && !own(url);
    Inlined::fetch(http, &engine.settings.fetch, &wanted, call.decoded()?).await
}

/// True when a URL may stand in a body.
fn names_url(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"http").is_some()
}
