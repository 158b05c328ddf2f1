//! Cohere's error bodies.

use crate::reply::{Frame, FrameKind};
use crate::template::{fill, quote};
use crate::wording::Wording;

use super::{frames, stream};

pub(super) static ERRORS: Wording = Wording {
    body: frames::ERROR,
    content_type: "application/json",
    statuses: &[
        (401, "invalid api token"),
        (
            404,
            "model '@model@' not found, make sure the correct model ID was used and that you have access to the model.",
        ),
        (429, "Please wait and try again later"),
        (500, "Unexpected server error, please try again later"),
    ],
    other: "the request failed with status @status@",
    context: (
        400,
        "too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 140012. Try using a \
         shorter prompt.",
    ),
    policy: (400, "invalid request: the prompt was blocked by the safety mode"),
    quota: (
        429,
        "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key \
         for free or upgrade to a Production key with higher rate limits at 'https://dashboard.cohere.com/api-keys'.",
    ),
    no_key: "no api key supplied",
    wrong_key: "invalid api token",
    unknown_path: (
        r#"{"id":"3f1f0e4e-ff5a-4f4c-9d5d-3e2b0a6ba111","message":"404 page not found"}"#,
        "application/json",
    ),
    unreadable: "failed to parse request: unexpected end of JSON input",
    invalid: 400,
    event,
};

/// The end of a stream that failed.
fn event(words: &Wording, message: Option<&str>) -> Frame {
    let delta = fill(frames::FAILED, &[("message", &quote(message.unwrap_or(words.failed())))]);
    Frame::new(FrameKind::Frame, stream::event("message-end", None, &delta))
}
