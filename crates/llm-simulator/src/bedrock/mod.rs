//! Bedrock's wire format.

mod check;
mod converse;
mod errors;
pub(crate) mod eventstream;
mod frames;
mod invoke;
mod request;
mod stream;

use http::HeaderMap;

use crate::dialects::{Complaints, Service, bearer, text};
use crate::prompt::Prompt;
use crate::reply::{Payload, Reply};
use crate::route::Operation;
use crate::server::State;
use crate::service::Call;

/// Content type of streams.
const STREAM_TYPE: &str = "application/vnd.amazon.eventstream";

#[derive(Debug)]
pub(crate) struct Bedrock;

impl Service for Bedrock {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        if is_invoke(call) { invoke::prompt(call) } else { request::prompt(call) }
    }

    fn answer(&self, call: &Call<'_>, state: &State) -> Reply {
        let result = if is_invoke(call) {
            invoke::reply(call, state)
        } else {
            check::converse(call.body).map(|()| converse::reply(call))
        };
        result.unwrap_or_else(|problem| problem.reply())
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::Errors
    }

    fn key<'a>(&self, headers: &'a HeaderMap, _: &'a str) -> Option<&'a str> {
        let signed = || text(headers, "authorization")?.split_once("Credential=")?.1.split('/').next();
        bearer(headers).or_else(signed)
    }

    fn stream_type(&self, _: &Call<'_>) -> &'static str {
        STREAM_TYPE
    }
}

fn is_invoke(call: &Call<'_>) -> bool {
    matches!(call.route.operation, Operation::Invoke | Operation::InvokeStream)
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
