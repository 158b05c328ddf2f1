//! An answer about a video, in OpenAI's shape.

use llm_types::generate::UsageReport;
use llm_types::{Error, Json, OperationKind, Result, Usage, UsageSource};

use crate::codec::ReplyContext;
use crate::ids::{Made, encode_made};
use crate::task::{Sizing, TaskReply, TaskRequest};

/// A video's id for clients: it names the deployment that made it.
pub(super) fn told_id(ctx: &ReplyContext, id: &str) -> String {
    if ctx.provider.is_empty() || id.is_empty() {
        return id.to_owned();
    }
    encode_made(Made::Video, &ctx.provider, &ctx.deployment, id)
}

/// What is known of a video.
#[derive(Debug, Default)]
pub(super) struct Video<'a> {
    /// What the upstream calls it.
    pub id: &'a str,
    /// `queued`, `in_progress`, `processing`, `completed`, `failed`.
    pub status: &'a str,
    pub created_at: Option<u64>,
    pub completed_at: Option<u64>,
    pub progress: Option<u64>,
    /// Code and message.
    pub error: Option<(&'a str, &'a str)>,
    pub seconds: Option<f64>,
    pub size: Option<&'a str>,
    pub resolution: Option<&'a str>,
}

impl Video<'_> {
    /// Writes it. Only making one costs.
    pub(super) fn reply(&self, request: &TaskRequest, ctx: &ReplyContext) -> TaskReply {
        let made = request.operation == OperationKind::Video;
        let error = self.error.map(|(code, message)| Json::object([("code", code), ("message", message)]));
        let seconds = self.seconds.map(|s| s.to_string());
        let mut out = vec![
            ("id", Json::from(told_id(ctx, self.id))),
            ("object", Json::from("video")),
            ("status", Json::from(self.status)),
            ("created_at", Json::from(self.created_at)),
            ("completed_at", Json::from(self.completed_at)),
            ("error", Json::from(error)),
            ("progress", Json::from(self.progress)),
            ("seconds", Json::from(seconds)),
            ("size", Json::from(self.size)),
            ("model", Json::from(ctx.model.as_deref().or(ctx.upstream_model.as_deref()))),
        ];
        if let Some(seconds) = self.seconds.filter(|_| made) {
            let mut usage = vec![("duration_seconds", number(seconds))];
            usage.extend(self.resolution.map(|r| ("video_resolution", Json::from(r))));
            out.push(("usage", Json::object(usage)));
        }
        let body = Json::object(out).to_string();
        let sizing = Sizing { video_resolution: self.resolution.map(str::to_owned), ..Sizing::default() };
        TaskReply { sizing, ..TaskReply::json(body, made.then(|| counted(self.seconds.unwrap_or(0.0)))) }
    }
}

pub(super) fn number(n: f64) -> Json {
    serde_json::Number::from_f64(n).map_or(Json::Null, Json::Number)
}

pub(super) fn counted(seconds: f64) -> UsageReport {
    let usage = Usage { video_seconds_out: seconds, source: UsageSource::Reported, ..Usage::default() };
    UsageReport { usage, raw: None }
}

/// What the upstream calls the video that a call is about.
///
/// # Errors
/// `BadRequest` without one, or with one that cannot stand in a path.
pub(super) fn video_id(request: &TaskRequest) -> Result<&str> {
    let id =
        request.str("video_id").ok_or_else(|| Error::bad_request("a video_id is needed").with_param("video_id"))?;
    let odd = |b: u8| b.is_ascii_control() || matches!(b, b' ' | b'?' | b'#' | b'\\');
    if id.bytes().any(odd) || id.split('/').any(|part| part == "..") {
        return Err(Error::bad_request("this is no id of a video").with_param("video_id"));
    }
    Ok(id)
}

/// Seconds as a number or a text.
pub(super) fn seconds(request: &TaskRequest) -> Option<f64> {
    let value = request.fields.get("seconds")?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// `1280x720` is `720p`.
pub(super) fn resolution(size: &str) -> Option<String> {
    let (width, height) = size.split_once(['x', 'X', ':'])?;
    let (width, height): (u64, u64) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
    Some(match width.min(height) {
        2160.. => "4k".to_owned(),
        side => format!("{side}p"),
    })
}

/// What a house cannot do with videos.
pub(super) fn cannot(ctx: &str, request: &TaskRequest) -> Error {
    let what = match request.operation {
        OperationKind::VideoRemix => "remixing",
        OperationKind::VideoList => "listing",
        OperationKind::VideoDelete => "deleting",
        _ => "this",
    };
    Error::bad_request(format!("{what} of videos is not supported by {ctx}"))
}
