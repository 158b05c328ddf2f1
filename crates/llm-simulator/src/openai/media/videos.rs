//! Films: a job that is in the queue, half done at the first look and done at the second.

use bytes::Bytes;

use crate::ids::{Sequence, hash};
use crate::prompt::text_field;
use crate::reply::{Payload, Reply};
use crate::server::State;
use crate::service::Call;
use crate::template::{fill, quote, quote_or_null};

use super::super::errors::ApiError;
use super::super::{headers, json_reply};
use super::frames;

/// Looks until a film is done.
const LOOKS: u32 = 2;

/// A film that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Video {
    model: String,
    seconds: String,
    size: String,
    prompt: String,
    created: u64,
    /// The film it was made from.
    source: Option<String>,
    looks: u32,
}

pub(super) fn create(call: &Call<'_>, state: &State) -> Reply {
    let wish = |name: &str, usual: &str| text_field(call.body, name).unwrap_or(usual).to_owned();
    let video = Video {
        model: wish("model", "sora-2"),
        seconds: wish("seconds", "4"),
        size: wish("size", "720x1280"),
        prompt: call.prompt.user_text.clone(),
        created: call.created,
        source: None,
        looks: 0,
    };
    add(call, state, video)
}

pub(super) fn remix(call: &Call<'_>, state: &State) -> Result<Reply, ApiError> {
    let (id, source) = found(call, state)?;
    let prompt = call.prompt.user_text.clone();
    Ok(add(call, state, Video { prompt, created: call.created, source: Some(id), looks: 0, ..source }))
}

pub(super) fn status(call: &Call<'_>, state: &State) -> Result<Reply, ApiError> {
    let (id, mut video) = found(call, state)?;
    video.looks += 1;
    state.videos.lock().insert(id.clone(), video.clone());
    Ok(json_reply(call, written(&id, &video)))
}

pub(super) fn content(call: &Call<'_>, state: &State) -> Result<Reply, ApiError> {
    let (id, video) = found(call, state)?;
    if video.looks < LOOKS {
        let problem = ApiError::invalid(format!("Video {id} is not ready yet, use GET /v1/videos/{id} to look."));
        return Err(problem.status(404));
    }
    let mut bytes = Sequence::new(hash(video.prompt.as_bytes()));
    // the start of an MP4, then noise
    let mut film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    film.extend((0..512).flat_map(|_| bytes.next().to_le_bytes()));
    Ok(Reply { status: 200, headers: headers(call, "video/mp4"), payload: Payload::Whole(Bytes::from(film)) })
}

pub(super) fn delete(call: &Call<'_>, state: &State) -> Result<Reply, ApiError> {
    let (id, _) = found(call, state)?;
    state.videos.lock().remove(&id);
    Ok(json_reply(call, fill(frames::VIDEO_DELETED, &[("id", &quote(&id))])))
}

fn add(call: &Call<'_>, state: &State, video: Video) -> Reply {
    let id = format!("video_{}", call.word("video", 48).to_ascii_lowercase());
    let body = written(&id, &video);
    state.videos.lock().insert(id, video);
    json_reply(call, body)
}

fn found(call: &Call<'_>, state: &State) -> Result<(String, Video), ApiError> {
    let id = call.route.id.clone().unwrap_or_default();
    let video = state.videos.lock().get(&id).cloned();
    match video {
        Some(video) => Ok((id, video)),
        None => Err(ApiError::invalid(format!("Video with id '{id}' not found.")).status(404)),
    }
}

fn written(id: &str, video: &Video) -> String {
    let done = video.looks >= LOOKS;
    let (status, progress) = match video.looks {
        0 => ("queued", "0"),
        _ if done => ("completed", "100"),
        _ => ("in_progress", "50"),
    };
    let time = |after: u64| if done { (video.created + after).to_string() } else { "null".to_owned() };
    let values = [
        ("id", quote(id)),
        ("created", video.created.to_string()),
        ("status", quote(status)),
        ("completed", time(30)),
        ("expires", time(86_400)),
        ("model", quote(&video.model)),
        ("progress", progress.to_owned()),
        ("prompt", quote(&video.prompt)),
        ("source", quote_or_null(video.source.as_deref())),
        ("seconds", quote(&video.seconds)),
        ("size", quote(&video.size)),
    ];
    fill(frames::VIDEO, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}
