//! Cohere's wire format, version 2.

mod chat;
mod check;
pub(crate) mod errors;
mod frames;
mod request;
mod rerank;
mod stream;

use crate::reply::{Payload, Reply};
use crate::route::Operation;
use crate::service::Call;

pub(crate) use request::prompt;

/// The reply of a healthy service, or its complaint about the request.
pub(crate) fn answer(call: &Call<'_>) -> Reply {
    let result = match call.route.operation {
        Operation::Rerank => check::rerank(call.body).map(|()| rerank::reply(call)),
        _ => check::chat(call.body).map(|()| chat::reply(call)),
    };
    result.unwrap_or_else(|problem| problem.reply())
}

fn json_reply(body: String) -> Reply {
    Reply { status: 200, headers: headers("application/json"), payload: Payload::Whole(body.into()) }
}

/// Headers of a success.
fn headers(content_type: &str) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", content_type.to_owned()),
        ("x-endpoint-monthly-call-limit", "1000".to_owned()),
        ("x-trial-endpoint-call-limit", "20".to_owned()),
        ("x-trial-endpoint-call-remaining", "19".to_owned()),
    ]
}
