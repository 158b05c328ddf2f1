//! What an upstream's error means, by LiteLLM's rules: first what the text says, then the status.
//!
//! [`kind_of`] is the mapping; [`decode`] reads a whole reply; [`encode`] writes the body that OpenAI clients expect,
//! `{"error":{"message","type","param","code"}}` with the status as a string in `code`.

use bytes::{Bytes, BytesMut};
use llm_types::{Error, Kind, Side, UpstreamDetail};

pub use super::retry_after::retry_after;

use super::object::Obj;
use super::wire::{Text, view};
use crate::codec::http_headers::Headers;
use crate::codec::{ReplyView, StreamErrors};

/// Upstream bodies are kept up to this size, in bytes.
const BODY_LIMIT: usize = 16 * 1024;

const CONTEXT_PHRASES: [&str; 9] = [
    "exceed context limit",
    "this model's maximum context length is",
    "string too long. expected a string with maximum length",
    "model's maximum context limit",
    "is longer than the model's context length",
    "input tokens exceed the configured limit",
    "`inputs` tokens + `max_new_tokens` must be",
    "exceeds the available context size",
    "exceeds the maximum number of tokens allowed",
];

const POLICY_PHRASES: [&str; 5] = [
    "content_policy_violation",
    "violating our usage policy",
    "rejected as a result of our safety system",
    "invalid_content_policy",
    "responsibleaipolicyviolation",
];

/// The kind of an upstream error. `status` is 0 when there was none; `text` is everything the upstream said.
#[must_use]
pub fn kind_of(status: u16, text: &str) -> Kind {
    let text = text.to_lowercase();
    let says = |phrase: &str| text.contains(phrase);
    let context = CONTEXT_PHRASES.iter().any(|p| says(p))
        || (says("current length is") && says("while limit is"))
        || (says("maximum input length is") && says("tokens"));
    if is_rate_limit(status, &text) {
        Kind::RateLimit
    } else if context && !says("string_above_max_length") && !says("invalid 'user'") {
        Kind::ContextWindow
    } else if says("invalid_request_error") && says("model_not_found") {
        Kind::NotFound
    } else if says("a timeout occurred") {
        Kind::Timeout
    } else if POLICY_PHRASES.iter().any(|p| says(p)) {
        Kind::ContentPolicy
    } else if status == 0 && says("the server had an error") {
        Kind::Internal
    } else if says("request too large") && status != 413 {
        Kind::RateLimit
    } else if says("api_key client option must be set") {
        Kind::Authentication
    } else {
        of_status(status)
    }
}

fn is_rate_limit(status: u16, text: &str) -> bool {
    let alone = |digits: &str| {
        let digit = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        text.match_indices(digits).any(|(at, d)| {
            let before = at.checked_sub(1).and_then(|i| text.as_bytes().get(i).copied());
            !digit(before) && !digit(text.as_bytes().get(at + d.len()).copied())
        })
    };
    status == 429
        || (status == 0 && alone("429"))
        || ["rate limit", "rate_limit", "ratelimit"].iter().any(|p| text.contains(p)) && !(401..=404).contains(&status)
        || text.contains("service tier capacity exceeded")
}

/// The kind that a status alone means.
#[must_use]
pub const fn of_status(status: u16) -> Kind {
    match status {
        0 => Kind::Connection,
        400 | 422 => Kind::BadRequest,
        401 => Kind::Authentication,
        403 => Kind::PermissionDenied,
        404 => Kind::NotFound,
        408 | 504 => Kind::Timeout,
        409 => Kind::Conflict,
        413 => Kind::TooLarge,
        429 => Kind::RateLimit,
        500 => Kind::Internal,
        502 => Kind::BadGateway,
        503 => Kind::Unavailable,
        _ => Kind::Api,
    }
}

/// `error.type` that LiteLLM's clients see for a status of the upstream.
#[must_use]
pub const fn type_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "throttling_error",
        400..500 => "invalid_request_error",
        _ => "internal_server_error",
    }
}

