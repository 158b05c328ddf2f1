//! Ollama's wire format.

mod chat;
mod check;
pub(crate) mod errors;
mod frames;
mod request;
mod stream;

use crate::reply::{Payload, Reply};
use crate::service::Call;

pub(crate) use request::prompt;

/// Content type of streams.
pub(crate) const STREAM_TYPE: &str = "application/x-ndjson";

/// The reply of a healthy service, or its complaint about the request.
pub(crate) fn answer(call: &Call<'_>) -> Reply {
    match check::chat(call.body) {
        Err(problem) => problem.reply(),
        Ok(()) => chat::reply(call),
    }
}

fn json_reply(body: String) -> Reply {
    let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
    Reply { status: 200, headers, payload: Payload::Whole(body.into()) }
}
