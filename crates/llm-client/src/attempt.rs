//! One attempt: encode or splice, send, read until it is certain whether it answers.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Request};
use llm_http::{ReplyBody, Timeouts, Transport};
use llm_router::{Attempt, Deployment, InFlight};
use llm_types::generate::GenerateResponse;
use llm_types::stream::EventFilter;
use llm_types::{Error, Kind, OperationKind};
use llm_wire::codec::ReplyView;
use llm_wire::relay::Whole;
use llm_wire::top::{Top, splice};

use crate::answer::{Answer, Head, Report};
use crate::call::Call;
use crate::count::{Counter, Prompt};
use crate::engine::{Engine, Gate};
use crate::pipe::{Pipe, Writer};
use crate::plan::{Plan, Planner};
use crate::stream::StreamBody;
use crate::target::{Target, quoted};
use crate::transport::transport_error;

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

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Error,
    pub made: Made,
}

/// Bytes of an error reply that are read at the most.
const ERROR_BODY: usize = 1 << 20;

/// Makes one attempt.
pub(crate) async fn attempt(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    at: Attempt,
    gate: &dyn Gate,
) -> Result<Answer, Box<Failed>> {
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
    made.provider = target.provider_id();
    let model = target.model_of(&at.model);
    made.model = Arc::clone(&model);
    if at.fallbacks == 0 {
        injected(call, at.timeouts.limit).await?;
    }
    if let Some(mock) = call.controls.mock_response.as_ref().or(target.mock_response.as_ref()) {
        return crate::mock::answer(engine, call, at, &target, &model, mock);
    }
    let filters = gate.filters();
    let planner = Planner {
        call,
        target: &target,
        model: &model,
        prices: &engine.prices,
        settings: &engine.settings,
        edits_answer: !filters.is_empty(),
    };
    let (mut plan, body) = planner.plan().map_err(classed)?;
    made.api_base = Some(Arc::clone(&plan.address.base));
    let counter = Counter {
        target: Arc::clone(&target),
        prices: engine.prices.clone(),
        model: Arc::clone(&model),
        format: plan.upstream,
        prompt: Prompt(call.body.clone()),
        adjustments: Arc::clone(&engine.settings.adjustments),
    };
    let timeout = Some(at.timeouts.limit);
    let timeouts = Timeouts {
        connect: Some(engine.settings.connect_timeout),
        first_byte: timeout,
        idle: if call.stream { timeout } else { None },
        total: if call.stream { None } else { timeout },
    };
    let request = build(&plan, body);
    let sent = Instant::now();
    made.sent = true;
    gate.sent();
    let reply = http.send(request, timeouts).await.map_err(|e| {
        made.sent = !e.surely_not_sent();
        transport_error(&e, counter.provider())
    })?;
    let upstream_time = sent.elapsed();
    let (parts, body) = reply.into_parts();
    if let Some(coding) = parts.headers.get(CONTENT_ENCODING).filter(|c| c.as_bytes() != b"identity") {
        // Nobody asked for it: what came cannot be read.
        let provider = counter.provider();
        let why =
            format!("litellm.BadGatewayError: {provider}Exception - the upstream encoded its answer as {coding:?}");
        return Err(Error::new(Kind::BadGateway, why));
    }
    if !parts.status.is_success() {
        return Err(error_reply(&counter, &target, parts, body).await);
    }
    let head = Head {
        deployment: Arc::clone(&at.deployment),
        model,
        provider: counter.provider(),
        api_base: Some(Arc::clone(&plan.address.base)),
        upstream_headers: parts.headers,
        retries: 0,
        max_retries: 0,
        fallbacks: at.fallbacks,
        sent,
        upstream: upstream_time,
        lost: std::mem::take(&mut plan.lost),
        timeout: timeout.map(|t| t.as_secs_f64()),
    };
    let streams = call.stream && call.operation == OperationKind::Generate;
    if at.fallbacks > 0 && streams {
        plan.ctx.model = Some(at.group.to_string()); // after a fallback, streams name its group
    } else if at.fallbacks > 0 || plan.ctx.model.is_none() {
        // ... and whole answers name the provider's model; so do all when the model came only from the URL.
        plan.ctx.model = Some(head.model.to_string());
    }
    if streams {
        return stream(call, plan, head, body, counter, filters, at.in_flight).await;
    }
    whole(call, &plan, head, body, &counter, engine.settings.max_reply_bytes).await
}

/// Faults that the request asks for, where it may: the requested group fails, its fallbacks do not.
///
/// # Errors
/// The fault.
async fn injected(call: &Call, limit: std::time::Duration) -> Result<(), Error> {
    if call.controls.mock_timeout {
        tokio::time::sleep(limit).await;
        let why =
            format!("litellm.Timeout: this is a mock timeout after {} s for model={}", limit.as_secs_f64(), call.model);
        return Err(Error::new(Kind::Timeout, why));
    }
    call.controls.mock_error.clone().map_or(Ok(()), Err)
}

