//! RunwayML's videos: tasks: <https://docs.dev.runwayml.com>.

use std::time::Duration;

use llm_types::{Error, Format, Json, OperationKind, Result};

use super::answer::{Video, cannot, resolution, seconds, video_id};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::images::data_url_of;
use crate::openai::errors;
use crate::openai::images::{media_type, prompt};
use crate::openai::wire::{List, Text, view};
use crate::task::{FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct RunwayVideos;

view!(lenient TaskIn {
    id = "id": Text<'a>,
    status = "status": Text<'a>,
    output = "output": List<Text<'a>>,
    progress = "progress": Option<f64>,
    failure = "failure": Text<'a>,
    failure_code = "failureCode": Text<'a>,
});

impl TaskCodec for RunwayVideos {
    fn format(&self) -> Format {
        Format::RunwayVideos
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let about = || video_id(request).map(|id| Some(format!("/tasks/{id}")));
        match request.operation {
            OperationKind::Video => create(request),
            OperationKind::VideoStatus | OperationKind::VideoContent => {
                Ok(TaskOut { beside: about()?, method: Some("GET"), ..TaskOut::default() })
            }
            OperationKind::VideoDelete => {
                Ok(TaskOut { beside: about()?, method: Some("DELETE"), ..TaskOut::default() })
            }
            _ => Err(cannot(ctx.provider, request)),
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        match request.operation {
            OperationKind::VideoContent => {
                return Ok(TaskReply::raw("video/mp4", bytes::Bytes::copy_from_slice(reply.body), None));
            }
            OperationKind::VideoDelete => {
                let video = Video { id: video_id(request)?, status: "cancelled", ..Video::default() };
                return Ok(video.reply(request, ctx));
            }
            _ => {}
        }
        let task = read(reply)?;
        let id = task.id.filled().ok_or_else(|| errors::invalid_reply(reply, "the task has no id"))?;
        let size = request.str("size");
        let resolution = size.and_then(resolution);
        let failed = task.failure.filled().map(|why| (task.failure_code.filled().unwrap_or("unknown"), why));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, a share of 1")]
        let percent = |share: f64| (share.clamp(0.0, 1.0) * 100.0) as u64;
        let video = Video {
            id,
            status: status(task.status.filled().unwrap_or_default()),
            created_at: Some(ctx.created),
            progress: task.progress.map(percent),
            error: failed,
            seconds: seconds(request),
            size,
            resolution: resolution.as_deref(),
            ..Video::default()
        };
        Ok(video.reply(request, ctx))
    }

    fn next(&self, request: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        if request.operation != OperationKind::VideoContent || step > 0 {
            return Ok(Next::Done);
        }
        let task = read(reply)?;
        let url = task.output.0.as_deref().and_then(<[_]>::first).and_then(Text::filled);
        download(url, task.status.filled().unwrap_or_default())
    }
}

/// Fetches what a finished job made.
///
/// # Errors
/// `BadRequest` when there is nothing yet.
pub(super) fn download(url: Option<&str>, status: &str) -> Result<Next> {
    let not_yet = || Error::bad_request(format!("the video is not there (status: {status})")).with_param("video_id");
    let url = FollowUrl::Absolute(url.ok_or_else(not_yet)?.to_owned());
    let request = FollowUp { method: "GET", url, body: TaskBody::None, streams: false };
    Ok(Next::Send { after: Duration::ZERO, request: Box::new(request) })
}

fn read<'a>(reply: &ReplyView<'a>) -> Result<TaskIn<'a>> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

fn status(word: &str) -> &'static str {
    match word.to_ascii_uppercase().as_str() {
        "RUNNING" => "in_progress",
        "SUCCEEDED" => "completed",
        "FAILED" | "CANCELLED" => "failed",
        _ => "queued",
    }
}

fn create(request: &TaskRequest) -> Result<TaskOut> {
    let mut fields = write::fields(request);
    fields.retain(|(name, _)| !matches!(name.as_str(), "prompt" | "user" | "seconds" | "size" | "input_reference"));
    write::set(&mut fields, "model", Json::from(request.model.as_str()));
    write::set(&mut fields, "promptText", prompt(request)?);
    if let Some(picture) = picture(request) {
        write::set(&mut fields, "promptImage", picture);
    }
    if let Some(size) = request.str("size") {
        write::set(&mut fields, "ratio", size.replace('x', ":"));
    }
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    if let Some(seconds) = seconds(request) {
        write::set(&mut fields, "duration", seconds as i64);
    }
    let from_picture = fields.iter().any(|(name, _)| name == "promptImage");
    let path = if from_picture { "/image_to_video" } else { "/text_to_video" };
    Ok(TaskOut { body: write::json(fields), beside: Some(path.to_owned()), ..TaskOut::default() })
}

/// A picture to begin with: a URL, or a file as one.
pub(super) fn picture(request: &TaskRequest) -> Option<String> {
    if let Some(url) = request.str("input_reference") {
        return Some(url.to_owned());
    }
    let file = request.files("input_reference").next()?;
    Some(data_url_of(media_type(&file.data).unwrap_or("image/png"), file))
}
