//! Google's Veo: a long-running operation, in AI Studio looked at by its name, in Vertex AI by `fetchPredictOperation`:
//! <https://ai.google.dev/gemini-api/docs/video>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_types::{Error, Format, Json, OperationKind, Result};

use super::answer::{Video, cannot, resolution, seconds, video_id};
use super::runway::download;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::{media_type, prompt};
use crate::openai::wire::{List, Text, view};
use crate::task::write::{self, Fields};
use crate::task::{Next, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// AI Studio.
pub static STUDIO: Veo = Veo { vertex: false };
/// Vertex AI.
pub static VERTEX: Veo = Veo { vertex: true };

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Veo {
    vertex: bool,
}

/// Seconds of a video when nobody says, for the bill, as LiteLLM counts them.
const SECONDS: f64 = 8.0;

view!(lenient OperationIn {
    name = "name": Text<'a>,
    done = "done": Option<bool>,
    error = "error": Option<ErrorIn<'a>>,
    response = "response": ResponseIn<'a>,
});

view!(lenient ErrorIn {
    code = "code": Text<'a>,
    message = "message": Text<'a>,
});

view!(lenient ResponseIn {
    generated = "generateVideoResponse": GeneratedIn<'a>,
    videos = "videos": List<FileIn<'a>>,
});

view!(lenient GeneratedIn {
    samples = "generatedSamples": List<SampleIn<'a>>,
});

view!(lenient SampleIn {
    video = "video": FileIn<'a>,
});

view!(lenient FileIn {
    uri = "uri": Text<'a>,
    bytes = "bytesBase64Encoded": Text<'a>,
});

impl TaskCodec for Veo {
    fn format(&self) -> Format {
        if self.vertex { Format::VertexVideos } else { Format::GeminiVideos }
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        match request.operation {
            OperationKind::Video => Ok(TaskOut { body: write::json(create(request)?), ..TaskOut::default() }),
            OperationKind::VideoStatus | OperationKind::VideoContent => {
                let name = video_id(request)?;
                if self.vertex {
                    let body = write::json(vec![("operationName".to_owned(), Json::from(name))]);
                    return Ok(TaskOut { body, ..TaskOut::default() });
                }
                Ok(TaskOut { path: Some(format!("/v1beta/{name}")), method: Some("GET"), ..TaskOut::default() })
            }
            _ => Err(cannot(ctx.provider, request)),
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        if request.operation == OperationKind::VideoContent {
            return self.content(reply);
        }
        let operation = read(reply)?;
        let known = request.str("video_id");
        let name = operation.name.filled().or(known);
        let name = name.ok_or_else(|| errors::invalid_reply(reply, "no operation name in the reply"))?;
        let failed = operation.error.as_ref().map(|e| {
            (e.code.filled().unwrap_or("unknown"), e.message.filled().unwrap_or("the video could not be made"))
        });
        let status = match (failed, operation.done) {
            (Some(_), _) => "failed",
            (None, Some(true)) => "completed",
            (None, _) => "processing",
        };
        let made = request.operation == OperationKind::Video;
        let told = request.str("resolution").map(str::to_owned);
        let resolution = told.or_else(|| request.str("size").and_then(resolution));
        let video = Video {
            id: name,
            status,
            created_at: Some(ctx.created),
            error: failed,
            seconds: made.then(|| seconds(request).unwrap_or(SECONDS)),
            size: request.str("size"),
            resolution: resolution.as_deref(),
            ..Video::default()
        };
        Ok(video.reply(request, ctx))
    }

    fn next(&self, request: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        if request.operation != OperationKind::VideoContent || self.vertex || step > 0 {
            return Ok(Next::Done);
        }
        let operation = read(reply)?;
        let sample = operation.response.generated.samples.0.as_deref().and_then(<[_]>::first);
        download(sample.and_then(|s| s.video.uri.filled()), state(&operation))
    }
}

impl Veo {
    fn content(self, reply: &ReplyView<'_>) -> Result<TaskReply> {
        if !self.vertex {
            return Ok(TaskReply::raw("video/mp4", bytes::Bytes::copy_from_slice(reply.body), None));
        }
        let operation = read(reply)?;
        let video = operation.response.videos.0.as_deref().and_then(<[_]>::first);
        let coded = video.and_then(|v| v.bytes.filled());
        let not_yet = || {
            let why = format!("the video is not there (status: {})", state(&operation));
            Error::bad_request(why).with_param("video_id")
        };
        let bytes = STANDARD.decode(coded.ok_or_else(not_yet)?);
        let bytes = bytes.map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        Ok(TaskReply::raw("video/mp4", bytes, None))
    }
}

fn state(operation: &OperationIn<'_>) -> &'static str {
    match (&operation.error, operation.done) {
        (Some(_), _) => "failed",
        (None, Some(true)) => "completed",
        _ => "processing",
    }
}

fn read<'a>(reply: &ReplyView<'a>) -> Result<OperationIn<'a>> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

fn create(request: &TaskRequest) -> Result<Fields> {
    let mut instance = vec![("prompt".to_owned(), Json::from(prompt(request)?))];
    let mut parameters = write::fields(request);
    parameters.retain(|(name, _)| {
        !matches!(name.as_str(), "prompt" | "seconds" | "size" | "user" | "input_reference" | "image" | "parameters")
    });
    if let Some(Json::Object(own)) = request.fields.get("parameters") {
        write::extend(&mut parameters, own.iter().cloned());
    }
    if let Some(size) = request.str("size") {
        let upright = size.split_once('x').is_some_and(|(w, h)| w.parse::<u64>().ok() < h.parse::<u64>().ok());
        write::set(&mut parameters, "aspectRatio", if upright { "9:16" } else { "16:9" });
    }
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    if let Some(seconds) = seconds(request) {
        write::set(&mut parameters, "durationSeconds", seconds as i64);
    }
    if let Some(image) = image(request) {
        instance.push(("image".to_owned(), image));
    }
    let instances = Json::Array(vec![Json::Object(instance)]);
    Ok(vec![("instances".to_owned(), instances), ("parameters".to_owned(), Json::Object(parameters))])
}

/// A picture to begin with: a file, a `data:` URL, or as Google names it.
fn image(request: &TaskRequest) -> Option<Json> {
    let coded = |bytes: &str, kind: &str| Json::object([("bytesBase64Encoded", bytes), ("mimeType", kind)]);
    if let Some(file) = request.files("input_reference").next() {
        return Some(coded(&STANDARD.encode(&file.data), media_type(&file.data).unwrap_or("image/png")));
    }
    if let Some(own @ Json::Object(_)) = request.fields.get("image") {
        return Some(own.clone());
    }
    let url = request.str("input_reference")?;
    if url.starts_with("gs://") {
        return Some(Json::object([("gcsUri", url), ("mimeType", "image/png")]));
    }
    let (head, bytes) = url.strip_prefix("data:")?.split_once(',')?;
    Some(coded(bytes, head.split(';').next().unwrap_or("image/png")))
}
