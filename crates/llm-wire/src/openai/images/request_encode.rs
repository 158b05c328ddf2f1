//! Requests: JSON, and a form where there are files.

use llm_types::{Error, Json, OperationKind, Result};

use crate::codec::EncodeContext;
use crate::task::write::{self, Fields};
use crate::task::{FilePart, TaskOut, TaskRequest};

/// The parameters of images that LiteLLM judges by provider and model; others are the provider's own.
pub(crate) const JUDGED: [&str; 5] = ["n", "quality", "response_format", "size", "style"];

/// Those that each family of OpenAI's models takes.
const FAMILIES: [(&str, &[&str]); 3] = [
    ("dall-e-2", &["n", "response_format", "quality", "size"]),
    ("dall-e-3", &["n", "response_format", "quality", "size", "style"]),
    ("gpt-image", &["n", "quality", "size"]),
];

pub(super) fn streams(request: &TaskRequest) -> bool {
    request.fields.get("stream").and_then(Json::as_bool).unwrap_or(false)
}

pub(super) fn encode(request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
    let named = || Error::bad_request("Missing required parameter: 'prompt'.").with_param("prompt");
    if request.operation != OperationKind::ImageVariation && request.fields.get("prompt").is_none_or(Json::is_null) {
        return Err(named());
    }
    let mut fields = match request.operation {
        OperationKind::Image => judged(request, ctx)?,
        _ => write::fields(request),
    };
    fields.insert(0, ("model".to_owned(), Json::from(request.model.as_str())));
    let body = if request.files.is_empty() { write::json(fields) } else { write::form(fields, files(request)) };
    Ok(TaskOut { body, ..TaskOut::default() })
}

/// Models of no family of OpenAI's take everything.
fn judged(request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
    match FAMILIES.iter().find(|(family, _)| request.model.contains(family)) {
        Some((_, taken)) => write::taken(request, ctx, &JUDGED, taken),
        None => Ok(write::fields(request)),
    }
}

/// Only the oldest model wants one picture under the bare name.
fn files(request: &TaskRequest) -> Vec<FilePart> {
    let one = request.model.starts_with("dall-e-2") || request.operation == OperationKind::ImageVariation;
    named_files(&request.files, if one { "image" } else { "image[]" })
}

/// The files as LiteLLM names them: pictures and masks by what they are, whatever the client called them.
pub(crate) fn named_files(files: &[FilePart], image: &str) -> Vec<FilePart> {
    let named = |file: &FilePart| {
        let bare = file.name.strip_suffix("[]").unwrap_or(&file.name);
        let (name, filename) = match bare {
            "image" => (image, "image.png"),
            "mask" => ("mask", "mask.png"),
            other => (other, file.filename.as_deref().unwrap_or("file")),
        };
        FilePart {
            name: name.to_owned(),
            filename: Some(filename.to_owned()),
            content_type: media_type(&file.data).or(file.content_type.as_deref()).map(str::to_owned),
            data: file.data.clone(),
        }
    };
    files.iter().map(named).collect()
}

/// What the first bytes of a picture say.
pub(crate) fn media_type(data: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 4] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"BM", "image/bmp"),
    ];
    if data.starts_with(b"RIFF") && data.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    MAGIC.iter().find(|(magic, _)| data.starts_with(magic)).map(|(_, kind)| *kind)
}
