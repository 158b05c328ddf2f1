//! Ollama's error bodies: one text.

use crate::dialects::Complaints;
use crate::reply::{Frame, FrameKind, Framing};
use crate::wording::Wording;

use super::frames;

pub(super) static ERRORS: Wording = Wording {
    body: frames::ERROR,
    content_type: "application/json; charset=utf-8",
    statuses: &[
        (401, "unauthorized"),
        (404, "model '@model@' not found"),
        (429, "too many concurrent requests"),
        (503, "server busy, please try again. maximum pending requests exceeded"),
        (500, "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"),
    ],
    other: "the request failed with status @status@",
    context: (400, "the input length exceeds the context length"),
    policy: (400, "the request was refused"),
    quota: (429, "you have reached your hourly usage limit, please upgrade to continue"),
    no_key: "unauthorized",
    wrong_key: "unauthorized",
    // the router's own page, not JSON
    unknown_path: ("404 page not found", "text/plain"),
    unreadable: "unexpected EOF",
    invalid: 400,
    event,
};

/// The line inside a stream.
fn event(words: &Wording, message: Option<&str>) -> Frame {
    Frame::framed(Framing::Lines, FrameKind::Frame, format!("{}\n", words.body(message)))
}
