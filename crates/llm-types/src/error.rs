//! What can go wrong, whose fault it is, and what each side is told.
//!
//! [`Kind`] is the one list; [`Kind::facts`] the one table: status, OpenAI `type`, LiteLLM's class name, whether a
//! retry can help. Retry asks the error, not the place that caught it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::Json;

/// The result of anything that can fail towards a client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The request was wrong.
    Client,
    /// We are, or our backends.
    Gateway,
    /// The model host.
    Upstream,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $class:literal, $status:literal, $type:literal, $retry:literal;)*) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The row of the table.
            #[must_use]
            pub const fn facts(self) -> KindFacts {
                match self { $(Self::$name => KindFacts { class: $class, status: $status, openai_type: $type, retryable: $retry },)* }
            }

            /// The kind of LiteLLM's exception class of this name; the first where kinds share a class.
            #[must_use]
            pub fn from_class(class: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|k| k.facts().class == class)
            }
        }
    };
}

/// What the table says of a kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindFacts {
    /// LiteLLM's exception class, as it stands in messages, policies and logs.
    pub class: &'static str,
    /// HTTP status that the client sees, unless the error carries another one.
    pub status: u16,
    /// OpenAI's `error.type`, unless the error carries another one.
    pub openai_type: &'static str,
    /// True when the same request may succeed later or elsewhere.
    pub retryable: bool,
}

kinds! {
    /// The request makes no sense.
    BadRequest: "BadRequestError", 400, "invalid_request_error", false;
    /// A parameter that the provider does not know.
    UnsupportedParams: "UnsupportedParamsError", 400, "invalid_request_error", false;
    /// The prompt is longer than the model can read.
    ContextWindow: "ContextWindowExceededError", 400, "invalid_request_error", false;
    /// The provider's policy forbids the content.
    ContentPolicy: "ContentPolicyViolationError", 400, "invalid_request_error", false;
    /// A picture or file could not be fetched.
    ImageFetch: "ImageFetchError", 400, "invalid_request_error", false;
    /// A guardrail stopped the request or the answer.
    Guardrail: "GuardrailRaisedException", 400, "invalid_request_error", false;
    /// The credential is missing or wrong.
    Authentication: "AuthenticationError", 401, "authentication_error", false;
    /// The credential is good, but not for this.
    PermissionDenied: "PermissionDeniedError", 403, "permission_error", false;
    /// There is no such thing.
    NotFound: "NotFoundError", 404, "invalid_request_error", false;
    /// It took too long.
    Timeout: "Timeout", 408, "timeout_error", true;
    /// The upstream reports a conflict.
    Conflict: "APIError", 409, "invalid_request_error", true;
    /// The body is larger than allowed.
    TooLarge: "BadRequestError", 413, "invalid_request_error", false;
    /// Fields of a form, a body or a query are missing or of another type. The error's `detail` is FastAPI's list of them.
    InvalidFields: "RequestValidationError", 422, "invalid_request_error", false;
    /// Well formed, but not acceptable.
    Unprocessable: "UnprocessableEntityError", 422, "invalid_request_error", false;
    /// The budget is used up.
    BudgetExceeded: "BudgetExceededError", 422, "budget_exceeded", false;
    /// Too much in too short a time.
    RateLimit: "RateLimitError", 429, "rate_limit_error", true;
    /// Every deployment that could serve it is resting.
    NoDeployments: "RouterRateLimitError", 429, "all_deployments_in_cooldown", true;
    /// Broken inside.
    Internal: "InternalServerError", 500, "internal_server_error", true;
    /// The upstream could not be reached, or hung up.
    Connection: "APIConnectionError", 500, "internal_server_error", true;
    /// The upstream answered something that is not an answer.
    InvalidReply: "APIResponseValidationError", 500, "internal_server_error", true;
    /// Any other status of the upstream.
    Api: "APIError", 500, "internal_server_error", true;
    /// A proxy between us and the model host failed.
    BadGateway: "BadGatewayError", 502, "internal_server_error", true;
    /// Not now.
    Unavailable: "ServiceUnavailableError", 503, "internal_server_error", true;
    /// The stream broke after it had begun.
    MidStream: "MidStreamFallbackError", 503, "internal_server_error", true;
}

/// What the upstream said.
#[derive(Debug, Clone, Default)]
pub struct UpstreamDetail {
    /// Its HTTP status; 0 when there was none.
    pub status: u16,
    /// The provider's id.
    pub provider: String,
    /// Its `error.type`.
    pub error_type: Option<String>,
    /// Its `error.code`.
    pub code: Option<String>,
    /// Its body, cut to a bounded size.
    pub body: Bytes,
    /// Its response headers that clients may see (`retry-after`, `x-ratelimit-*`, request ids).
    pub headers: Vec<(String, String)>,
}

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// Whose fault it is.
    pub side: Side,
    /// For people: what went wrong and what to do.
    pub message: String,
    /// The request field that is to blame.
    pub param: Option<String>,
    /// Status that differs from the kind's.
    pub status: Option<u16>,
    /// OpenAI `error.type` that differs from the kind's.
    pub openai_type: Option<String>,
    /// OpenAI `error.code` that differs from the status.
    pub code: Option<String>,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
    /// What the upstream said, if it said anything.
    pub upstream: Option<Box<UpstreamDetail>>,
    /// More for the client: an object, LiteLLM's `provider_specific_fields`; for [`Kind::InvalidFields`] a list.
    pub detail: Option<Box<Json>>,
}

impl Error {
    /// An error of a kind, on the side that the kind suggests.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let side = match kind.facts().status {
            500.. => Side::Gateway,
            _ => Side::Client,
        };
        Self {
            kind,
            side,
            message: message.into(),
            param: None,
            status: None,
            openai_type: None,
            code: None,
            retry_after: None,
            upstream: None,
            detail: None,
        }
    }

    /// The client sent something that makes no sense.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, message)
    }

    /// We broke.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The upstream failed.
    #[must_use]
    pub fn upstream(kind: Kind, message: impl Into<String>, detail: UpstreamDetail) -> Self {
        let mut e = Self::new(kind, message);
        e.side = Side::Upstream;
        e.upstream = Some(Box::new(detail));
        e
    }

    /// Names the request field that is to blame.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Sets another OpenAI `error.type` than the kind's.
    #[must_use]
    pub fn with_type(mut self, openai_type: impl Into<String>) -> Self {
        self.openai_type = Some(openai_type.into());
        self
    }

    /// Sets another status than the kind's.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Says how long to wait.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The status that the client sees: always one of errors. An upstream that answers with 101, 302 or 304 means nobody but the
    /// gateway, and clients would wait for another protocol, go elsewhere, or read no body.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.filter(|status| *status >= 400).unwrap_or_else(|| self.kind.facts().status)
    }

    /// The `error.type` that an OpenAI client sees.
    #[must_use]
    pub fn openai_type(&self) -> &str {
        self.openai_type.as_deref().unwrap_or_else(|| self.kind.facts().openai_type)
    }

    /// True when the same request may succeed later or elsewhere.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        self.kind.facts().retryable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_only_see_statuses_of_errors() {
        let seen = |status| Error::new(Kind::Api, "").with_status(status).status();
        assert_eq!((seen(404), seen(529)), (404, 529));
        assert_eq!([101, 200, 302, 304].map(seen), [Kind::Api.facts().status; 4]);
    }
}
