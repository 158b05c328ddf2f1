//! Tavily's wire format: search.

mod check;
mod errors;
mod frames;
mod search;

use crate::dialects::{Complaints, Service};
use crate::prompt::{Prompt, text_field};
use crate::reply::Reply;
use crate::server::State;
use crate::service::Call;

#[derive(Debug)]
pub(crate) struct Tavily;

impl Service for Tavily {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        let mut prompt = Prompt::default();
        prompt.set_user_text(text_field(call.body, "query").unwrap_or_default());
        prompt
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        errors::ERRORS.answer(check::search(call.body).map(|()| search::reply(call)))
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::ERRORS
    }
}
