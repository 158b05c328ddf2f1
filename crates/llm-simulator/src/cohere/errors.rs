//! Cohere's error bodies.

use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::template::{fill, quote};

use super::{frames, stream};

const FAILED: &str = "Unexpected server error, please try again later";

/// One error as the service words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    message: String,
}

impl ApiError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A 400 about the request.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(super) fn reply(&self) -> Reply {
        let headers = vec![("content-type", "application/json".to_owned())];
        Reply { status: self.status, headers, payload: Payload::Whole(body(Some(&self.message)).into()) }
    }
}

/// The status faults.
pub(crate) fn fault(fault: Fault, message: Option<&str>, model: &str) -> Reply {
    let (status, usual) = match fault {
        Fault::Context => (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 140012. Try using a \
             shorter prompt."
                .to_owned(),
        ),
        Fault::Policy => (400, "invalid request: the prompt was blocked by the safety mode".to_owned()),
        Fault::Quota => (
            429,
            "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial \
             key for free or upgrade to a Production key with higher rate limits at 'https://dashboard.cohere.com/api-keys'."
                .to_owned(),
        ),
        Fault::Status(status) => (status, of_status(status, model)),
        _ => (500, FAILED.to_owned()),
    };
    ApiError::new(status, message.map_or(usual, str::to_owned)).reply()
}

fn of_status(status: u16, model: &str) -> String {
    let text = match status {
        401 => "invalid api token",
        404 => {
            return format!(
                "model '{model}' not found, make sure the correct model ID was used and that you have access to the model."
            );
        }
        429 => "Please wait and try again later",
        500..=599 => FAILED,
        _ => return format!("the request failed with status {status}"),
    };
    text.to_owned()
}

/// The complaint about a missing or wrong key.
pub(crate) fn unauthorized(given: bool) -> Reply {
    ApiError::new(401, if given { "invalid api token" } else { "no api key supplied" }).reply()
}

/// 404 for a path the service does not have.
pub(crate) fn unknown_path() -> Reply {
    ApiError::new(404, "404 page not found").reply()
}

/// 400 for a body that is not JSON.
pub(crate) fn unreadable() -> Reply {
    ApiError::invalid("failed to parse request: unexpected end of JSON input").reply()
}

/// 400 of the simulator itself: the script cannot be read.
pub(crate) fn bad_script(why: &str) -> Reply {
    ApiError::invalid(format!("simulator: {why}")).reply()
}

/// The error without HTTP's status.
pub(crate) fn body(message: Option<&str>) -> String {
    fill(frames::ERROR, &[("message", &quote(message.unwrap_or(FAILED)))])
}

/// The end of a stream that failed.
pub(crate) fn event(message: Option<&str>) -> Frame {
    let delta = fill(frames::FAILED, &[("message", &quote(message.unwrap_or(FAILED)))]);
    Frame::new(FrameKind::Frame, stream::event("message-end", None, &delta))
}
