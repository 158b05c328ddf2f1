//! The responses API, whole and streamed.

mod check;
mod frames;
mod output;
mod request;
mod stream;

use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::errors::ApiError;

pub(super) use request::prompt;

/// The reply, or the complaint about the request.
pub(super) fn reply(call: &Call<'_>) -> Result<Reply, ApiError> {
    check::responses(call)?;
    Ok(output::reply(call))
}

/// The error event inside a stream.
pub(super) fn event(message: Option<&str>) -> String {
    let message = message.unwrap_or("The server had an error while processing your request. Sorry about that!");
    fill(frames::ERROR_EVENT, &[("message", &quote(message))])
}
