//! Jina's wire format: rerank.

mod errors;
mod frames;

use crate::dialects::{Complaints, Service};
use crate::prompt::Prompt;
use crate::ranking::{self, Listing};
use crate::reply::Reply;
use crate::server::State;
use crate::service::Call;

const LISTING: Listing = Listing { row: frames::RANKED, limit: "top_n", shown: true, document: "{\"text\":@text@}" };

#[derive(Debug)]
pub(crate) struct Jina;

impl Service for Jina {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        ranking::prompt(call.body)
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        errors::ERRORS.answer(ranking::check(call.body).map(|()| ranking::rerank(call, frames::RERANK, &LISTING)))
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::ERRORS
    }
}