/// Refusals of our own name LiteLLM's class in front, as its clients expect.
fn classed(mut error: Error) -> Error {
    let class = error.kind.facts().class;
    if !error.message.starts_with("litellm.") {
        error.message = format!("litellm.{class}: {}", error.message);
    }
    error
}

fn build(plan: &Plan, body: llm_http::Body) -> Request<llm_http::Body> {
    let mut request = Request::new(body);
    *request.method_mut() = plan.address.endpoint.method.clone();
    *request.uri_mut() = plan.address.uri.clone();
    let headers = request.headers_mut();
    headers.clone_from(&plan.address.endpoint.headers);
    for (name, value) in &plan.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    request
}

fn header_pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?))).collect()
}

async fn error_reply(counter: &Counter, target: &Target, parts: http::response::Parts, body: ReplyBody) -> Error {
    let body = match body.collect_within(ERROR_BODY).await {
        Ok(body) => body.unwrap_or_default(),
        Err(e) => return transport_error(&e, counter.provider()),
    };
    let pairs = header_pairs(&parts.headers);
    let view = ReplyView { status: parts.status.as_u16(), provider: counter.provider(), headers: &pairs, body: &body };
    if let Some(error) = target.provider.decode_error(&view) {
        return error;
    }
    let codecs =
        (llm_wire::registry::upstream_generate(counter.format), llm_wire::registry::upstream_embed(counter.format));
    let mut error = match codecs {
        (Some(codec), _) => codec.decode_error(&view),
        (None, Some(codec)) => codec.decode_error(&view),
        (None, None) => Error::internal(format!("no codec for {}", counter.format)),
    };
    llm_providers::reply::error(target.provider.row(), &mut error);
    error
}

async fn stream(
    call: &Call,
    plan: Plan,
    head: Head,
    body: ReplyBody,
    counter: Counter,
    filters: Vec<Box<dyn EventFilter>>,
    in_flight: InFlight,
) -> Result<Answer, Error> {
    let codec = llm_wire::registry::client_generate(call.format).ok_or_else(|| no_codec(call))?;
    let kind = head.upstream_headers.get(CONTENT_TYPE).map(|v| v.as_bytes()).unwrap_or_default();
    if [b"text/html".as_slice(), b"text/xml", b"application/xml"].iter().any(|page| kind.starts_with(page)) {
        let page = String::from_utf8_lossy(kind).into_owned();
        let why =
            format!("litellm.BadGatewayError: {}Exception - a page ({page}) came instead of a stream", head.provider);
        return Err(Error::new(Kind::BadGateway, why));
    }
    if kind.starts_with(b"application/json") {
        // The provider did not stream: its whole answer is told as events.
        let limit = crate::stream::EVENT_LIMIT;
        let bytes = body.collect(limit).await.map_err(|e| transport_error(&e, counter.provider()))?;
        let response = decode(call, &plan, &head, &bytes, &counter)?;
        let mut body = StreamBody::replay(&response, filters, call.want_content, codec, plan.ctx, counter)?;
        body.keep(in_flight);
        return Ok(Answer::Stream { head, body: Box::new(body) });
    }
    let mut out = if plan.relay && filters.is_empty() {
        let tap = call.want_content.then(|| llm_wire::registry::upstream_generate(plan.upstream)).flatten();
        let tap = tap.and_then(|codec| codec.stream_decoder(&plan.ctx));
        let mut relayed = StreamBody::relay(body, plan.upstream, plan.hide_usage, codec, plan.ctx, counter);
        relayed.set_tap(tap);
        relayed
    } else {
        let upstream = llm_wire::registry::upstream_generate(plan.upstream).ok_or_else(|| no_codec(call))?;
        let decoder = upstream.stream_decoder(&plan.ctx).ok_or_else(|| no_codec(call))?;
        let encoder = codec.stream_encoder(&plan.ctx).ok_or_else(|| no_codec(call))?;
        let mut all = llm_providers::reply::filters(counter.target.provider.row());
        all.extend(filters);
        let pipe = Pipe::new(decoder, all, Writer::new(encoder, call.want_content));
        StreamBody::translate(body, pipe, codec, plan.ctx, counter)
    };
    out.keep(in_flight);
    out.prime().await?;
    Ok(Answer::Stream { head, body: Box::new(out) })
}

fn no_codec(call: &Call) -> Error {
    Error::internal(format!("the format {} cannot be streamed", call.format))
}

