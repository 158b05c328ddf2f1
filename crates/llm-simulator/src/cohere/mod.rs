//! Cohere's wire format, version 2.

mod chat;
mod check;
mod errors;
mod frames;
mod request;
mod rerank;
mod stream;

use crate::dialects::{Complaints, Service};
use crate::prompt::Prompt;
use crate::reply::{Payload, Reply};
use crate::route::Operation;
use crate::server::State;
use crate::service::Call;

#[derive(Debug)]
pub(crate) struct Cohere;

impl Service for Cohere {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        request::prompt(call)
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        errors::ERRORS.answer(match call.route.operation {
            Operation::Rerank => check::rerank(call.body).map(|()| rerank::reply(call)),
            _ => check::chat(call.body).map(|()| chat::reply(call)),
        })
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::ERRORS
    }
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
