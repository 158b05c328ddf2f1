//! Ollama's error bodies: one text.

use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::template::{fill, quote};

use super::frames;

const STOPPED: &str =
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error";

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
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Reply { status: self.status, headers, payload: Payload::Whole(body(Some(&self.message)).into()) }
    }
}

/// The status faults.
pub(crate) fn fault(fault: Fault, message: Option<&str>, model: &str) -> Reply {
    let (status, usual) = match fault {
        Fault::Context => (400, "the input length exceeds the context length".to_owned()),
        Fault::Policy => (400, "the request was refused".to_owned()),
        Fault::Quota => (429, "you have reached your hourly usage limit, please upgrade to continue".to_owned()),
        Fault::Status(status) => (status, of_status(status, model)),
        _ => (500, STOPPED.to_owned()),
    };
    ApiError::new(status, message.map_or(usual, str::to_owned)).reply()
}

fn of_status(status: u16, model: &str) -> String {
    let text = match status {
        401 => "unauthorized",
        404 => return format!("model '{model}' not found"),
        429 => "too many concurrent requests",
        500 => STOPPED,
        503 => "server busy, please try again. maximum pending requests exceeded",
        _ => return format!("the request failed with status {status}"),
    };
    text.to_owned()
}

/// The complaint about a missing or wrong key.
pub(crate) fn unauthorized() -> Reply {
    ApiError::new(401, "unauthorized").reply()
}

/// 404 for a path the service does not have: plain text.
pub(crate) fn unknown_path() -> Reply {
    let headers = vec![("content-type", "text/plain".to_owned())];
    Reply { status: 404, headers, payload: Payload::Whole("404 page not found".into()) }
}

/// 400 for a body that is not JSON.
pub(crate) fn unreadable() -> Reply {
    ApiError::invalid("unexpected EOF").reply()
}

/// 400 of the simulator itself: the script cannot be read.
pub(crate) fn bad_script(why: &str) -> Reply {
    ApiError::invalid(format!("simulator: {why}")).reply()
}

/// The error without HTTP's status.
pub(crate) fn body(message: Option<&str>) -> String {
    fill(frames::ERROR, &[("message", &quote(message.unwrap_or(STOPPED)))])
}

/// The line inside a stream.
pub(crate) fn event(message: Option<&str>) -> Frame {
    Frame::framed(Framing::Lines, FrameKind::Frame, format!("{}\n", body(message)))
}
