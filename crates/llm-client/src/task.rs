//! Attempts at tasks: operations in LiteLLM's own shape, see `llm_wire::task`.

use std::collections::HashSet;
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
use llm_wire::task::{FilePart, Next, ReplyBody, TaskCodec, TaskOut, TaskRequest};
use llm_wire::top::Top;

use crate::answer::{Answer, Head, Report};
use crate::attempt::Made;
use crate::bytes_out::ByteStream;
use crate::call::Call;
use crate::count::Counter;
use crate::engine::{Engine, Gate};
use crate::events_out::Events;
use crate::follow::{Follower, Written, written};
use crate::plan::now_seconds;
use crate::send::{Sender, build, classed, header_pairs, timeouts};
use crate::target::{Address, CallFacts, Target};
use crate::transport::transport_error;
use crate::upload::{Sending, Upload, goes_as_it_comes};

/// Makes one attempt. A form that is still coming goes out as it comes where the upstream takes forms, and is read
/// whole where it does not, or where what is wanted stands behind the file.
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
    let recipe = Recipe::new(engine, call, target, &model).map_err(classed)?;
    let Some(upload) = &call.upload else {
        let planned = recipe.plan(http).await.map_err(classed)?;
        return perform(&recipe, http, at, gate, made, planned).await;
    };
    if !upload.is_held()
        && let Ok(planned) = recipe.plan(http).await
        && goes_as_it_comes(&planned.out)
    {
        return perform(&recipe, http, at, gate, made, planned).await;
    }
    let call = &upload.whole(call).await?;
    let recipe = Recipe { call, ..recipe };
    let planned = recipe.plan(http).await.map_err(classed)?;
    perform(&recipe, http, at, gate, made, planned).await
}

