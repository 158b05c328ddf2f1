//! Pictures, sound, films and judgements: what is not a conversation.

mod check;
mod frames;
mod images;
mod moderations;
mod request;
mod speech;
mod transcripts;
mod videos;

use crate::reply::Reply;
use crate::route::Operation;
use crate::server::State;
use crate::service::Call;

use super::errors::ApiError;

pub(super) use request::prompt;
pub(crate) use videos::Video;

/// The reply, or the complaint about the request; `None` for operations of other folders.
pub(super) fn reply(call: &Call<'_>, state: &State) -> Option<Result<Reply, ApiError>> {
    Some(match call.route.operation {
        Operation::Images | Operation::ImageEdits | Operation::ImageVariations => {
            check::images(call).map(|()| images::reply(call))
        }
        Operation::Transcriptions | Operation::Translations => {
            check::transcription(call).map(|()| transcripts::reply(call))
        }
        Operation::Speech => check::speech(call).map(|()| speech::reply(call)),
        Operation::Moderations => check::moderation(call).map(|()| moderations::reply(call)),
        Operation::Videos => check::video(call).map(|()| videos::create(call, state)),
        Operation::VideoStatus => videos::status(call, state),
        Operation::VideoContent => videos::content(call, state),
        Operation::VideoDelete => videos::delete(call, state),
        Operation::VideoRemix => videos::remix(call, state),
        _ => return None,
    })
}
