//! What an upstream's error means, by LiteLLM's rules: first what the text says, then the status.
//!
//! [`kind_of`] is the mapping; [`decode`] reads a whole reply; [`encode`] writes the body that OpenAI clients expect,
//! `{"error":{"message","type","param","code"}}` with the status as a string in `code`.

mod kind;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};
use llm_types::{Error, Kind, Side, UpstreamDetail};

pub use self::kind::{kind_of, of_status, timed_out};
pub use super::retry_after::retry_after;

use super::object::Obj;
use super::wire::{Text, view};
use crate::codec::http_headers::Headers;
use crate::codec::{ReplyView, StreamErrors};

/// Upstream bodies are kept up to this size, in bytes.
const BODY_LIMIT: usize = 16 * 1024;

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
    // LiteLLM's class for limits has one status: one host answers 413 where too many tokens are asked for in a minute
    let by_text = kind == Kind::Timeout && timed_out(text);
    if (400..600).contains(&status) && status != error.status() && kind != Kind::RateLimit && !by_text {
        error.status = Some(status);
    }
    let wire_type = type_of_status(error.status());
    if error.openai_type() != wire_type {
        error.openai_type = Some(wire_type.to_owned());
    }
    error
}

/// Providers that LiteLLM reaches through OpenAI's own client library pass `invalid_request_error` on as the type,
/// whatever the status; other providers' errors take the type of the status. For what a key may not do it is so in
/// conversations (`chat`) only, and not in OpenAI's own words for a wrong key. Of requests that make no sense any type is
/// passed on. For the provider tables to apply.
pub fn keep_invalid_request(error: &mut Error, chat: bool) {
    let said = error.upstream.as_ref().and_then(|u| u.error_type.as_deref());
    let status = error.status();
    if let Some(said) = said.filter(|_| error.kind == Kind::BadRequest && matches!(status, 400 | 422)) {
        error.openai_type = Some(said.to_owned());
        return;
    }
    let by_status = matches!(status, 401 | 403) && (!chat || error.message.contains("Incorrect API key provided"));
    if said == Some("invalid_request_error") && status != 429 && !by_status {
        error.openai_type = Some("invalid_request_error".to_owned());
    }
}

/// ... and they tell which parameter is to blame.
pub fn keep_param(error: &mut Error) {
    if error.kind != Kind::BadRequest || error.param.is_some() {
        return;
    }
    let body = error.upstream.as_ref().and_then(|u| serde_json::from_slice::<ErrorBody<'_>>(&u.body).ok());
    error.param = body.and_then(|b| b.error.param.filled().map(str::to_owned));
}

/// Where an upstream's text tells of a timeout, the error is one, whatever the status and the language.
pub fn hear_timeout(error: &mut Error) {
    let body = error.upstream.as_ref().map(|said| String::from_utf8_lossy(&said.body));
    let Some(body) = body.filter(|body| error.kind != Kind::Timeout && timed_out(body)) else { return };
    let message = format!("litellm.Timeout: APITimeoutError - Request timed out. Error_str: {body}");
    error.message = message;
    error.kind = Kind::Timeout;
    error.status = None;
    error.openai_type = Some(type_of_status(error.status()).to_owned());
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
    param = "param": Text<'a>,
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

/// An error of an upstream that has no status: inside of a stream, or in place of an answer.
pub(crate) fn failed(kind: Kind, provider: &str, text: &str) -> Error {
    upstream_error(kind, text, UpstreamDetail { provider: provider.to_owned(), ..UpstreamDetail::default() })
}

/// The upstream ended a choice with `finish_reason: "error"`: it gave up, and does not say why.
#[must_use]
pub fn gave_up(provider: &str) -> Error {
    failed(Kind::Internal, provider, "the provider ended its answer with finish_reason 'error'")
}

/// The upstream closed a stream that says itself when it is over.
pub(crate) fn cut_off(provider: &str) -> Error {
    failed(Kind::MidStream, provider, "the stream ended before the answer was complete")
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
    let ours = error.side != Side::Upstream;
    match error.openai_type.as_deref() {
        _ if error.kind == Kind::UnsupportedParams => "None", // Python's name for nothing
        _ if error.kind == Kind::Api && !ours => {
            let said = error.upstream.as_ref().filter(|u| u.status != 529);
            said.and_then(|u| u.error_type.as_deref()).unwrap_or_default()
        }
        Some("invalid_request_error") if ours || matches!(error.status(), 400 | 500..) => "invalid_request_error",
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
    if let Some(detail) = &error.detail {
        obj.text("provider_specific_fields", &detail.to_string());
    }
}
