//! Attempts at tasks: operations in LiteLLM's own shape, see `llm_wire::task`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request};
use llm_http::Transport;
use llm_providers::{Policy, Want, edit, provider::not_served, rules};
use llm_router::Attempt;
use llm_types::{Error, Json, Result};
use llm_wire::codec::{EncodeContext, ReplyContext, ReplyView};
use llm_wire::task::{Next, ReplyBody, TaskCodec, TaskOut, TaskRequest};
use llm_wire::top::Top;

use crate::answer::{Answer, Head, Report};
use crate::attempt::Made;
use crate::bytes_out::ByteStream;
use crate::call::Call;
use crate::count::Counter;
use crate::engine::{Engine, Gate};
use crate::events_out::Events;
use crate::follow::{Follower, written};
use crate::plan::now_seconds;
use crate::send::{Sender, build, classed, header_pairs, timeouts};
use crate::target::{Address, CallFacts, Target};
use crate::transport::transport_error;

/// Makes one attempt.
pub(crate) async fn run(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    at: Attempt,
    gate: &dyn Gate,
    target: &Arc<Target>,
    made: &mut Made,
) -> Result<Answer> {
    let model = Arc::clone(&made.model);
    let (codec, request, address, out, lost) = plan(engine, http, call, target, &model).await.map_err(classed)?;
    made.api_base = Some(Arc::clone(&address.base));
    let counter = Counter::new(engine, target, &model, codec.format(), call);
    let streams = codec.streams(&request);
    let timeouts = timeouts(&engine.settings, at.timeouts.limit, streams);
    let sender = Sender { http, settings: &engine.settings, gate, counter: &counter, address: &address, timeouts };
    let sent = sender.send(ready(&address, out)?, made, &|view| codec.decode_error(view)).await?;
    let mut head = Head::new(&at, model, &counter, &address, &sent, lost);
    let kind = sent.parts.headers.get(CONTENT_TYPE).cloned();
    let labelled = |prefix: &str| kind.as_ref().is_some_and(|k| k.as_bytes().starts_with(prefix.as_bytes()));
    let events = labelled("text/event-stream");
    // An upstream that does not stream, though it was asked to, answers whole; so do a page and an error that stand in
    // for sound.
    let whole = labelled("application/json") || labelled("text/") && !events;
    if streams && !whole {
        head.content_type = kind;
        let events = events.then(|| Events::new(codec, counter.provider()));
        let known = (codec.usage_of_request(&request), codec.sizing(&request));
        let body = ByteStream::of_task(sent.body, at.in_flight, events, known, counter);
        return Ok(Answer::Bytes { head, body: Box::new(body) });
    }
    let mut report = Box::new(Report { first_byte: Some(Instant::now()), ..Report::default() });
    let limit = engine.settings.max_reply_bytes;
    let mut bytes = sent.body.collect(limit).await.map_err(|e| transport_error(&e, counter.provider()))?;
    let follower = Follower::new(&sender);
    let pairs = header_pairs(&head.upstream_headers);
    for step in 0_u32.. {
        let view = ReplyView { status: 200, provider: counter.provider(), headers: &pairs, body: &bytes };
        let (after, next) = match codec.next(&request, step, &view)? {
            Next::Done => break,
            Next::Send { after, request } => (after, request),
            Next::Last { request } => {
                // What cannot be cleared away stays there; the answer is good.
                let read = |view: &ReplyView<'_>| codec.decode_error(view);
                if let Err(error) = follower.send(Duration::ZERO, *request, &read).await {
                    tracing::warn!(provider = counter.provider(), %error, "an upload could not be deleted");
                }
                break;
            }
        };
        let reply = follower.send(after, *next, &|view| codec.decode_error(view)).await?;
        bytes = reply.collect(limit).await.map_err(|e| transport_error(&e, counter.provider()))?;
    }
    report.upstream_done = Some(Instant::now());
    let view = ReplyView { status: 200, provider: counter.provider(), headers: &pairs, body: &bytes };
    let reply = codec.decode(&request, &view, &context(call, &counter, codec, &head.deployment.id))?;
    drop(pairs);
    counter.book_task(reply.usage.unwrap_or_default(), &reply.sizing, &mut report);
    let body = match reply.body {
        ReplyBody::Json(body) => body,
        ReplyBody::Raw { content_type, data } => {
            head.content_type = HeaderValue::try_from(content_type).ok();
            data
        }
    };
    Ok(Answer::Whole { head, body, report })
}

