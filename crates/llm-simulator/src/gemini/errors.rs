//! Gemini's error bodies.

use crate::dialects::Complaints;
use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::{as_events, frames};

const OVERLOADED: &str = "The model is overloaded. Please try again later.";

/// One error as the service words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    code: u16,
    status: &'static str,
    message: String,
    details: String,
}

impl ApiError {
    fn new(code: u16, status: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), details: String::new() }
    }

    /// A 400 about the request.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// A 400 about a field the service does not know.
    pub(super) fn unknown_field(name: &str, within: Option<&str>) -> Self {
        let place = within.map_or_else(String::new, |place| format!(" at '{place}'"));
        let description = format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field.");
        let details = fill(frames::VIOLATION, &[("description", &quote(&description))]);
        Self { details, ..Self::invalid(description) }
    }

    pub(super) fn reply(&self) -> Reply {
        let (code, message, status) = (self.code.to_string(), quote(&self.message), quote(self.status));
        let values = [("code", code.as_str()), ("message", &message), ("status", &status), ("details", &self.details)];
        let headers = vec![("content-type", "application/json; charset=UTF-8".to_owned())];
        Reply { status: self.code, headers, payload: Payload::Whole(fill(frames::ERROR, &values).into()) }
    }
}

/// How this service complains.
#[derive(Debug)]
pub(super) struct Errors;

impl Complaints for Errors {
    fn fault(&self, fault: Fault, message: Option<&str>, model: &str) -> Reply {
        let mut problem = match fault {
            Fault::Context => ApiError::invalid(
                "The input token count (1200012) exceeds the maximum number of tokens allowed (1048576).",
            ),
            Fault::Policy => ApiError::invalid(
                "The prompt could not be submitted. The prompt contains sensitive words that violate Google's Responsible \
             AI practices.",
            ),
            Fault::Quota => ApiError::new(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details. For more information on this \
             error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
            ),
            Fault::Status(status) => of_status(status, model),
            _ => of_status(500, model),
        };
        if let Some(message) = message {
            message.clone_into(&mut problem.message);
        }
        problem.reply()
    }

    fn unauthorized(&self, given: Option<&str>) -> Reply {
        if given.is_some() {
            let problem = ApiError::invalid("API key not valid. Please pass a valid API key.");
            return ApiError { details: frames::BAD_KEY.to_owned(), ..problem }.reply();
        }
        ApiError::new(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other \
         form of API consumer identity to call this API.",
    )
    .reply()
    }

    fn unknown_path(&self, _: &str, _: &str) -> Reply {
        ApiError::new(404, "NOT_FOUND", "Requested entity was not found.").reply()
    }

    fn unreadable(&self) -> Reply {
        ApiError::invalid("Invalid JSON payload received. Expected an object key or }.\n{\n^").reply()
    }

    fn bad_script(&self, why: &str) -> Reply {
        ApiError::invalid(format!("simulator: {why}")).reply()
    }

    fn body(&self, message: Option<&str>) -> String {
        body(message)
    }

    fn event(&self, call: &Call<'_>, message: Option<&str>) -> Frame {
        if as_events(call) {
            return Frame::new(FrameKind::Frame, format!("data: {}\n\n", body(message)));
        }
        Frame::framed(Framing::Array, FrameKind::Frame, format!(",\r\n{}\n]", body(message)))
    }
}

fn of_status(status: u16, model: &str) -> ApiError {
    match status {
        400 => ApiError::invalid("Request contains an invalid argument."),
        401 => ApiError::new(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
             authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        ),
        403 => ApiError::new(403, "PERMISSION_DENIED", "The caller does not have permission"),
        404 => ApiError::new(
            404,
            "NOT_FOUND",
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call \
                 ListModels to see the list of available models and their supported methods."
            ),
        ),
        429 => ApiError {
            details: frames::RETRY.to_owned(),
            ..ApiError::new(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")
        },
        499 => ApiError::new(499, "CANCELLED", "The operation was cancelled."),
        500 => ApiError::new(
            500,
            "INTERNAL",
            "An internal error has occurred. Please retry or report in \
             https://developers.generativeai.google/guide/troubleshooting",
        ),
        503 => ApiError::new(503, "UNAVAILABLE", OVERLOADED),
        408 | 504 => ApiError::new(status, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
        _ => ApiError::new(status, "UNKNOWN", format!("The request failed with status {status}.")),
    }
}

/// The error without HTTP's status.
fn body(message: Option<&str>) -> String {
    let message = quote(message.unwrap_or(OVERLOADED));
    fill(frames::ERROR_EVENT, &[("code", "503"), ("message", &message), ("status", "\"UNAVAILABLE\"")])
}
