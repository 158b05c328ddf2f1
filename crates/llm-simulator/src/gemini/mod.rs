//! Gemini's wire format, as Google AI Studio and Vertex AI speak it.

mod check;
mod content;
pub(crate) mod errors;
mod frames;
mod request;
mod stream;

use crate::reply::{Payload, Reply};
use crate::service::Call;

pub(crate) use request::{as_events, prompt};

/// The reply of a healthy service, or its complaint about the request.
pub(crate) fn answer(call: &Call<'_>) -> Reply {
    match check::generate(call) {
        Err(problem) => problem.reply(),
        Ok(()) => content::reply(call),
    }
}

fn json_reply(body: String) -> Reply {
    Reply { status: 200, headers: headers("application/json; charset=UTF-8"), payload: Payload::Whole(body.into()) }
}

/// Headers of a success.
fn headers(content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.to_owned()),
        ("vary", "Origin, X-Origin, Referer".to_owned()),
        ("server", "scaffolding on HTTPServer2".to_owned()),
        ("x-xss-protection", "0".to_owned()),
        ("x-frame-options", "SAMEORIGIN".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("server-timing", "gfet4t7; dur=551".to_owned()),
    ]
}

fn served_model(call: &Call<'_>) -> String {
    call.script.served_model.clone().unwrap_or_else(|| call.prompt.model.clone())
}
