//! Mistral's wire format where it is its own: OCR.

mod check;
mod errors;
mod frames;
mod ocr;

use crate::dialects::{Complaints, Service};
use crate::prompt::{Prompt, text_field};
use crate::reply::Reply;
use crate::server::State;
use crate::service::Call;

#[derive(Debug)]
pub(crate) struct Mistral;

impl Service for Mistral {
    fn prompt(&self, call: &Call<'_>) -> Prompt {
        let mut prompt =
            Prompt { model: text_field(call.body, "model").unwrap_or_default().to_owned(), ..Prompt::default() };
        // a document has no text; its address may carry a script
        prompt.set_user_text(ocr::address(call.body).unwrap_or_default());
        prompt
    }

    fn answer(&self, call: &Call<'_>, _: &State) -> Reply {
        errors::ERRORS.answer(check::ocr(call.body).map(|()| ocr::reply(call)))
    }

    fn complaints(&self) -> &dyn Complaints {
        &errors::ERRORS
    }
}
