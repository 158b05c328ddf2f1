//! The response cache on the path of a call: look up, replay, store.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use llm_cache::{Cache, CallType, Controls, KeyOptions, Plan};
use llm_client::{Call, replay};
use llm_types::generate::GenerateResponse;
use llm_types::stream::Event;
use llm_types::{Format, OperationKind, Usage};
use llm_wire::codec::{ReplyContext, ReplyView};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::errors;
use crate::flow::Context;

/// Under which key, and how, an answer is stored.
#[derive(Debug, Clone)]
pub struct Key {
    cache: Arc<Cache>,
    key: String,
    plan: Plan,
}

/// What the cache said.
#[derive(Debug, Default)]
pub struct Memory {
    /// An answer.
    pub hit: Option<Hit>,
    /// Where the answer is to be stored once there is one.
    pub key: Option<Key>,
}

/// An answer from the cache.
#[derive(Debug)]
pub struct Hit {
    /// The key it was found under.
    pub key: String,
    /// The body in the client's format: JSON, or events when a stream was asked for.
    pub body: Bytes,
    /// It is a stream of events.
    pub stream: bool,
    /// What the original call cost, when that was kept.
    pub cost: Option<f64>,
    /// The upstream's id of the original answer.
    pub response_id: Option<String>,
    /// What the original call consumed.
    pub usage: Usage,
}

/// Looks a call up. A cache that fails is a cache that knows nothing: the call goes on.
pub async fn lookup(ctx: &Context, call: &Call) -> Memory {
    let Some(cache) = &ctx.snapshot.cache else { return Memory::default() };
    let Some(kind) = call_type(call) else { return Memory::default() };
    let Ok(top) = Top::parse(&call.body) else { return Memory::default() };
    let header = ctx.parts.headers.get("cache-control").and_then(|v| v.to_str().ok());
    let controls = Controls::read(top.get("cache"), top.get("caching"), header, None);
    let plan = cache.plan(kind, &controls);
    if plan.idle() {
        return Memory::default();
    }
    let model = ctx.wish.as_ref().map_or(&call.model, |w| &w.model);
    let tenant = ctx.who.as_ref().and_then(|w| w.caller().key_hash);
    let options = KeyOptions {
        namespace: controls.namespace.as_deref(),
        tenant: tenant.as_deref(),
        ..KeyOptions::new(kind, model)
    };
    let key = cache.key(top.iter(), &options);
    let now = SystemTime::now();
    let found = match cache.get_now(&key, &plan, now) {
        Some(found) => found,
        None => cache.get(&key, &plan, now).await.unwrap_or_else(|e| {
            tracing::warn!(error = %e, "the cache did not answer; the call goes on without it");
            None
        }),
    };
    let hit = found.and_then(|found| hit(call, &key, &found.response));
    let key = (hit.is_none() && plan.store).then(|| Key { cache: Arc::clone(cache), key, plan });
    Memory { hit, key }
}

fn call_type(call: &Call) -> Option<CallType> {
    Some(match (call.operation, call.format) {
        (OperationKind::Embed, _) => CallType::Embedding,
        (OperationKind::Generate, Format::OpenAiChat) => CallType::Completion,
        (OperationKind::Generate, Format::OpenAiCompletions) => CallType::TextCompletion,
        (OperationKind::Generate, Format::AnthropicMessages) => CallType::AnthropicMessages,
        _ => return None,
    })
}

fn hit(call: &Call, key: &str, stored: &Bytes) -> Option<Hit> {
    let top = Top::parse(stored).ok()?;
    let response_id = top.str("id").map(std::borrow::Cow::into_owned);
    let raw = top.get("usage").and_then(|u| llm_types::RawJson::parse(u).ok());
    let usage = raw.map(|raw| llm_wire::usage::report(call.format, &[raw]).usage).unwrap_or_default();
    let body = if call.stream {
        events(call.format, call.echo.as_deref(), call.include_usage, stored)?
    } else {
        stored.clone()
    };
    Some(Hit { key: key.to_owned(), body, stream: call.stream, cost: None, response_id, usage })
}

/// A whole answer of a format as the response of a stream; nothing when it cannot be read.
#[must_use]
pub fn streamed(
    format: Format,
    model: Option<&str>,
    include_usage: bool,
    whole: &Bytes,
    mut headers: HeaderMap,
) -> Option<Response<Reply>> {
    let body = events(format, model, include_usage, whole)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Some(errors::whole(200, body, headers))
}

/// A stored answer as the events of a stream.
fn events(format: Format, model: Option<&str>, include_usage: bool, stored: &Bytes) -> Option<Bytes> {
    let reader = llm_wire::registry::upstream_generate(format)?;
    let view = ReplyView { status: 200, provider: "", headers: &[], body: stored };
    let response = reader.decode_response(&view, &ReplyContext::default()).ok()?;
    let ctx = ReplyContext { model: model.map(str::to_owned), include_usage, ..ReplyContext::default() };
    let mut encoder = llm_wire::registry::client_generate(format)?.stream_encoder(&ctx)?;
    let mut out = BytesMut::new();
    replay::replay(&response, &mut |e: Event<'_>| encoder.event(&e, &mut out));
    Some(out.freeze())
}

/// Stores a whole answer. Off the path when the backend is elsewhere.
pub fn store(_ctx: &Context, key: Option<Key>, body: &Bytes) {
    let Some(Key { cache, key, plan }) = key else { return };
    let now = SystemTime::now();
    if cache.put_now(&key, body, &plan, now) {
        return;
    }
    let body = body.clone();
    tokio::spawn(async move {
        let started = Instant::now();
        if let Err(e) = cache.put(&key, body, &plan, now).await {
            tracing::warn!(error = %e, ms = started.elapsed().as_millis(), "an answer could not be cached");
        }
    });
}

/// Stores the assembled answer of a complete stream.
pub fn store_stream(key: Key, format: Format, model: Option<&str>, content: &GenerateResponse) {
    let Some(codec) = llm_wire::registry::client_generate(format) else { return };
    let ctx = ReplyContext { model: model.map(str::to_owned), ..ReplyContext::default() };
    let mut out = BytesMut::new();
    codec.encode_response(content, &ctx, &mut out);
    let body = out.freeze();
    let Key { cache, key, plan } = key;
    let now = SystemTime::now();
    if cache.put_now(&key, &body, &plan, now) {
        return;
    }
    if let Ok(handle) = tokio::runtime::Handle::try_current() {
        handle.spawn(async move {
            if let Err(e) = cache.put(&key, body, &plan, now).await {
                tracing::warn!(error = %e, "an answer could not be cached");
            }
        });
    }
}
