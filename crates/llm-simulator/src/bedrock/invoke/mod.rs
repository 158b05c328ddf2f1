//! Invoke: a model is asked in the words of its maker, and AWS wraps the pieces of its stream.

mod check;
mod embeddings;
mod families;
mod frames;
mod images;
mod request;
mod stream;
mod text;

use crate::anthropic;
use crate::content::{compose, usage};
use crate::reply::Reply;
use crate::server::State;
use crate::service::Call;

use super::errors::ApiError;
use families::{Maker, maker};

pub(super) use request::prompt;

/// The reply, or the complaint about the request.
pub(super) fn reply(call: &Call<'_>, state: &State) -> Result<Reply, ApiError> {
    let maker = maker(call);
    check::streams(call, maker)?;
    match maker {
        Maker::Anthropic => {
            let reply = anthropic::invoked(call, state).map_err(ApiError::invalid)?;
            Ok(stream::wrapped(call, reply))
        }
        Maker::Nova => {
            super::check::converse(call.body)?;
            let answer = compose(call.prompt, call.script, 0);
            let counts = usage(call.prompt, call.script, std::slice::from_ref(&answer));
            Ok(if call.prompt.stream {
                stream::nova(call, &answer, counts)
            } else {
                super::converse::whole(call, &answer, counts)
            })
        }
        Maker::Text(family) => {
            check::text(call, family)?;
            Ok(text::reply(call, family))
        }
        Maker::TitanEmbed | Maker::CohereEmbed => embeddings::reply(call, maker),
        Maker::AmazonImages | Maker::StabilityXl | Maker::Stability => images::reply(call, maker),
    }
}
