//! fal.ai's videos: a queue: <https://docs.fal.ai/model-endpoints/queue>.

use llm_types::{Format, Json, OperationKind, Result};

use super::answer::{Video, cannot, seconds, video_id};
use super::runway::{download, picture};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::prompt;
use crate::openai::wire::{Text, view};
use crate::task::write::{self, Fields};
use crate::task::{Next, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct FalVideos;

const RATIOS: [&str; 6] = ["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"];
const RESOLUTIONS: [&str; 4] = ["480p", "720p", "1080p", "4k"];

view!(lenient ReplyIn {
    request_id = "request_id": Text<'a>,
    status = "status": Text<'a>,
    error = "error": Text<'a>,
    video = "video": FileIn<'a>,
});

view!(lenient FileIn {
    url = "url": Text<'a>,
});

impl TaskCodec for FalVideos {
    fn format(&self) -> Format {
        Format::FalVideos
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let about = |more: &str| -> Result<TaskOut> {
            let beside = format!("/{}/requests/{}{more}", app(&request.model), video_id(request)?);
            Ok(TaskOut { beside: Some(beside), method: Some("GET"), ..TaskOut::default() })
        };
        match request.operation {
            OperationKind::Video => {
                let beside = Some(format!("/{}", request.model));
                Ok(TaskOut { body: write::json(create(request)?), beside, ..TaskOut::default() })
            }
            OperationKind::VideoStatus => about("/status"),
            OperationKind::VideoContent => about(""),
            OperationKind::VideoDelete => Ok(TaskOut { method: Some("PUT"), ..about("/cancel")? }),
            _ => Err(cannot(ctx.provider, request)),
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        if request.operation == OperationKind::VideoContent {
            return Ok(TaskReply::raw("video/mp4", bytes::Bytes::copy_from_slice(reply.body), None));
        }
        let view = read(reply)?;
        let known = request.str("video_id");
        let id = view.request_id.filled().or(known);
        let id = id.ok_or_else(|| errors::invalid_reply(reply, "no request_id in the reply"))?;
        let error = view.error.filled().map(|why| ("fal_error", why));
        let status = match (error, view.status.filled()) {
            _ if request.operation == OperationKind::VideoDelete => "cancelled",
            (Some(_), _) => "failed",
            (None, Some("IN_PROGRESS")) => "in_progress",
            (None, Some("COMPLETED")) => "completed",
            (None, _) => "queued",
        };
        let told = size(request);
        let resolution = told.iter().find(|(name, _)| name == "resolution").and_then(|(_, r)| r.as_str());
        let asked = request.str("resolution").or(resolution);
        let made = request.operation == OperationKind::Video;
        let video = Video {
            id,
            status,
            created_at: Some(ctx.created),
            error,
            seconds: seconds(request),
            size: asked,
            resolution: asked.or(made.then_some("720p")),
            ..Video::default()
        };
        Ok(video.reply(request, ctx))
    }

    fn next(&self, request: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        if request.operation != OperationKind::VideoContent || step > 0 {
            return Ok(Next::Done);
        }
        let view = read(reply)?;
        download(view.video.url.filled(), view.error.filled().or(view.status.filled()).unwrap_or("unknown"))
    }
}

fn read<'a>(reply: &ReplyView<'a>) -> Result<ReplyIn<'a>> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

/// Requests are kept below the first two names of a model, three in two namespaces.
fn app(model: &str) -> String {
    let count = if model.starts_with("workflows/") || model.starts_with("comfy/") { 3 } else { 2 };
    model.split('/').take(count).collect::<Vec<_>>().join("/")
}

fn create(request: &TaskRequest) -> Result<Fields> {
    let mut fields = write::fields(request);
    fields.retain(|(name, _)| !matches!(name.as_str(), "seconds" | "size" | "input_reference"));
    write::set(&mut fields, "prompt", prompt(request)?);
    write::rename(&mut fields, "user", "end_user_id");
    if let Some(picture) = picture(request) {
        write::set(&mut fields, "image_url", picture);
    }
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    if let Some(seconds) = seconds(request) {
        write::set(&mut fields, "duration", (seconds as i64).to_string());
    }
    fields.extend(size(request));
    Ok(fields)
}

/// A size as resolution and aspect ratio.
fn size(request: &TaskRequest) -> Fields {
    let Some(size) = request.str("size") else { return Fields::new() };
    if RESOLUTIONS.contains(&size) {
        return vec![("resolution".to_owned(), Json::from(size))];
    }
    let sides = size.split_once('x').and_then(|(w, h)| Some((w.parse::<u64>().ok()?, h.parse::<u64>().ok()?)));
    let Some((width, height)) = sides.filter(|(w, h)| *w > 0 && *h > 0) else { return Fields::new() };
    let resolution = match width.min(height) {
        ..=480 => "480p",
        481..=720 => "720p",
        721..=1080 => "1080p",
        _ => "4k",
    };
    let mut out = vec![("resolution".to_owned(), Json::from(resolution))];
    let fits = |ratio: &&&str| {
        let parts = ratio.split_once(':').and_then(|(w, h)| Some((w.parse::<u64>().ok()?, h.parse::<u64>().ok()?)));
        parts.is_some_and(|(w, h)| w * height == h * width)
    };
    if let Some(ratio) = RATIOS.iter().find(fits) {
        out.push(("aspect_ratio".to_owned(), Json::from(*ratio)));
    }
    out
}
