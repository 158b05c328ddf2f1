//! OpenAI's videos: <https://platform.openai.com/docs/api-reference/videos>.

use llm_types::{Error, Format, Json, OperationKind, Result};

use super::answer::{counted, number, resolution, told_id, video_id};
use crate::codec::{EncodeContext, ReplyContext, ReplyView, StreamErrors};
use crate::openai::errors;
use crate::openai::images::{media_type, prompt};
use crate::task::{FilePart, Sizing, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// OpenAI and hosts like it.
pub static FORM: Videos = Videos { json: false };
/// Hosts that read JSON where there is no file.
pub static JSON: Videos = Videos { json: true };

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Videos {
    json: bool,
}

/// What a list may be asked for.
const LIST: [&str; 3] = ["after", "limit", "order"];

impl TaskCodec for Videos {
    fn format(&self) -> Format {
        if self.json { Format::JsonVideos } else { Format::OpenAiVideos }
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let about = |more: &str| video_id(request).map(|id| Some(format!("/{id}{more}")));
        let get = TaskOut { method: Some("GET"), ..TaskOut::default() };
        Ok(match request.operation {
            OperationKind::VideoStatus => TaskOut { beside: about("")?, ..get },
            OperationKind::VideoContent => {
                let variant = request.str("variant").map(|v| ("variant".to_owned(), v.to_owned()));
                TaskOut { beside: about("/content")?, query: variant.into_iter().collect(), ..get }
            }
            OperationKind::VideoDelete => TaskOut { beside: about("")?, method: Some("DELETE"), ..get },
            OperationKind::VideoList => {
                let asked = |name: &&str| Some(((*name).to_owned(), write::text(request.fields.get(name)?)));
                TaskOut { query: LIST.iter().filter_map(asked).collect(), ..get }
            }
            OperationKind::VideoRemix => {
                prompt(request)?;
                let mut fields = write::fields(request);
                write::take(&mut fields, "video_id");
                TaskOut { beside: about("/remix")?, body: write::json(fields), ..TaskOut::default() }
            }
            _ => TaskOut { body: create(request, self.json)?, ..TaskOut::default() },
        })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let mut json: Json =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        if request.operation == OperationKind::VideoList {
            if let Some(Json::Array(videos)) = json.get_mut("data") {
                videos.iter_mut().for_each(|video| name(video, "id", ctx));
            }
            ["first_id", "last_id"].iter().for_each(|key| name(&mut json, key, ctx));
            return Ok(TaskReply::json(json.to_string(), None));
        }
        if json.text("id").is_none() {
            return Err(failed(&json, reply));
        }
        name(&mut json, "id", ctx);
        if let Some(model) = &ctx.model {
            json.set("model", model.as_str());
        }
        let made = matches!(request.operation, OperationKind::Video | OperationKind::VideoRemix);
        let seconds = json.get("seconds").and_then(|s| s.as_f64().or_else(|| s.as_str()?.parse().ok()));
        if let Some(seconds) = seconds.filter(|_| made) {
            json.set("usage", Json::object([("duration_seconds", number(seconds))]));
        }
        let size = json.text("size").or_else(|| request.str("size"));
        let sizing = Sizing { video_resolution: size.and_then(resolution), ..Sizing::default() };
        let usage = made.then(|| counted(seconds.unwrap_or(0.0)));
        Ok(TaskReply { sizing, ..TaskReply::json(json.to_string(), usage) })
    }

    fn streams(&self, request: &TaskRequest) -> bool {
        request.operation == OperationKind::VideoContent
    }
}

/// The reply is no video.
fn failed(json: &Json, reply: &ReplyView<'_>) -> Error {
    match json.get("error").filter(|e| !e.is_null()) {
        Some(said) => errors::decode_in_stream(&said.to_string(), reply.provider, StreamErrors::ByCode),
        None => errors::invalid_reply(reply, "provider returned a response with no 'id'"),
    }
}

fn name(json: &mut Json, key: &str, ctx: &ReplyContext) {
    if let Some(Json::String(known)) = json.get_mut(key) {
        *known = told_id(ctx, known);
    }
}

/// A form, also where no picture comes with it; some hosts want JSON then.
fn create(request: &TaskRequest, json: bool) -> Result<TaskBody> {
    prompt(request)?;
    let mut fields = write::fields(request);
    fields.insert(0, ("model".to_owned(), Json::from(request.model.as_str())));
    if json && request.files.is_empty() {
        return Ok(write::json(fields));
    }
    let picture = |file: &FilePart| FilePart {
        filename: Some(format!("{}.png", file.name)),
        content_type: media_type(&file.data).map(str::to_owned).or_else(|| file.content_type.clone()),
        ..file.clone()
    };
    Ok(write::form(fields, request.files.iter().map(picture).collect()))
}
