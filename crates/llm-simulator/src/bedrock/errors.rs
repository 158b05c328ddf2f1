//! Bedrock's error bodies: a message, and the kind of exception in a header.

use crate::dialects::Complaints;
use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::{eventstream, frames};

const THROTTLED: &str = "Too many requests, please wait before trying again.";

/// One error as the service words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    kind: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// A 400 about the request.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    pub(super) fn reply(&self) -> Reply {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-amzn-requestid", "5d1d5ef2-2fd1-4b1c-a5de-0c5d6a8e7f10".to_owned()),
            ("x-amzn-errortype", self.kind.to_owned()),
        ];
        Reply { status: self.status, headers, payload: Payload::Whole(body(Some(&self.message)).into()) }
    }
}

/// How this service complains.
#[derive(Debug)]
pub(super) struct Errors;

impl Complaints for Errors {
    fn fault(&self, fault: Fault, message: Option<&str>, model: &str) -> Reply {
        let mut problem = match fault {
            Fault::Context => ApiError::invalid("Input is too long for requested model."),
            Fault::Policy => {
                ApiError::invalid("The model returned the following errors: Output blocked by content filtering policy")
            }
            Fault::Quota => ApiError::new(
                429,
                "ServiceQuotaExceededException",
                "Your request exceeds the service quota for your account.",
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
        let (kind, message) = if given.is_some() {
            ("UnrecognizedClientException", "The security token included in the request is invalid.")
        } else {
            ("MissingAuthenticationTokenException", "Missing Authentication Token")
        };
        ApiError::new(403, kind, message).reply()
    }

    fn unknown_path(&self, _: &str, _: &str) -> Reply {
        ApiError::new(404, "UnknownOperationException", "Unable to determine service/operation name to be authorized")
            .reply()
    }

    fn unreadable(&self) -> Reply {
        ApiError::new(400, "SerializationException", "Unexpected end-of-input within the request body").reply()
    }

    fn bad_script(&self, why: &str) -> Reply {
        ApiError::invalid(format!("simulator: {why}")).reply()
    }

    fn body(&self, message: Option<&str>) -> String {
        body(message)
    }

    fn event(&self, _: &Call<'_>, message: Option<&str>) -> Frame {
        let bytes = eventstream::exception("throttlingException", &body(message));
        Frame::framed(Framing::Messages, FrameKind::Frame, bytes)
    }
}

fn of_status(status: u16, model: &str) -> ApiError {
    let (kind, message) = match status {
        401 => ("UnrecognizedClientException", "The security token included in the request is invalid."),
        403 => ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
        404 => {
            let text = format!("Could not resolve the foundation model from the model identifier: {model}");
            return ApiError::new(404, "ResourceNotFoundException", text);
        }
        408 => ("ModelTimeoutException", "The model took too long to process the request."),
        424 => ("ModelErrorException", "The model returned an error while processing the request."),
        429 => ("ThrottlingException", THROTTLED),
        503 => ("ServiceUnavailableException", "Bedrock is unable to process your request."),
        504 => ("ModelErrorException", "Gateway timeout"),
        400..=499 => ("ValidationException", "The provided request is not valid"),
        _ => (
            "InternalServerException",
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
    };
    ApiError::new(status, kind, message)
}

/// The error without HTTP's status.
fn body(message: Option<&str>) -> String {
    fill(frames::ERROR, &[("message", &quote(message.unwrap_or(THROTTLED)))])
}
