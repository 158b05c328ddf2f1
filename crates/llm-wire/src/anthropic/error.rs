//! Errors: `{"type":"error","error":{"type","message"}}`.
//! <https://docs.anthropic.com/en/api/errors>

use bytes::{Bytes, BytesMut};
use llm_types::{Error, Kind, UpstreamDetail};

use super::object::Object;
use crate::codec::ReplyView;
use crate::openai::errors::{provider_name, retry_after, visible_headers};
use crate::top::Top;

/// How much of an upstream's error body is kept.
const BODY_LIMIT: usize = 16 * 1024;

/// Texts that tell a prompt longer than the model's window, in lower case.
const TOO_LONG: [&str; 8] = [
    "prompt is too long",
    "prompt: length",
    "exceed context limit",
    "context window",
    "context_length_exceeded",
    "maximum context length",
    "input is too long",
    "exceeds the maximum number of tokens",
];

/// Statuses by `error.type`, for errors that come without one.
const STATUSES: [(&str, u16); 9] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("api_error", 500),
    ("overloaded_error", 529),
    ("timeout_error", 504),
];

/// Writes an error for a client.
pub(super) fn encode(err: &Error, out: &mut BytesMut) {
    let kind = match err.status() {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 if err.kind == Kind::MidStream => "overloaded_error",
        529 => "overloaded_error",
        _ => "api_error", // LiteLLM's table has no other words
    };
    let mut o = Object::open(out);
    o.str("type", "error");
    let mut inner = Object::open(o.key("error"));
    inner.str("type", said_in_stream(err).unwrap_or(kind));
    inner.str("message", &err.message);
    inner.close();
    o.close();
}

/// What an upstream of this format said in its stream, where the status was a success.
fn said_in_stream(err: &Error) -> Option<&'static str> {
    let detail = err.upstream.as_ref().filter(|detail| detail.status == 200)?;
    let said = detail.error_type.as_deref()?;
    STATUSES.iter().find(|(name, _)| *name == said).map(|(name, _)| *name)
}

/// Reads an upstream's error reply.
pub(crate) fn decode(reply: &ReplyView<'_>) -> Error {
    let kept = reply.body.get(..BODY_LIMIT).unwrap_or(reply.body);
    let body = String::from_utf8_lossy(kept);
    let (error_type, _) = words(&body);
    let status = match reply.status {
        200..=299 => error_type.as_deref().map_or(500, status_of),
        status => status,
    };
    let (kind, as_status) = kind(status, &body);
    let name = provider_name(reply.provider);
    let class = kind.facts().class;
    let message = match kind {
        Kind::Internal if overloaded(&body) => {
            format!("litellm.{class}: {name}Error - {body}")
        }
        Kind::Internal => format!("litellm.{class}: {name}Exception - {body}. Handle with `litellm.{class}`."),
        Kind::BadGateway | Kind::Unavailable => format!("litellm.{class}: {name}Exception {class} - {body}"),
        _ => format!("litellm.{class}: {name}Exception - {body}"),
    };
    let detail = UpstreamDetail {
        status: reply.status,
        provider: reply.provider.to_owned(),
        error_type,
        code: None,
        body: Bytes::copy_from_slice(kept),
        headers: visible_headers(reply.headers),
    };
    let mut err = with_facts(Error::upstream(kind, message, detail), as_status);
    err.retry_after = retry_after(reply.headers);
    err
}

/// Reads an error event of a stream: the HTTP status was 200, so that only the type tells what kind it is.
pub(super) fn decode_event(error: &str) -> Error {
    let (error_type, message) = words(&format!(r#"{{"error":{error}}}"#));
    let message = message.unwrap_or_else(|| error.to_owned());
    let (kind, as_status) = kind(error_type.as_deref().map_or(500, status_of), &message);
    let detail = UpstreamDetail {
        status: 200,
        error_type,
        body: Bytes::copy_from_slice(error.as_bytes()),
        ..UpstreamDetail::default()
    };
    let text = format!("litellm.{}: AnthropicError - {message}", kind.facts().class);
    with_facts(Error::upstream(kind, text, detail), as_status)
}

pub(crate) fn status_of(error_type: &str) -> u16 {
    STATUSES.iter().find(|(name, _)| *name == error_type).map_or(500, |(_, status)| *status)
}

/// The kind of an error, and its status where that is not the kind's own.
fn kind(status: u16, text: &str) -> (Kind, Option<u16>) {
    let lower = text.to_ascii_lowercase();
    if TOO_LONG.iter().any(|t| lower.contains(t)) && status < 500 {
        return (Kind::ContextWindow, None);
    }
    if overloaded(text) {
        return (Kind::Internal, None);
    }
    if lower.contains("content filtering policy") {
        return (Kind::ContentPolicy, None);
    }
    if lower.contains("invalid api key") {
        return (Kind::Authentication, None);
    }
    match status {
        400 | 413 => (Kind::BadRequest, None), // as LiteLLM says it
        401 => (Kind::Authentication, None),
        403 => (Kind::PermissionDenied, None),
        404 => (Kind::NotFound, None),
        408 => (Kind::Timeout, None),
        504 => (Kind::Timeout, Some(504)),
        409 => (Kind::Conflict, None),
        429 => (Kind::RateLimit, None),
        500 | 529 => (Kind::Internal, None),
        502 => (Kind::BadGateway, None),
        503 => (Kind::Unavailable, None),
        402 | 405..=499 => (Kind::BadRequest, Some(status)),
        _ => (Kind::Api, Some(status)),
    }
}

/// Anthropic's own words for it; other hosts say it in theirs, and by the status.
fn overloaded(text: &str) -> bool {
    text.contains("overloaded_error") || text.contains("Overloaded")
}

fn with_facts(mut err: Error, status: Option<u16>) -> Error {
    err.status = status;
    if status == Some(504) {
        err.openai_type = Some("internal_server_error".to_owned());
    }
    // what chat clients of LiteLLM see
    match err.kind {
        Kind::RateLimit => err.openai_type = Some("throttling_error".to_owned()),
        Kind::Timeout if status.is_none() => err.openai_type = Some("invalid_request_error".to_owned()),
        _ => {}
    }
    err
}

/// `error.type` and `error.message` of a body.
fn words(body: &str) -> (Option<String>, Option<String>) {
    let top: Top<'_> = serde_json::from_str(body).unwrap_or_default();
    let error = top.read::<Top<'_>>("error").unwrap_or_default();
    let text = |key: &str| error.str(key).map(String::from);
    (text("type"), text("message").or_else(|| top.str("message").map(String::from)))
}
