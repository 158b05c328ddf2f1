//! Errors: `{"error":{"code","message","status","details"}}`, at times a list of one. What they mean is LiteLLM's
//! reading: first what the text says, then the status. <https://ai.google.dev/gemini-api/docs/troubleshooting>

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use llm_types::{Error, Json, Kind, UpstreamDetail};
use serde_json::value::RawValue;

use crate::codec::ReplyView;
use crate::openai::errors::{self, provider_name, retry_after, type_of_status, visible_headers};
use crate::openai::object::Obj;
use crate::openai::wire::{Count, Text, view};

/// How much of an upstream's error body is kept.
const BODY_LIMIT: usize = 16 * 1024;

view!(lenient BodyIn {
    error = "error": ErrorIn<'a>,
});

view!(lenient ErrorIn {
    code = "code": Count,
    message = "message": Text<'a>,
    status = "status": Text<'a>,
    details = "details": Option<&'a RawValue>,
});

/// Writes an error for a client.
pub(super) fn encode(err: &Error, out: &mut BytesMut) {
    let status = err.status();
    let word = match status {
        400 | 413 | 422 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "FAILED_PRECONDITION",
    };
    let mut body = Obj::open(out);
    let mut error = body.obj("error");
    error.u64("code", status.into());
    error.str("message", &err.message);
    error.str("status", word);
}

/// Reads an upstream's error reply.
#[must_use]
pub fn decode(reply: &ReplyView<'_>) -> Error {
    let kept = reply.body.get(..BODY_LIMIT).unwrap_or(reply.body);
    let text = String::from_utf8_lossy(kept);
    let said = words(&text);
    let code = said.code.0.and_then(|c| u16::try_from(c).ok());
    let status = match reply.status {
        200..=299 => code.unwrap_or(500),
        status => status,
    };
    let detail = UpstreamDetail {
        status: reply.status,
        provider: reply.provider.to_owned(),
        error_type: said.status.filled().map(str::to_owned),
        code: code.map(|c| c.to_string()),
        body: Bytes::copy_from_slice(kept),
        headers: visible_headers(reply.headers),
    };
    let mut err = make(status, &text, &provider_name(reply.provider), detail);
    err.retry_after = retry_after(reply.headers).or_else(|| said.details.and_then(|d| delay(d.get())));
    err
}

/// LiteLLM tells the clients of a stream that was refused what kind of error it was in plain words.
pub fn of_streaming_call(err: &mut Error) {
    if err.kind == Kind::RateLimit {
        err.openai_type = None;
    }
}

/// Reads the object below `error` of a stream's event, in `provider`'s name.
pub(super) fn in_stream(raw: &str, provider: &str) -> Error {
    let said: ErrorIn<'_> = serde_json::from_str(raw).unwrap_or_default();
    let code = said.code.0.and_then(|c| u16::try_from(c).ok()).unwrap_or(500);
    let word = said.status.filled().unwrap_or_default();
    let text = format!("{word} - {}", said.message.filled().unwrap_or(raw));
    let detail = UpstreamDetail {
        status: code,
        provider: provider.to_owned(),
        error_type: said.status.filled().map(str::to_owned),
        code: Some(code.to_string()),
        body: Bytes::copy_from_slice(raw.as_bytes().get(..BODY_LIMIT).unwrap_or(raw.as_bytes())),
        headers: Vec::new(),
    };
    let mut err = make(code, &text, &provider_name(provider), detail);
    err.retry_after = said.details.and_then(|d| delay(d.get()));
    err
}

/// The reply is not an answer: LiteLLM tells clients that with the status 422.
pub(super) fn unreadable(reply: &ReplyView<'_>, why: &str) -> Error {
    let name = provider_name(reply.provider);
    let text = format!("litellm.BadRequestError: {name}Exception - Error converting to valid response block={why}");
    let detail = UpstreamDetail {
        status: reply.status,
        provider: reply.provider.to_owned(),
        body: Bytes::copy_from_slice(reply.body.get(..BODY_LIMIT).unwrap_or(reply.body)),
        headers: visible_headers(reply.headers),
        ..UpstreamDetail::default()
    };
    Error::upstream(Kind::BadRequest, text, detail).with_status(422)
}

