//! Voyage's wire format: rerank.

mod errors;
mod frames;

use crate::dialects::{Complaints, Service};
use crate::prompt::{Prompt, text_field};
use crate::ranking::{self, Listing, read, results};
use crate::reply::{Payload, Reply};
use crate::server::State;
use crate::service::Call;
use crate::template::{fill, quote};

const LISTING: Listing = Listing { row: frames::RANKED, limit: "top_k", shown: false, document: "@text@" };

#[derive(Debug)]
pub(crate) struct Voyage;

impl Service for Voyage {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        ranking::prompt(call.body)
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        errors::ERRORS.answer(ranking::check(call.body).map(|()| rerank(call)))
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::ERRORS
    }
}

fn rerank(call: &Call<'_>) -> Reply {
    let model = quote(text_field(call.body, "model").unwrap_or_default());
    let values = [("model", model.as_str()), ("tokens", &read(call)), ("results", &results(call, &LISTING))];
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply { status: 200, headers, payload: Payload::Whole(fill(frames::RERANK, &values).into()) }
}