/// Makes the error of an upstream that answered `status` and said `text`: kind, message with LiteLLM's prefix, the
/// status that the client sees (the upstream's own, where it is one of an error) and the `type` that goes with it.
#[must_use]
pub fn upstream_error(kind: Kind, text: &str, detail: UpstreamDetail) -> Error {
    let status = detail.status;
    let mut error = Error::upstream(kind, message(kind, &detail.provider, text), detail);
    if (400..600).contains(&status) && status != error.status() {
        error.status = Some(status);
    }
    let wire_type = type_of_status(error.status());
    if error.openai_type() != wire_type {
        error.openai_type = Some(wire_type.to_owned());
    }
    error
}

/// Providers that LiteLLM reaches through OpenAI's own client library pass `invalid_request_error` on as the type,
/// whatever the status; other providers' errors take the type of the status. For the provider tables to apply.
pub fn keep_invalid_request(error: &mut Error) {
    let said = error.upstream.as_ref().and_then(|u| u.error_type.as_deref());
    if said == Some("invalid_request_error") && !matches!(error.status(), 401 | 429) {
        error.openai_type = Some("invalid_request_error".to_owned());
    }
}

/// LiteLLM's wording: `litellm.<Class>: <Class>: <Provider>Exception - <text>`; client errors say the class once.
fn message(kind: Kind, provider: &str, text: &str) -> String {
    let class = kind.facts().class;
    let name = provider_name(provider);
    match kind {
        Kind::BadRequest | Kind::TooLarge | Kind::NotFound | Kind::Timeout => {
            format!("litellm.{class}: {name}Exception - {text}")
        }
        Kind::ContextWindow => format!("litellm.{class}: litellm.BadRequestError: {class}: {name}Exception - {text}"),
        Kind::ContentPolicy => format!("litellm.BadRequestError: litellm.{class}: {class}: {name}Exception - {text}"),
        _ => format!("litellm.{class}: {class}: {name}Exception - {text}"),
    }
}

