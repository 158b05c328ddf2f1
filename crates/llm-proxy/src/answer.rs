//! Responses of model calls: status and body; their `headers`, those about `limits` apart.

mod headers;
pub(crate) mod limits;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use llm_accounts::{Reservation, Settled};
use llm_client::{ByteStream, Call, Head, Report};
use llm_types::Json;

use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::Context;
use crate::recall::{Hit, Shape};
use crate::tail::Ledger;
pub use headers::{bare_headers, error_headers};
use headers::{common, durations, key_spend, name, numeral, put};
pub(crate) use headers::{decision, guarded, number};

/// Version told in `x-litellm-version`: the version of LiteLLM whose behaviour this gateway follows.
pub const LITELLM_VERSION: &str = "1.104.5";

/// The response of a whole answer.
#[must_use]
pub fn whole(
    ctx: &Context,
    call: &Call,
    head: &Head,
    report: &Report,
    settled: &Settled,
    body: Bytes,
) -> Response<Reply> {
    let mut headers = common(ctx, call, Some(head));
    let c = &report.cost;
    let total = numeral(c.total);
    let original = if c.original == c.total { total.clone() } else { numeral(c.original) };
    headers.insert(name!("x-litellm-response-cost"), total);
    headers.insert(name!("x-litellm-response-cost-original"), original);
    // LiteLLM tells the first three of every answer, 0 included.
    for (name, value, always) in [
        (name!("x-litellm-response-cost-discount-amount"), c.discount, true),
        (name!("x-litellm-response-cost-margin-amount"), c.margin, true),
        (name!("x-litellm-response-cost-tool-usage"), c.tools, true),
        (name!("x-litellm-response-cost-input"), c.input, false),
        (name!("x-litellm-response-cost-output"), c.output, false),
        (name!("x-litellm-response-cost-cache-read"), c.cache_read, false),
        (name!("x-litellm-response-cost-cache-creation"), c.cache_write, false),
        (name!("x-litellm-response-cost-reasoning"), c.reasoning, false),
    ] {
        if always || value > 0.0 {
            number(&mut headers, name, value);
        }
    }
    // The master key has no row: LiteLLM tells what this call cost.
    number(&mut headers, name!("x-litellm-key-spend"), settled.key_spend.unwrap_or(c.total));
    limits::left(&mut headers, &settled.left);
    let end = report.upstream_done.unwrap_or_else(Instant::now);
    durations(&mut headers, ctx, end.saturating_duration_since(head.sent));
    match &head.content_type {
        Some(kind) => {
            headers.insert(CONTENT_TYPE, kind.clone());
            errors::whole(200, body, headers)
        }
        None => errors::json(200, body, headers),
    }
}

/// The response of bytes that go on as they come.
#[must_use]
pub fn bytes(mut headers: HeaderMap, kind: Option<HeaderValue>, body: Box<ByteStream>) -> Response<Reply> {
    headers.insert(CONTENT_TYPE, kind.unwrap_or(const { HeaderValue::from_static("application/octet-stream") }));
    let mut response = Response::new(Reply::Bytes(body));
    *response.headers_mut() = headers;
    response
}

/// The headers of a stream: what is known before its first byte.
#[must_use]
pub fn stream_headers(ctx: &Context, call: &Call, head: &Head, reservation: &Reservation) -> HeaderMap {
    let mut headers = common(ctx, call, Some(head));
    headers.insert(CONTENT_TYPE, const { HeaderValue::from_static("text/event-stream; charset=utf-8") });
    headers.insert(name!("cache-control"), const { HeaderValue::from_static("no-cache") });
    headers.insert(name!("x-accel-buffering"), const { HeaderValue::from_static("no") });
    key_spend(&mut headers, ctx);
    limits::left(&mut headers, reservation.left());
    durations(&mut headers, ctx, head.upstream);
    headers
}

/// The response of a stream.
#[must_use]
pub fn stream(headers: HeaderMap, body: Reply) -> Response<Reply> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// The response of a cached answer; the reservation is given back.
pub fn from_cache(core: &Core, ctx: &Context, call: &Call, hit: Hit, reservation: Reservation) -> Response<Reply> {
    let mut headers = common(ctx, call, None);
    put(&mut headers, name!("x-litellm-cache-key"), &hit.key);
    if let Some(similarity) = hit.similarity {
        number(&mut headers, name!("x-litellm-semantic-similarity"), f64::from(similarity));
    }
    if let Some(cost) = hit.cost {
        number(&mut headers, name!("x-litellm-response-cost"), cost);
    }
    key_spend(&mut headers, ctx);
    durations(&mut headers, ctx, Duration::ZERO);
    let settled = Ledger::cached(core, ctx, call, &hit, reservation);
    limits::left(&mut headers, &settled.left);
    let kind = match hit.kind {
        Shape::Json => return errors::json(200, hit.body, headers),
        Shape::Text => "text/plain; charset=utf-8",
        Shape::Stream => {
            headers.insert(name!("x-accel-buffering"), const { HeaderValue::from_static("no") });
            "text/event-stream; charset=utf-8"
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    errors::whole(200, hit.body, headers)
}

/// Puts fields into the `provider_specific_fields` of a message, where LiteLLM tells what no house says.
pub(crate) fn tell_own(message: &mut Json, fields: impl IntoIterator<Item = (&'static str, Json)>) {
    const OWN: &str = "provider_specific_fields";
    let own = message.get_mut(OWN).map(std::mem::take).filter(|own| own.as_object().is_some());
    let mut own = own.unwrap_or_else(|| Json::Object(Vec::new()));
    for (name, value) in fields {
        own.set(name, value);
    }
    message.set(OWN, own);
}
