//! RunwayML: `text_to_image` gives a task, which is asked for until it succeeds: <https://docs.dev.runwayml.com>.

use std::time::Duration;

use llm_types::{Error, Format, Json, Kind, Result, UpstreamDetail};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, sizing};
use crate::openai::wire::{List, Text, view};
use crate::task::{FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Runway;

/// How long to wait before a task is asked for again.
const PAUSE: Duration = Duration::from_secs(2);

const RATIOS: [&str; 5] = ["1024x1024", "1792x1024", "1024x1792", "1920x1080", "1080x1920"];

view!(lenient TaskIn {
    id = "id": Text<'a>,
    status = "status": Text<'a>,
    output = "output": List<Text<'a>>,
    failure = "failure": Text<'a>,
    failure_code = "failureCode": Text<'a>,
});

impl TaskCodec for Runway {
    fn format(&self) -> Format {
        Format::RunwayImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["size"])?;
        write::take(&mut fields, "user");
        write::rename(&mut fields, "prompt", "promptText");
        if let Some(size) = write::take(&mut fields, "size") {
            let known = size.as_str().filter(|s| RATIOS.contains(s)).unwrap_or("1920x1080");
            write::set(&mut fields, "ratio", known.replace('x', ":"));
        }
        write::set(&mut fields, "model", Json::from(request.model.as_str()));
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let task = task(reply)?;
        let urls = task.output.0.iter().flatten().filter_map(Text::filled);
        let data = urls.map(|url| Image { url: Some(url), ..Image::default() }).collect();
        Ok(Answer { created: ctx.created, data, ..Answer::default() }.reply(sizing(request)))
    }

    fn next(&self, _: &TaskRequest, _: u32, reply: &ReplyView<'_>) -> Result<Next> {
        next_poll(reply)
    }
}

/// What is known of a task: done, failed, or to be asked for again.
///
/// # Errors
/// When it failed or has no id.
pub(crate) fn next_poll(reply: &ReplyView<'_>) -> Result<Next> {
    let task = task(reply)?;
    match task.status.filled().map(str::to_ascii_uppercase).as_deref() {
        Some("SUCCEEDED") => Ok(Next::Done),
        Some(failed @ ("FAILED" | "CANCELLED")) => {
            let why = task.failure.filled().unwrap_or(failed);
            let code = task.failure_code.filled().unwrap_or("unknown");
            Err(job_failed(reply, &format!("RunwayML generation failed: {why} (code: {code})")))
        }
        _ => {
            let id = task.id.filled().ok_or_else(|| errors::invalid_reply(reply, "the task has no id"))?;
            let request = FollowUp {
                method: "GET",
                url: FollowUrl::Path(format!("/v1/tasks/{id}")),
                body: TaskBody::None,
                streams: false,
            };
            Ok(Next::Send { after: PAUSE, request: Box::new(request) })
        }
    }
}

fn task<'a>(reply: &ReplyView<'a>) -> Result<TaskIn<'a>> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

/// A job that ended badly.
pub(super) fn job_failed(reply: &ReplyView<'_>, why: &str) -> Error {
    let detail = UpstreamDetail { status: 400, provider: reply.provider.to_owned(), ..UpstreamDetail::default() };
    errors::upstream_error(Kind::BadRequest, why, detail)
}
