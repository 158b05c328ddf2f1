//! Black Forest Labs: a request gives a URL, which is asked for until the image is ready: <https://docs.bfl.ai>.

use std::time::Duration;

use llm_types::{Format, Json, OperationKind, Result};

use super::runway::job_failed;
use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, prompt, sizing};
use crate::openai::wire::{Text, view};
use crate::task::write::{self, Fields};
use crate::task::{FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Bfl;

/// How long to wait before a result is asked for again.
const PAUSE: Duration = Duration::from_millis(1500);
/// The house to which polling URLs belong: they may be on another host than the first request's.
const HOUSE: &str = "bfl.ai";

const DRAWN: [&str; 6] =
    ["flux-pro-1.1", "flux-pro-1.1-ultra", "flux-dev", "flux-pro", "flux-kontext-pro", "flux-kontext-max"];
const EDITED: [&str; 4] = ["flux-kontext-pro", "flux-kontext-max", "flux-pro-1.0-fill", "flux-pro-1.0-expand"];

const DRAW_FIELDS: [&str; 11] = [
    "width",
    "height",
    "aspect_ratio",
    "seed",
    "output_format",
    "safety_tolerance",
    "prompt_upsampling",
    "raw",
    "num_images",
    "image_url",
    "image_prompt_strength",
];
const EDIT_FIELDS: [&str; 12] = [
    "seed",
    "output_format",
    "safety_tolerance",
    "prompt_upsampling",
    "aspect_ratio",
    "steps",
    "guidance",
    "grow_mask",
    "top",
    "bottom",
    "left",
    "right",
];

view!(lenient ReplyIn {
    status = "status": Text<'a>,
    polling_url = "polling_url": Text<'a>,
    result = "result": ResultIn<'a>,
    errors = "errors": Option<&'a serde_json::value::RawValue>,
});

view!(lenient ResultIn {
    sample = "sample": Text<'a>,
});

impl TaskCodec for Bfl {
    fn format(&self) -> Format {
        Format::BflImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let drawn = request.operation == OperationKind::Image;
        let mut body: Fields = vec![("prompt".to_owned(), Json::from(prompt(request)?))];
        let mut fields = if drawn { drawing(request, ctx)? } else { write::fields(request) };
        let known: &[&str] = if drawn { &DRAW_FIELDS } else { &EDIT_FIELDS };
        fields.retain(|(name, _)| known.contains(&name.as_str()));
        if !drawn {
            body.push(("input_image".to_owned(), Json::from(files::base64(files::image(request)?))));
            let mask = request.files("mask").next().map(|file| Json::from(files::base64(file)));
            body.extend(mask.map(|mask| ("mask".to_owned(), mask)));
        }
        body.append(&mut fields);
        if body.iter().all(|(name, _)| name != "output_format") {
            write::set(&mut body, "output_format", "png");
        }
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        Ok(TaskOut {
            body: write::json(body),
            beside: Some(path(&request.model, drawn)),
            headers,
            ..TaskOut::default()
        })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view = read(reply)?;
        let url = view.result.sample.filled();
        let url = url.ok_or_else(|| errors::invalid_reply(reply, "no image URL in the result"))?;
        let data = vec![Image { url: Some(url), ..Image::default() }];
        Ok(Answer { created: ctx.created, data, ..Answer::default() }.reply(sizing(request)))
    }

    fn next(&self, _: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        let view = read(reply)?;
        if let Some(said) = view.errors.filter(|e| e.get() != "null") {
            return Err(job_failed(reply, &format!("BFL error: {}", said.get())));
        }
        match view.status.filled() {
            Some("Ready") => return Ok(Next::Done),
            Some(bad @ ("Error" | "Failed" | "Content Moderated" | "Request Moderated" | "Task not found")) => {
                return Err(job_failed(reply, &format!("Image generation failed: {bad}")));
            }
            _ => {}
        }
        // A ticket names the URL; what is asked for again need not.
        let url = match view.polling_url.filled() {
            Some(url) => polled(url),
            None if step > 0 => FollowUrl::Again,
            None => return Err(errors::invalid_reply(reply, "No polling_url in BFL response")),
        };
        let request = FollowUp { method: "GET", url, body: TaskBody::None, streams: false };
        let after = if step == 0 { Duration::ZERO } else { PAUSE };
        Ok(Next::Send { after, request: Box::new(request) })
    }
}

fn read<'a>(reply: &ReplyView<'a>) -> Result<ReplyIn<'a>> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

/// The key goes to the hosts of the house, whatever the reply says; elsewhere only to the host that was asked first.
fn polled(url: &str) -> FollowUrl {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let own = host == HOUSE || host.ends_with(&format!(".{HOUSE}"));
    if own { FollowUrl::Own(url.to_owned()) } else { FollowUrl::Absolute(url.to_owned()) }
}

/// Models that nobody knows are taken for the usual one.
fn path(model: &str, drawn: bool) -> String {
    let model = model.to_ascii_lowercase();
    let name = model.rsplit('/').next().unwrap_or_default();
    let known: &[&str] = if drawn { &DRAWN } else { &EDITED };
    let name = known.iter().find(|k| **k == name).or(known.first()).copied().unwrap_or_default();
    format!("/v1/{name}")
}

fn drawing(request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
    let mut fields = write::taken(request, ctx, &JUDGED, &["n", "size", "response_format", "quality"])?;
    let ultra = request.model.to_ascii_lowercase().contains("ultra");
    if let Some((width, height)) = request.str("size").and_then(sizes::pixels) {
        write::set(&mut fields, "width", width);
        write::set(&mut fields, "height", height);
    }
    if ultra {
        write::rename(&mut fields, "n", "num_images");
        if request.str("quality") == Some("hd") {
            write::set(&mut fields, "raw", true);
        }
    }
    Ok(fields)
}