/// The provider's id as it stands in messages: first letter large, and OpenAI as it writes itself.
#[must_use]
pub fn provider_name(id: &str) -> String {
    if matches!(id, "openai" | "") {
        return "OpenAI".to_owned();
    }
    let mut letters = id.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

view!(lenient ErrorBody {
    error = "error": ErrorView<'a>,
    message = "message": Text<'a>,
    detail = "detail": Text<'a>,
});

view!(lenient ErrorView {
    message = "message": Text<'a>,
    kind = "type": Text<'a>,
    code = "code": Text<'a>,
});

/// Reads an error reply in OpenAI's shape; bodies of any other shape become the message as they are.
#[must_use]
pub fn decode(reply: &ReplyView<'_>) -> Error {
    let text = String::from_utf8_lossy(reply.body);
    let body: ErrorBody<'_> = serde_json::from_slice(reply.body).unwrap_or_default();
    let bare = bare_error(reply.body);
    let said = [&body.error.message, &body.message, &body.detail].into_iter().find_map(Text::filled);
    let fallback = format!("Error code: {}", reply.status);
    let said = said.or(bare.as_deref()).unwrap_or(if text.trim().is_empty() { &fallback } else { &text });
    let mut error = upstream_error(kind_of(reply.status, &text), said, detail(reply, &body.error));
    error.retry_after = retry_after(reply.headers);
    error
}

/// Ollama and others write `{"error": "text"}`.
fn bare_error(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Bare {
        error: String,
    }
    serde_json::from_slice::<Bare>(body).ok().map(|b| b.error)
}

fn detail(reply: &ReplyView<'_>, said: &ErrorView<'_>) -> UpstreamDetail {
    UpstreamDetail {
        status: reply.status,
        provider: reply.provider.to_owned(),
        error_type: said.kind.filled().map(str::to_owned),
        code: said.code.filled().map(str::to_owned),
        body: Bytes::copy_from_slice(reply.body.get(..BODY_LIMIT).unwrap_or(reply.body)),
        headers: visible_headers(reply.headers),
    }
}

/// The headers of a failed reply that clients may see.
#[must_use]
pub fn visible_headers(headers: &Headers<'_>) -> Vec<(String, String)> {
    let visible = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["retry-after", "x-ratelimit-", "anthropic-ratelimit-"].iter().any(|p| name.starts_with(p))
            || ["x-request-id", "request-id", "x-should-retry", "apim-request-id", "x-amzn-requestid"]
                .contains(&name.as_str())
    };
    headers.iter().filter(|(n, _)| visible(n)).map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

/// Reads the object below `error` that a stream carried after its 200, in `provider`'s name. What the text says counts
/// first, then the code, as `how` tells.
#[must_use]
pub fn decode_in_stream(raw: &str, provider: &str, how: StreamErrors) -> Error {
    let said: ErrorView<'_> = serde_json::from_str(raw).unwrap_or_default();
    let bare = llm_types::json::raw_str(raw);
    let code = said.code.filled().and_then(|c| c.parse::<u16>().ok()).filter(|c| (400..600).contains(c));
    let text = said.message.filled().or(bare.as_deref()).unwrap_or(raw);
    let kind = match (kind_of(0, raw), how, code) {
        (Kind::Connection | Kind::Internal, StreamErrors::Connection, _) => Kind::Connection,
        (Kind::Connection | Kind::Internal, StreamErrors::Api, _) => Kind::Api,
        (Kind::Connection, _, Some(code)) => of_status(code),
        (Kind::Connection, _, None) => Kind::Internal,
        (kind, ..) => kind,
    };
    let detail = UpstreamDetail {
        status: code.filter(|_| how != StreamErrors::Connection).unwrap_or(0),
        provider: provider.to_owned(),
        error_type: said.kind.filled().map(str::to_owned),
        code: said.code.filled().map(str::to_owned),
        body: Bytes::copy_from_slice(raw.as_bytes().get(..BODY_LIMIT).unwrap_or(raw.as_bytes())),
        headers: Vec::new(),
    };
    let mut error = upstream_error(kind, text, detail);
    if how != StreamErrors::ByCode && matches!(kind, Kind::Connection | Kind::Api) {
        error.openai_type = Some(String::new());
    }
    error
}

/// The upstream's reply is not an answer: the error names what is wrong with it.
pub(crate) fn invalid_reply(reply: &ReplyView<'_>, what: &str) -> Error {
    let text = format!("Unable to read the provider's response: {what}");
    let detail = UpstreamDetail { status: 0, ..detail(reply, &ErrorView::default()) };
    upstream_error(Kind::InvalidReply, &text, detail)
}

/// The upstream answered with a success that says it did not succeed: a job that failed, an error inside a 200.
pub(crate) fn refused(reply: &ReplyView<'_>, said: &str) -> Error {
    let kind = match kind_of(0, said) {
        Kind::Connection => Kind::Api,
        kind => kind,
    };
    upstream_error(kind, said, UpstreamDetail { status: 0, ..detail(reply, &ErrorView::default()) })
}

/// Writes an error body. The `code` is the status, as a string, unless the error carries another one.
pub fn encode(error: &Error, out: &mut BytesMut) {
    encode_as(error, error.openai_type(), out);
}

/// The `type` that clients of LiteLLM's older routes (text completions) see: what the exception itself carries, and
/// most carry none.
#[must_use]
pub fn carried_type(error: &Error) -> &str {
    let ours = error.side != Side::Upstream && error.kind != Kind::UnsupportedParams;
    match error.openai_type.as_deref() {
        Some("invalid_request_error") => "invalid_request_error",
        own if ours => own.unwrap_or(error.kind.facts().openai_type),
        _ if error.status() == 429 => "throttling_error",
        _ if error.status() == 500 && error.openai_type.as_deref() != Some("") => "internal_server_error",
        _ => "",
    }
}

/// Writes an error body of this `type`; an empty one is null.
pub(crate) fn encode_as(error: &Error, kind: &str, out: &mut BytesMut) {
    let mut body = Obj::open(out);
    let mut obj = body.obj("error");
    obj.str("message", &error.message);
    match kind {
        "" => obj.text("type", "null"),
        text => obj.str("type", text),
    }
    match &error.param {
        Some(param) => obj.str("param", param),
        None => obj.text("param", "null"),
    }
    match &error.code {
        Some(code) => obj.str("code", code),
        None => obj.str("code", &error.status().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn text_outranks_status() {
        for (status, text, kind) in [
            (400, "This model's maximum context length is 8192 tokens", Kind::ContextWindow),
            (400, "code content_policy_violation", Kind::ContentPolicy),
            (400, "Rate limit reached", Kind::RateLimit),
            (0, "status 429 returned", Kind::RateLimit),
            (400, "max is 4290 tokens", Kind::BadRequest),
            (404, r#"{"type":"invalid_request_error","code":"model_not_found"}"#, Kind::NotFound),
            (403, "no access", Kind::PermissionDenied),
            (504, "", Kind::Timeout),
            (529, "Overloaded", Kind::Api),
            (0, "refused", Kind::Connection),
        ] {
            assert_eq!(kind_of(status, text), kind, "{status} {text}");
        }
    }

    #[test]
    fn replies_keep_what_the_upstream_said() {
        let headers = [("retry-after", "7"), ("x-ratelimit-remaining-requests", "0"), ("set-cookie", "x")];
        let body =
            br#"{"error":{"message":"Slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}"#;
        let e = decode(&ReplyView { status: 429, provider: "acme", headers: &headers, body });
        assert_eq!(e.kind, Kind::RateLimit);
        assert_eq!(e.message, "litellm.RateLimitError: RateLimitError: AcmeException - Slow down");
        assert_eq!(e.retry_after, Some(Duration::from_secs(7)));
        let detail = e.upstream.clone().unwrap();
        assert_eq!(detail.code.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!(detail.headers.len(), 2);
        let mut out = BytesMut::new();
        encode(&e, &mut out);
        let text = std::str::from_utf8(&out).unwrap();
        assert!(text.ends_with(r#""type":"throttling_error","param":null,"code":"429"}}"#), "{text}");
    }

    #[test]
    fn the_type_can_be_kept() {
        let body = br#"{"error":{"message":"Bad gateway","type":"invalid_request_error"}}"#;
        let mut e = decode(&ReplyView { status: 502, provider: "openai", headers: &[], body });
        assert_eq!(e.openai_type(), "internal_server_error");
        keep_invalid_request(&mut e);
        assert_eq!((e.openai_type(), e.status()), ("invalid_request_error", 502));
        assert_eq!(carried_type(&e), "invalid_request_error");
    }

    #[test]
    fn errors_inside_streams_depend_on_how_the_provider_is_reached() {
        let read = |raw, how| {
            let e = decode_in_stream(raw, "openai", how);
            (e.kind, e.status(), e.openai_type().to_owned())
        };
        let busy = r#"{"message":"Broken","type":"server_error","code":503}"#;
        assert_eq!(read(busy, StreamErrors::ByCode), (Kind::Unavailable, 503, "internal_server_error".to_owned()));
        assert_eq!(read(busy, StreamErrors::Connection), (Kind::Connection, 500, String::new()));
        assert_eq!(read(busy, StreamErrors::Api), (Kind::Api, 503, String::new()));
        let slow = r#"{"message":"Rate limit reached","code":429}"#;
        assert_eq!(read(slow, StreamErrors::Connection), (Kind::RateLimit, 429, "throttling_error".to_owned()));
    }

    #[test]
    fn older_routes_tell_what_the_exception_carries() {
        let read = |status| decode(&ReplyView { status, provider: "x", headers: &[], body: b"no" });
        for (status, kind) in
            [(401, ""), (404, ""), (429, "throttling_error"), (500, "internal_server_error"), (503, "")]
        {
            assert_eq!(carried_type(&read(status)), kind, "{status}");
        }
        assert_eq!(carried_type(&Error::bad_request("ours")), "invalid_request_error");
        assert_eq!(carried_type(&Error::new(Kind::UnsupportedParams, "x")), "");
    }

    #[test]
    fn any_body_is_an_error() {
        let read = |status, body: &'static [u8]| decode(&ReplyView { status, provider: "openai", headers: &[], body });
        assert!(read(502, b"<html>").message.ends_with("OpenAIException - <html>"));
        assert!(read(500, b"").message.ends_with("OpenAIException - Error code: 500"));
        assert!(read(400, br#"{"error":"no such thing"}"#).message.ends_with(" - no such thing"));
        assert_eq!(read(529, b"x").status(), 529);
        assert_eq!(read(200, b"x").status(), 500);
    }
}
