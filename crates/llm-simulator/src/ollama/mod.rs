//! Ollama's wire format.

mod chat;
mod check;
mod errors;
mod frames;
mod request;
mod stream;

use crate::dialects::{Complaints, Service};
use crate::prompt::Prompt;
use crate::reply::{Payload, Reply};
use crate::server::State;
use crate::service::Call;

/// Content type of streams.
const STREAM_TYPE: &str = "application/x-ndjson";

#[derive(Debug)]
pub(crate) struct Ollama;

impl Service for Ollama {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        request::prompt(call)
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        errors::ERRORS.answer(check::chat(call.body).map(|()| chat::reply(call)))
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::ERRORS
    }

    fn stream_type(&self, _: &Call<'_>) -> &'static str {
        STREAM_TYPE
    }
}

fn json_reply(body: String) -> Reply {
    let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
    Reply { status: 200, headers, payload: Payload::Whole(body.into()) }
}
