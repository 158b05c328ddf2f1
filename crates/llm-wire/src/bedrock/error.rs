//! Errors: a body `{"message"}` whose kind stands in the header `x-amzn-errortype`, or an exception inside of a stream.

use bytes::Bytes;
use llm_types::{Error, Kind, UpstreamDetail};
use serde::Deserialize;
use std::borrow::Cow;

use crate::codec::ReplyView;
use crate::codec::http_headers::get;
use crate::openai::errors::{of_status, provider_name, retry_after, type_of_status, visible_headers};
use crate::sse::Frame;

/// How much of an upstream's error body is kept.
const BODY_LIMIT: usize = 16 * 1024;

/// Texts that tell more than the status, as they are written, in this order.
const TEXTS: [(&str, Kind); 18] = [
    ("too many tokens", Kind::ContextWindow),
    ("expected maxLength:", Kind::ContextWindow),
    ("Input is too long", Kind::ContextWindow),
    ("prompt is too long", Kind::ContextWindow),
    ("prompt: length: 1", Kind::ContextWindow),
    ("Too many input tokens", Kind::ContextWindow),
    ("`inputs` tokens + `max_new_tokens` must be", Kind::ContextWindow),
    ("Malformed input request", Kind::BadRequest),
    ("A conversation must start with a user message", Kind::BadRequest),
    ("Conversation blocks and tool result blocks cannot be provided in the same turn", Kind::BadRequest),
    ("Unable to locate credentials", Kind::Authentication),
    ("The security token included in the request is invalid", Kind::Authentication),
    ("AccessDeniedException", Kind::PermissionDenied),
    ("throttlingException", Kind::RateLimit),
    ("ThrottlingException", Kind::RateLimit),
    ("Connect timeout on endpoint URL", Kind::Timeout),
    ("timed out", Kind::Timeout),
    ("Could not process image", Kind::Internal),
];

/// Statuses of exceptions, without their ending, in lower case.
const EXCEPTIONS: [(&str, u16); 11] = [
    ("throttling", 429),
    ("servicequotaexceeded", 429),
    ("validation", 400),
    ("accessdenied", 403),
    ("resourcenotfound", 404),
    ("modeltimeout", 408),
    ("modelstreamerror", 424),
    ("modelerror", 424),
    ("internalserver", 500),
    ("internaldependency", 530),
    ("serviceunavailable", 503),
];

/// Reads an error reply.
#[must_use]
pub fn decode(reply: &ReplyView<'_>) -> Error {
    let kept = reply.body.get(..BODY_LIMIT).unwrap_or(reply.body);
    let text = String::from_utf8_lossy(kept);
    let said = get(reply.headers, "x-amzn-errortype").map(|t| t.split(':').next().unwrap_or(t).to_owned());
    let mut error = made(reply.status, &text, said, reply.provider, kept);
    if let Some(detail) = error.upstream.as_mut() {
        detail.headers = visible_headers(reply.headers);
    }
    error.retry_after = retry_after(reply.headers);
    error
}

/// The error that a frame of an event stream tells, if it tells one.
pub(crate) fn in_stream(frame: &Frame<'_>, provider: &str) -> Option<Error> {
    let (_, name) = frame.event.as_deref()?.split_once('/').filter(|(k, _)| matches!(*k, "exception" | "error"))?;
    let known = name.to_ascii_lowercase();
    let known = known.trim_end_matches("exception");
    let status = EXCEPTIONS.iter().find(|(n, _)| *n == known).map_or(500, |(_, status)| *status);
    let text = format!("{name} {}", String::from_utf8_lossy(&frame.data));
    Some(made(status, &text, Some(name.to_owned()), provider, text.as_bytes()))
}

fn made(status: u16, text: &str, said: Option<String>, provider: &str, body: &[u8]) -> Error {
    let by_text = TEXTS.iter().find(|(words, _)| text.contains(words)).map(|(_, kind)| *kind);
    let kind = by_text.unwrap_or(match status {
        500 => Kind::Unavailable,
        status => of_status(status),
    });
    let class = kind.facts().class;
    let name = provider_name(provider);
    let message = match (kind, by_text) {
        (Kind::ContextWindow, _) => {
            format!("litellm.{class}: litellm.BadRequestError: {name}Exception: Context Window Error - {text}")
        }
        (Kind::RateLimit, Some(_)) => format!("litellm.{class}: {name}Exception: Rate Limit Error - {text}"),
        _ => format!("litellm.{class}: {name}Exception - {text}"),
    };
    let detail = UpstreamDetail {
        status,
        provider: provider.to_owned(),
        error_type: said,
        code: code(text),
        body: Bytes::copy_from_slice(body),
        headers: Vec::new(),
    };
    let mut error = Error::upstream(kind, message, detail);
    if by_text.is_none() && kind != Kind::Unavailable && (400..600).contains(&status) && status != error.status() {
        error.status = Some(status);
    }
    let wire_type = type_of_status(error.status());
    if error.openai_type() != wire_type {
        error.openai_type = Some(wire_type.to_owned());
    }
    error
}

fn code(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        code: Option<Cow<'a, str>>,
    }
    serde_json::from_str::<Body<'_>>(text).ok()?.code.map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Error {
        decode(&ReplyView { status, provider: "acme", headers: &[], body: body.as_bytes() })
    }

    #[test]
    fn text_comes_before_status() {
        for (status, body, kind, told) in [
            (400, r#"{"message":"prompt is too long"}"#, Kind::ContextWindow, 400),
            (400, r#"{"message":"no"}"#, Kind::BadRequest, 400),
            (403, r#"{"message":"no"}"#, Kind::PermissionDenied, 403),
            (408, r#"{"message":"Request timed out"}"#, Kind::Timeout, 408),
            (413, r#"{"message":"large"}"#, Kind::TooLarge, 413),
            (424, r#"{"message":"model"}"#, Kind::Api, 424),
            (500, "", Kind::Unavailable, 503),
            (504, "", Kind::Timeout, 504),
            (529, "", Kind::Api, 529),
            (429, r#"{"message":"Too many tokens, please wait"}"#, Kind::RateLimit, 429),
        ] {
            let e = read(status, body);
            assert_eq!((e.kind, e.status()), (kind, told), "{status} {body}");
        }
        assert_eq!(read(429, "{}").openai_type(), "throttling_error");
    }

    #[test]
    fn exceptions_of_streams_have_the_status_of_their_kind() {
        let frame = |event: &'static str| Frame {
            event: Some(Cow::Borrowed(event)),
            data: Cow::Borrowed(br#"{"message":"Too many tokens, please wait"}"#),
            id: None,
        };
        let e = in_stream(&frame("exception/throttlingException"), "acme").unwrap();
        assert_eq!((e.kind, e.status()), (Kind::RateLimit, 429));
        assert!(
            e.message.starts_with("litellm.RateLimitError: AcmeException: Rate Limit Error - throttlingException {")
        );
        assert_eq!(in_stream(&frame("exception/validationException"), "acme").unwrap().kind, Kind::BadRequest);
        assert_eq!(in_stream(&frame("exception/internalServerException"), "acme").unwrap().kind, Kind::Unavailable);
        assert_eq!(in_stream(&frame("exception/modelStreamErrorException"), "acme").unwrap().status(), 424);
        assert_eq!(in_stream(&frame("error/Whatever"), "acme").unwrap().kind, Kind::Unavailable);
        assert!(in_stream(&frame("contentBlockDelta"), "acme").is_none());
    }
}
