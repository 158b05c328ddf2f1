//! What a failed call means, by LiteLLM's rules: first what the text says, then the status.

use llm_types::Kind;

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

/// Texts of hosts that gave up waiting for their own, as they are written. They tell more than any status.
const TIMED_OUT: [&str; 4] =
    ["Request Timeout Error", "Request timed out", "Timed out generating response", "The read operation timed out"];

/// True when an upstream says that something behind it took too long.
#[must_use]
pub fn timed_out(text: &str) -> bool {
    TIMED_OUT.iter().any(|p| text.contains(p))
}

/// The kind of an upstream error. `status` is 0 when there was none; `text` is everything the upstream said.
#[must_use]
pub fn kind_of(status: u16, text: &str) -> Kind {
    if timed_out(text) {
        return Kind::Timeout;
    }
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
