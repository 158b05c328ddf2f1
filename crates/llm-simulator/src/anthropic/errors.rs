//! Anthropic's error bodies.

use crate::dialects::Complaints;
use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::frames;

/// One error as the service words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    kind: &'static str,
    pub(super) message: String,
}

impl ApiError {
    /// A 400 about the request.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, kind: "invalid_request_error", message: message.into() }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { status: 404, kind: "not_found_error", message: message.into() }
    }

    pub(super) fn reply(&self) -> Reply {
        let (kind, message) = (quote(self.kind), quote(&self.message));
        let body = fill(frames::ERROR, &[("type", &kind), ("message", &message)]);
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy".to_owned()),
        ];
        Reply { status: self.status, headers, payload: Payload::Whole(body.into()) }
    }
}

/// How this service complains.
#[derive(Debug)]
pub(super) struct Errors;

impl Complaints for Errors {
    fn fault(&self, fault: Fault, message: Option<&str>, model: &str) -> Reply {
        let usual: (u16, &'static str, String) = match fault {
        Fault::Context => {
            (400, "invalid_request_error", "prompt is too long: 210012 tokens > 200000 maximum".to_owned())
        }
        Fault::Policy => (400, "invalid_request_error", "Output blocked by content filtering policy".to_owned()),
        Fault::Quota => (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or \
             purchase credits."
                .to_owned(),
        ),
        Fault::Status(status) => {
            let (kind, message) = status_words(status, model);
            (status, kind, message)
        }
        _ => (500, "api_error", "Internal server error".to_owned()),
    };
        let (status, kind, text) = usual;
        ApiError { status, kind, message: message.map_or(text, str::to_owned) }.reply()
    }

    fn unauthorized(&self, given: Option<&str>) -> Reply {
        let message = if given.is_some() { "invalid x-api-key" } else { "x-api-key header is required" };
        ApiError { status: 401, kind: "authentication_error", message: message.to_owned() }.reply()
    }

    fn unknown_path(&self, _: &str, _: &str) -> Reply {
        ApiError::not_found("Not found").reply()
    }

    fn unreadable(&self) -> Reply {
        ApiError::invalid("The request body is not valid JSON: unexpected character: line 1 column 1 (char 0)").reply()
    }

    fn bad_script(&self, why: &str) -> Reply {
        ApiError::invalid(format!("simulator: {why}")).reply()
    }

    fn body(&self, message: Option<&str>) -> String {
        fill(frames::ERROR_BODY, &[("message", &quote(message.unwrap_or("Overloaded")))])
    }

    fn event(&self, _: &Call<'_>, message: Option<&str>) -> Frame {
        Frame::new(FrameKind::Frame, fill(frames::ERROR_EVENT, &[("error", &self.body(message))]))
    }
}

fn status_words(status: u16, model: &str) -> (&'static str, String) {
    let (kind, message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource."),
        404 => return ("not_found_error", format!("model: {model}")),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => (
            "rate_limit_error",
            "This request would exceed your organization's rate limit of 50 requests per minute. For details, refer \
             to: https://docs.claude.com/en/api/rate-limits.",
        ),
        500 => ("api_error", "Internal server error"),
        503 | 529 => ("overloaded_error", "Overloaded"),
        504 => ("timeout_error", "Request timed out"),
        400..=499 => ("invalid_request_error", "The request is not valid"),
        _ => ("api_error", "Internal server error"),
    };
    (kind, message.to_owned())
}