fn make(status: u16, text: &str, name: &str, detail: UpstreamDetail) -> Error {
    let kind = kind_of(status, text);
    let class = kind.facts().class;
    let message = match kind {
        Kind::BadRequest if matches!(status, 400 | 403) => {
            format!("litellm.{class}: {name}Exception BadRequestError - {text}")
        }
        Kind::Internal => format!("litellm.{class}: {name}Exception InternalServerError - {text}"),
        Kind::RateLimit => format!("litellm.{class}: litellm.{class}: {name}Exception - {text}"),
        Kind::ContextWindow | Kind::ContentPolicy => {
            format!("litellm.{class}: litellm.BadRequestError: {class}: {name}Exception - {text}")
        }
        _ => format!("litellm.{class}: {name}Exception - {text}"),
    };
    let mut err = Error::upstream(kind, message, detail);
    // a text that tells another kind than the status tells another status, too
    let same = kind_of_status(status) == kind;
    let own = (400..600).contains(&status) && status != 502;
    let told = if same && (kind != Kind::Connection || own) { status } else { kind.facts().status };
    if told != err.status() {
        err.status = Some(told);
    }
    let wire_type = type_of_status(told);
    if err.openai_type() != wire_type {
        err.openai_type = Some(wire_type.to_owned());
    }
    err
}

/// The kind of an upstream's error; `text` is everything that it said.
pub(super) fn kind_of(status: u16, text: &str) -> Kind {
    let says = |phrases: &[&str]| phrases.iter().any(|p| text.contains(p));
    let too_long = says(&["400 Request payload size exceeds"])
        || (status < 500 && errors::kind_of(400, text) == Kind::ContextWindow);
    if too_long {
        Kind::ContextWindow
    } else if says(&["Vertex AI API has not been used in project", "Unable to find your project"]) {
        Kind::BadRequest
    } else if says(&[
        "None Unknown Error.",
        "Content has no parts.",
        "500 Internal Server Error",
        "The model is overloaded.",
    ]) {
        Kind::Internal
    } else if says(&["API key not valid."]) {
        Kind::Authentication
    } else if says(&["The response was blocked.", "Output blocked by content filtering policy"]) {
        Kind::ContentPolicy
    } else if says(&["Quota exceeded for", "429 Quota exceeded", "Resource exhausted"]) {
        Kind::RateLimit
    } else {
        kind_of_status(status)
    }
}

const fn kind_of_status(status: u16) -> Kind {
    match status {
        401 => Kind::Authentication,
        404 => Kind::NotFound,
        408 | 504 => Kind::Timeout,
        413 => Kind::TooLarge,
        429 => Kind::RateLimit,
        400..=499 => Kind::BadRequest,
        500 => Kind::Internal,
        503 => Kind::Unavailable,
        _ => Kind::Connection, // as LiteLLM: whatever stands between did not let the call through
    }
}

/// The object below `error`, whether the body is one or a list of one.
fn words(body: &str) -> ErrorIn<'_> {
    if body.trim_start().starts_with('[') {
        let list: Vec<BodyIn<'_>> = serde_json::from_str(body).unwrap_or_default();
        return list.into_iter().next().unwrap_or_default().error;
    }
    serde_json::from_str::<BodyIn<'_>>(body).unwrap_or_default().error
}

/// `retryDelay` of a `RetryInfo`, in seconds (`"7s"`).
fn delay(details: &str) -> Option<Duration> {
    let Json::Array(list) = serde_json::from_str(details).ok()? else { return None };
    let text = list.iter().find_map(|d| d.get("retryDelay")?.as_str())?.strip_suffix('s')?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(text).ok()
}