type Planned = (&'static dyn TaskCodec, TaskRequest, Arc<Address>, TaskOut, Vec<String>);

/// The language, the request and where it goes.
async fn plan(engine: &Engine, http: &dyn Transport, call: &Call, target: &Target, model: &str) -> Result<Planned> {
    let want = Want { operation: call.operation, format: call.format, model };
    let row = target.provider.row();
    let format = target.protocols(&want).best().ok_or_else(|| not_served(row, &want))?;
    let codec = llm_wire::registry::task(format).ok_or_else(|| Error::internal(format!("no codec for {format}")))?;
    let wire_model = target.provider.task_model(call.operation, model).into_owned();
    let mut fields = fields(call, target)?;
    let policy = policy(engine, call, target);
    let mut lost = match row.task(call.operation) {
        Some(task) => rules::check_task(row, task, &mut fields, &policy)?,
        None => Vec::new(),
    };
    let mut facts = CallFacts {
        operation: call.operation,
        format,
        client_format: call.format,
        model,
        stream: false,
        betas: &[],
        headers: &call.headers,
    };
    target.provider.fill_task(&target.provider_call(&facts), &mut fields)?;
    let mut request = TaskRequest { operation: call.operation, model: wire_model, fields, files: call.files.to_vec() };
    if let Some(url) = codec.fetches(&request).map(str::to_owned) {
        let document = crate::media::data_url(http, &engine.settings.fetch, &url).await?;
        codec.put_fetched(&mut request, document);
    }
    let mut ctx = EncodeContext {
        provider: row.id,
        caps: target.caps(&engine.prices, model),
        drop_params: policy.drop_params,
        modify_params: policy.modify_params,
        ..EncodeContext::for_model(&request.model)
    };
    let mut out = codec.encode(&request, &mut ctx)?;
    lost.append(&mut ctx.lost);
    facts.stream = codec.streams(&request);
    let address = target.address(&facts)?;
    target.prepare_task(&facts, &address, &mut out);
    Ok((codec, request, address, out, lost))
}

/// What becomes of parameters that the provider does not take.
fn policy(engine: &Engine, call: &Call, target: &Target) -> Policy {
    let controls = &call.controls;
    let mut policy = target.policy.clone();
    policy.drop_params = controls.drop_params.or(target.own_drop_params).unwrap_or(engine.settings.drop_params);
    policy.modify_params = controls.modify_params.or(target.own_modify_params).unwrap_or(engine.settings.modify_params);
    policy.allowed_openai_params.extend(controls.allowed_openai_params.iter().cloned());
    policy.additional_drop_params.extend(controls.additional_drop_params.iter().cloned());
    policy
}

/// The client's fields and the deployment's defaults, without what steers the gateway.
fn fields(call: &Call, target: &Target) -> Result<Json> {
    let top = Top::parse(&call.body)?;
    let mut fields: Vec<(String, Json)> = Vec::new();
    for (name, raw) in top.iter() {
        let steers = matches!(name, "model" | "search_tool_name")
            || edit::is_control(name)
            || matches!(name, "metadata" | "litellm_params");
        if steers {
            continue;
        }
        let value = serde_json::from_str(raw).map_err(|e| Error::bad_request(e.to_string()).with_param(name))?;
        fields.push((name.to_owned(), value));
    }
    for (name, raw) in &target.defaults {
        if fields.iter().all(|(n, v)| n != name || v.is_null())
            && let Ok(value) = serde_json::from_str(raw)
        {
            fields.push((name.clone(), value));
        }
    }
    Ok(Json::Object(fields))
}

fn context(call: &Call, counter: &Counter, codec: &dyn TaskCodec, deployment: &str) -> ReplyContext {
    ReplyContext {
        model: call.echo.as_deref().map(str::to_owned),
        fallback_id: call.id.to_string(),
        created: now_seconds(),
        upstream: Some(codec.format()),
        deployment: deployment.to_owned(),
        provider: counter.provider().to_owned(),
        upstream_model: Some(counter.model.to_string()),
        count: Some(crate::count::tokens_of),
        ..ReplyContext::default()
    }
}

/// Address and request as one.
fn ready(address: &Address, out: TaskOut) -> Result<Request<llm_http::Body>> {
    let (body, content_type) = written(out.body);
    let mut request = build(address, body, &out.headers);
    if let Some(method) = out.method {
        *request.method_mut() =
            Method::from_bytes(method.as_bytes()).map_err(|_| Error::internal(format!("{method:?} is no method")))?;
    }
    match content_type {
        Some(kind) => request.headers_mut().insert(CONTENT_TYPE, kind),
        None => request.headers_mut().remove(HeaderName::from_static("content-type")),
    };
    if out.path.is_some() || out.beside.is_some() || !out.query.is_empty() {
        let beside = out.beside.as_deref().unwrap_or_default();
        *request.uri_mut() = uri(&address.uri, out.path.as_deref(), beside, &out.query)?;
    }
    Ok(request)
}

/// An address with another path, with more behind it and in its query.
pub(crate) fn uri(base: &Uri, instead: Option<&str>, beside: &str, query: &[(String, String)]) -> Result<Uri> {
    let mut pairs: Vec<String> = base.query().filter(|q| !q.is_empty()).map(str::to_owned).into_iter().collect();
    pairs.extend(query.iter().map(|(k, v)| format!("{}={}", escaped(k), escaped(v))));
    let mut path = format!("{}{beside}", instead.unwrap_or(base.path()).trim_end_matches('/'));
    if path.is_empty() {
        path.push('/');
    }
    if !pairs.is_empty() {
        path = format!("{path}?{}", pairs.join("&"));
    }
    let mut parts = base.clone().into_parts();
    parts.path_and_query =
        Some(PathAndQuery::try_from(path.as_str()).map_err(|_| Error::internal(format!("no path: {path}")))?);
    Uri::from_parts(parts).map_err(|e| Error::internal(e.to_string()))
}

/// A query component, percent-encoded: all but RFC 3986's unreserved characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}