async fn whole(
    call: &Call,
    plan: &Plan,
    head: Head,
    body: ReplyBody,
    counter: &Counter,
    limit: usize,
) -> Result<Answer, Error> {
    let mut report = Box::new(Report { first_byte: Some(Instant::now()), ..Report::default() });
    let bytes = body.collect(limit).await.map_err(|e| transport_error(&e, counter.provider()))?;
    report.upstream_done = Some(Instant::now());
    if call.operation == OperationKind::Embed {
        let body = embeddings(plan, &head, &bytes, counter, &mut report)?;
        return Ok(Answer::Whole { head, body, report });
    }
    if plan.relay
        && let Some(body) = relay_whole(plan, &bytes, counter, &mut report)
    {
        if call.want_content {
            report.content = decode(call, plan, &head, &bytes, counter).ok().map(Box::new); // the tap
        }
        return Ok(Answer::Whole { head, body, report });
    }
    let response = decode(call, plan, &head, &bytes, counter)?;
    report.response_id = Some(response.id.clone());
    let written = if response.usage.is_none() { counter.written(&bytes) } else { 0 };
    counter.book(response.usage.clone(), written, &mut report);
    let codec = llm_wire::registry::client_generate(call.format).ok_or_else(|| no_codec(call))?;
    let mut out = BytesMut::with_capacity(bytes.len() + 256);
    codec.encode_response(&response, &plan.ctx, &mut out);
    report.content = call.want_content.then(|| Box::new(response));
    Ok(Answer::Whole { head, body: out.freeze(), report })
}

/// A whole answer that goes on as it came, but for the model name; nothing when it has to be read and written anew.
fn relay_whole(plan: &Plan, bytes: &Bytes, counter: &Counter, report: &mut Report) -> Option<Bytes> {
    let whole = Whole::read(plan.upstream, bytes)?;
    report.response_id = whole.id.and_then(|id| llm_types::json::raw_str(id.get())).map(std::borrow::Cow::into_owned);
    let usage = whole.usage.map(llm_types::RawJson::borrowed);
    let usage = usage.map(|raw| llm_wire::usage::report(plan.upstream, std::slice::from_ref(&raw)));
    let written = if usage.is_none() { counter.written(bytes) } else { 0 };
    counter.book(usage, written, report);
    Some(match (&plan.ctx.model, whole.model) {
        (Some(model), Some(old)) => glue(&splice(bytes, old.get(), quoted(model))),
        _ => bytes.clone(),
    })
}

fn glue(pieces: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|p| out.extend_from_slice(p));
    out.freeze()
}

fn decode(call: &Call, plan: &Plan, head: &Head, bytes: &[u8], counter: &Counter) -> Result<GenerateResponse, Error> {
    let codec = llm_wire::registry::upstream_generate(plan.upstream)
        .ok_or_else(|| Error::internal(format!("no codec for {}", plan.upstream)))?;
    let pairs = header_pairs(&head.upstream_headers);
    let view = ReplyView { status: 200, provider: counter.provider(), headers: &pairs, body: bytes };
    let mut response = codec.decode_response(&view, &plan.ctx)?;
    llm_providers::reply::normalise(counter.target.provider.row(), call.format, &mut response);
    Ok(response)
}

fn embeddings(plan: &Plan, head: &Head, bytes: &Bytes, counter: &Counter, report: &mut Report) -> Result<Bytes, Error> {
    let row = counter.target.provider.row();
    if row.clean_reply
        && let Ok(top) = Top::parse(bytes)
        && top.get("data").is_some()
    {
        let usage = top.get("usage").filter(|u| *u != "null").and_then(|u| llm_types::RawJson::parse(u).ok());
        let usage = usage.map(|raw| llm_wire::usage::report(plan.upstream, std::slice::from_ref(&raw)));
        counter.book(usage, 0, report);
        return Ok(match (&plan.ctx.model, top.get("model")) {
            (Some(model), Some(old)) => glue(&splice(bytes, old, quoted(model))),
            _ => bytes.clone(),
        });
    }
    let codec = llm_wire::registry::upstream_embed(plan.upstream)
        .ok_or_else(|| Error::internal(format!("no codec for {}", plan.upstream)))?;
    let pairs = header_pairs(&head.upstream_headers);
    let view = ReplyView { status: 200, provider: counter.provider(), headers: &pairs, body: bytes };
    let response = codec.decode_response(&view, &plan.ctx)?;
    counter.book(response.usage.clone(), 0, report);
    let client = llm_wire::registry::client_embed(llm_types::Format::OpenAiEmbeddings)
        .ok_or_else(|| Error::internal("no codec for embeddings"))?;
    let mut out = BytesMut::with_capacity(bytes.len() + 64);
    client.encode_response(&response, &plan.ctx, &mut out);
    Ok(out.freeze())
}
