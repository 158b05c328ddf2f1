//! Bedrock's wire format.

mod check;
mod converse;
pub(crate) mod errors;
pub(crate) mod eventstream;
mod frames;
mod request;
mod stream;

use crate::reply::{Payload, Reply};
use crate::service::Call;

pub(crate) use request::prompt;

/// Content type of streams.
pub(crate) const STREAM_TYPE: &str = "application/vnd.amazon.eventstream";

/// The reply of a healthy service, or its complaint about the request.
pub(crate) fn answer(call: &Call<'_>) -> Reply {
    match check::converse(call.body) {
        Err(problem) => problem.reply(),
        Ok(()) => converse::reply(call),
    }
}

fn json_reply(call: &Call<'_>, body: String) -> Reply {
    Reply { status: 200, headers: headers(call, "application/json"), payload: Payload::Whole(body.into()) }
}

/// Headers of a success.
fn headers(call: &Call<'_>, content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.to_owned()),
        ("x-amzn-requestid", format!("5d1d5ef2-2fd1-4b1c-a5de-{}", call.request_id)),
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned()),
    ]
}
