//! Reading a call: the body within limits, and what goes on of it. What it wishes is read by `wished`.

mod forwarded;
mod wished;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use llm_accounts::Identity;
use llm_client::Call;
use llm_types::{Error, Json, Kind, Result};
use llm_wire::top::Top;

use crate::flow::Context;
use crate::safety;
use crate::snapshot::Snapshot;
use crate::wish::Wish;
pub use wished::wish;
pub(crate) use wished::{controls_of_relay, few};

/// Reads the body of a request.
///
/// # Errors
/// 413 when it is larger than allowed, 400 when it breaks off, 408 when it does not come in time.
pub async fn body(snapshot: &Snapshot, parts: &Parts, body: Incoming) -> Result<Bytes> {
    let limit = snapshot.settings.max_request_bytes;
    let told = parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if told.is_some_and(|n| n > limit) {
        return Err(too_large(limit));
    }
    let read = collect(body, told.unwrap_or(0).min(limit), limit);
    match tokio::time::timeout(snapshot.settings.body_timeout, read).await {
        Ok(read) => read,
        Err(_) => Err(crate::flow::body_timeout()),
    }
}

async fn collect(mut body: Incoming, told: usize, limit: usize) -> Result<Bytes> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|e| Error::bad_request(format!("the request body broke off: {e}")).with_param("request_body"))?;
        let Ok(data) = frame.into_data() else { continue };
        let have = first.as_ref().map_or(0, Bytes::len).max(rest.len());
        if have + data.len() > limit {
            return Err(too_large(limit));
        }
        match (&first, rest.is_empty()) {
            (None, _) => first = Some(data),
            (Some(head), true) => {
                rest.reserve(told.max(head.len() + data.len()));
                rest.extend_from_slice(head);
                rest.extend_from_slice(&data);
            }
            (Some(_), false) => rest.extend_from_slice(&data),
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}

/// A body as JSON.
///
/// # Errors
/// `BadRequest` for anything else.
pub fn json(body: &[u8]) -> Result<Json> {
    serde_json::from_slice(body).map_err(|e| Error::bad_request(format!("the body is no JSON: {e}")))
}

fn too_large(limit: usize) -> Error {
    Error::new(Kind::TooLarge, format!("Request size is too large. Max size is {} MB", limit / 1_048_576))
}

/// Refuses bodies that try to steer what only the operator may.
///
/// # Errors
/// 401 for banned fields, as LiteLLM does.
pub fn safe(snapshot: &Snapshot, top: &Top<'_>, who: &Identity, group: &str) -> Result<()> {
    safety::body(snapshot, top, who, group)
}

/// The call for the engine.
#[must_use]
pub fn call(ctx: &Context, wish: &Wish, body: Bytes) -> Call {
    let mut call = Call::new(ctx.operation, ctx.format, body, Arc::clone(&wish.group));
    call.echo = (!wish.from_path && !ctx.own_names).then(|| Arc::clone(&wish.model));
    call.stream = wish.stream;
    call.include_usage = wish.include_usage;
    call.controls = wish.controls.clone();
    call.id = Arc::clone(&ctx.id);
    call.via = Some(crate::via::onward(&ctx.parts.headers));
    call.beside = beside(ctx);
    call.want_content = ctx.wants_content();
    call.headers = forwarded::headers(ctx, wish);
    call
}

/// What stands behind the provider's address for routes below one of its operations.
#[must_use]
pub fn beside(ctx: &Context) -> Option<&'static str> {
    (ctx.route == "/v1/responses/compact").then_some("/compact")
}

/// A model name of a path, with its percent escapes resolved.
#[must_use]
pub fn decode_path(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let mut ahead = bytes.clone();
            let hex = [ahead.next(), ahead.next()].map(|d| d.and_then(|d| (d as char).to_digit(16)));
            if let [Some(high), Some(low)] = hex {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
                continue;
            }
        }
        out.push(b);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_in_paths() {
        assert_eq!(decode_path("a%2Fb%20c%zz%"), "a/b c%zz%");
    }
}