async fn perform(
    recipe: &Recipe<'_>,
    http: &dyn Transport,
    at: Attempt,
    gate: &dyn Gate,
    made: &mut Made,
    planned: Planned,
) -> Result<Answer> {
    let &Recipe { engine, call, target, model, codec } = recipe;
    let model = Arc::clone(model);
    let Planned { mut request, address, out, lost } = planned;
    made.api_base = Some(Arc::clone(&address.base));
    let counter = Counter::new(engine, target, &model, codec.format(), call);
    let timeouts = timeouts(&engine.settings, &at.timeouts, codec.streams(&request));
    let (settings, via) = (&engine.settings, call.via.as_ref());
    let sender = Sender { http, settings, gate, counter: &counter, address: &address, timeouts, via };
    let body = match &call.upload {
        Some(upload) => recipe.sending(upload, &request, &address, &out)?,
        None => written(out.body.clone()),
    };
    let mut sent = sender.send(ready(&address, &out, body)?, made, &|view| codec.decode_error(view)).await?;
    if let Some(seen) = call.upload.as_ref().and_then(Upload::seen) {
        request = seen;
    }
    let mut head = Head::new(&at, model, &counter, &address, &mut sent, lost);
    let kind = head.upstream_headers.get(CONTENT_TYPE).cloned();
    let labelled = |prefix: &str| kind.as_ref().is_some_and(|k| k.as_bytes().starts_with(prefix.as_bytes()));
    let events = labelled("text/event-stream");
    // An upstream that does not stream, though it was asked to, answers whole; so do a page and an error that stand in
    // for sound.
    let whole = labelled("application/json") || labelled("text/") && !events;
    if codec.streams(&request) && !whole {
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
    if is_error_alone(&bytes) {
        let view = ReplyView { status: 500, provider: counter.provider(), headers: &pairs, body: &bytes };
        return Err(codec.decode_error(&view));
    }
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

/// True for an answer that holds an error and nothing else, whatever its status says.
fn is_error_alone(body: &[u8]) -> bool {
    let Ok(top) = Top::parse(body) else { return false };
    top.iter().count() == 1 && top.get("error").is_some_and(|error| error.starts_with('{'))
}

/// What a request is made from.
#[derive(Clone, Copy)]
struct Recipe<'a> {
    engine: &'a Engine,
    call: &'a Call,
    target: &'a Arc<Target>,
    model: &'a Arc<str>,
    codec: &'static dyn TaskCodec,
}

/// A request and where it goes.
struct Planned {
    request: TaskRequest,
    address: Arc<Address>,
    out: TaskOut,
    lost: Vec<String>,
}

impl<'a> Recipe<'a> {
    /// Finds the language.
    fn new(engine: &'a Engine, call: &'a Call, target: &'a Arc<Target>, model: &'a Arc<str>) -> Result<Self> {
        let want = Want { operation: call.operation, format: call.format, model };
        let format = target.protocols(&want).best().ok_or_else(|| not_served(target.provider.row(), &want))?;
        let codec = llm_wire::registry::task(format);
        let codec = codec.ok_or_else(|| Error::internal(format!("no codec for {format}")))?;
        Ok(Self { engine, call, target, model, codec })
    }

    async fn plan(&self, http: &dyn Transport) -> Result<Planned> {
        let (mut request, lost) = self.request(&[], &self.call.files)?;
        if let Some(url) = self.codec.fetches(&request).map(str::to_owned) {
            let document = crate::media::data_url(http, &self.engine.settings.fetch, &url).await?;
            self.codec.put_fetched(&mut request, document);
        }
        self.out(request, lost)
    }

    /// The request, with fields of a form that came later.
    fn request(&self, late: &[(String, Json)], files: &[FilePart]) -> Result<(TaskRequest, Vec<String>)> {
        let (call, target, row) = (self.call, self.target, self.target.provider.row());
        let mut fields = fields(call, target, late)?;
        let lost = match row.task(call.operation) {
            Some(task) => rules::check_task(row, task, &mut fields, &policy(self.engine, call, target))?,
            None => Vec::new(),
        };
        target.provider.fill_task(&target.provider_call(&self.facts(false)), &mut fields)?;
        let model = target.provider.task_model(call.operation, self.model).into_owned();
        Ok((TaskRequest { operation: call.operation, model, fields, files: files.to_vec() }, lost))
    }

    /// The request as the upstream wants it.
    fn out(&self, request: TaskRequest, mut lost: Vec<String>) -> Result<Planned> {
        let target = self.target;
        let policy = policy(self.engine, self.call, target);
        let mut ctx = EncodeContext {
            provider: target.provider_id(),
            caps: target.caps(&self.engine.prices, self.model),
            drop_params: policy.drop_params,
            modify_params: policy.modify_params,
            ..EncodeContext::for_model(&request.model)
        };
        let mut out = self.codec.encode(&request, &mut ctx)?;
        lost.append(&mut ctx.lost);
        let facts = self.facts(self.codec.streams(&request));
        let address = target.address(&facts)?;
        target.prepare_task(&facts, &address, &mut out);
        Ok(Planned { request, address, out, lost })
    }

    fn facts(&self, stream: bool) -> CallFacts<'a> {
        let call = self.call;
        CallFacts {
            operation: call.operation,
            format: self.codec.format(),
            client_format: call.format,
            model: self.model,
            stream,
            betas: &[],
            headers: &call.headers,
        }
    }

    /// The form that goes out as it comes.
    fn sending(&self, upload: &Upload, planned: &TaskRequest, address: &Address, out: &TaskOut) -> Result<Written> {
        let Self { engine, call, target, model, codec } = *self;
        let given = Top::parse(&call.body)?;
        let uri = address.uri.clone();
        let (engine, mut call) = (engine.clone(), call.clone());
        let (target, model) = (Arc::clone(target), Arc::clone(model));
        let files = planned.files.clone();
        let sending = Sending::new(upload, out.clone(), files, |name| given.get(name).is_some(), {
            call.upload = None;
            Box::new(move |late, files| {
                let recipe = Recipe { engine: &engine, call: &call, target: &target, model: &model, codec };
                let (request, lost) = recipe.request(late, files)?;
                let Planned { request, address, out, .. } = recipe.out(request, lost)?;
                if address.uri != uri {
                    return Err(Error::bad_request("a field behind the file would send the form elsewhere"));
                }
                Ok((request, out))
            })
        });
        let kind = sending.content_type();
        Ok((llm_http::Body::stream(sending), kind))
    }
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

/// True for fields of a task's body that are for the gateway: they do not go on.
#[must_use]
pub fn steers(name: &str) -> bool {
    matches!(name, "model" | "search_tool_name" | "metadata" | "litellm_params") || edit::is_control(name)
}

/// What tasks are about.
const CONTENT: [&str; 5] = ["prompt", "input", "query", "documents", "document"];

/// The client's fields and the deployment's defaults, without what steers the gateway.
fn fields(call: &Call, target: &Target, late: &[(String, Json)]) -> Result<Json> {
    let top = Top::parse(&call.body)?;
    let mut fields: Vec<(String, Json)> = Vec::new();
    for (name, raw) in top.iter() {
        if steers(name) {
            continue;
        }
        let value = serde_json::from_str(raw).map_err(|e| Error::bad_request(e.to_string()).with_param(name))?;
        fields.push((name.to_owned(), value));
    }
    for (name, value) in late {
        llm_wire::form::add(&mut fields, name, value.clone());
    }
    for (name, raw) in &target.defaults {
        if fields.iter().all(|(n, v)| n != name || v.is_null())
            && let Ok(value) = serde_json::from_str(raw)
        {
            fields.push((name.clone(), value));
        }
    }
    spread(&mut fields);
    Ok(Json::Object(fields))
}

/// What stands in `extra_body` goes beside it: fields for the provider. What the call says itself counts more, and what
/// it is about is judged before: it cannot stand there.
fn spread(fields: &mut Vec<(String, Json)>) {
    let is_more = |(name, value): &(String, Json)| name == "extra_body" && value.as_object().is_some();
    let Some(at) = fields.iter().position(is_more) else { return };
    let (_, Json::Object(more)) = fields.remove(at) else { return };
    let said: HashSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let open = |name: &str| !steers(name) && !CONTENT.contains(&name) && !said.contains(name);
    let more: Vec<(String, Json)> = more.into_iter().filter(|(name, _)| open(name)).collect();
    fields.extend(more);
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
fn ready(address: &Address, out: &TaskOut, (body, content_type): Written) -> Result<Request<llm_http::Body>> {
    let mut request = build(address, body, &out.headers);
    if let Some(method) = out.method {
        *request.method_mut() =
            Method::from_bytes(method.as_bytes()).map_err(|_| Error::internal(format!("{method:?} is no method")))?;
    }
    // some houses name a type for the body that there is not
    let named = || out.headers.iter().find(|(name, _)| name == "content-type");
    match content_type.or_else(|| HeaderValue::from_str(&named()?.1).ok()) {
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
pub(crate) fn escaped(text: &str) -> String {
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
