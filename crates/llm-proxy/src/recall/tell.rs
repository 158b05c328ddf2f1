//! An answer from the cache, in the client's format.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use llm_cache::Hit as Found;
use llm_catalog::CostOptions;
use llm_client::{Call, Target, replay};
use llm_types::stream::Event;
use llm_types::{Format, OperationKind, RawJson, Usage};
use llm_wire::codec::{ReplyContext, ReplyView};
use llm_wire::top::Top;

use super::ask::Asked;
use super::{Hit, Shape};
use crate::body::Reply;
use crate::errors;
use crate::flow::Context;

/// A stored answer for a call; nothing when it cannot be read, or not told as the client wants it.
pub(super) fn hit(asked: &Asked<'_>, key: &str, found: &Found) -> Option<Hit> {
    let (call, stored) = (asked.call, &found.response);
    if let Some(text) = text(call, stored) {
        return Some(plain(key, text, Shape::Text, found.similarity));
    }
    let top = Top::parse(stored).ok()?;
    let usage = usage(call, &top);
    let (body, kind) = match &call.echo {
        _ if call.stream && !asked.whole => {
            (events(call.format, call.echo.as_deref(), call.include_usage, stored)?, Shape::Stream)
        }
        // LiteLLM stores the provider's name of the model and tells the client's.
        Some(echo) if top.str("model").is_some_and(|model| *model != **echo) => {
            (top.edited(&[("model", Some(RawJson::string(echo).get()))]), Shape::Json)
        }
        _ => (stored.clone(), Shape::Json),
    };
    let response_id = top.str("id").map(std::borrow::Cow::into_owned);
    let cost = worth(asked.ctx, call, &usage);
    Some(Hit { response_id, usage, cost, ..plain(key, body, kind, found.similarity) })
}

fn plain(key: &str, body: Bytes, kind: Shape, similarity: Option<f32>) -> Hit {
    Hit { key: key.to_owned(), body, kind, cost: None, response_id: None, usage: Usage::default(), similarity }
}

/// A transcript that is no JSON object is stored as a JSON text.
fn text(call: &Call, stored: &Bytes) -> Option<Bytes> {
    if call.operation != OperationKind::Transcribe {
        return None;
    }
    let text = llm_types::json::raw_str(std::str::from_utf8(stored).ok()?)?;
    Some(Bytes::from(text.into_owned()))
}

/// What an answer says it consumed.
pub(super) fn usage(call: &Call, top: &Top<'_>) -> Usage {
    let raw = top.get("usage").and_then(|u| RawJson::parse(u).ok());
    raw.map(|raw| llm_wire::usage::report(call.format, &[raw]).usage).unwrap_or_default()
}

/// What the call would cost, by the first deployment of its group.
pub(super) fn worth(ctx: &Context, call: &Call, usage: &Usage) -> Option<f64> {
    if usage.is_empty() {
        return None;
    }
    let engine = &ctx.snapshot.engine;
    let target = engine.router.first(&call.model, &call.controls.scope())?.payload::<Target>()?;
    let model = if target.model.contains('*') { &call.model } else { &target.model };
    let entry = target.price(&engine.prices, model)?;
    let provider = target.provider.row().id;
    let cost = llm_catalog::cost(entry, provider, usage, &CostOptions::default());
    Some(engine.settings.adjustments.of(provider).apply(cost.total).total)
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

/// A whole answer as the events of a stream; nothing when it cannot be read.
pub fn events(format: Format, model: Option<&str>, include_usage: bool, stored: &Bytes) -> Option<Bytes> {
    let reader = llm_wire::registry::upstream_generate(format)?;
    let view = ReplyView { status: 200, provider: "", headers: &[], body: stored };
    let response = reader.decode_response(&view, &ReplyContext::default()).ok()?;
    let ctx = ReplyContext { model: model.map(str::to_owned), include_usage, ..ReplyContext::default() };
    let mut encoder = llm_wire::registry::client_generate(format)?.stream_encoder(&ctx)?;
    let mut out = BytesMut::new();
    replay::replay(&response, &mut |e: Event<'_>| encoder.event(&e, &mut out));
    Some(out.freeze())
}
