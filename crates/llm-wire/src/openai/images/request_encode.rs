//! Requests: JSON, and a form where there are files.

use llm_types::{Error, Json, OperationKind, Result};

use crate::codec::EncodeContext;
use crate::task::write::{self, Fields};
use crate::task::{FilePart, Sizing, TaskOut, TaskRequest};

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

/// `free`: names of models are those of deployments, which are free; one that tells no family counts as the newest.
pub(super) fn encode(request: &TaskRequest, ctx: &mut EncodeContext<'_>, free: bool) -> Result<TaskOut> {
    if request.operation != OperationKind::ImageVariation {
        prompt(request)?;
    }
    let mut fields = match request.operation {
        OperationKind::Image => judged(request, ctx, free)?,
        _ => write::fields(request),
    };
    fields.insert(0, ("model".to_owned(), Json::from(request.model.as_str())));
    let body = if request.files.is_empty() { write::json(fields) } else { write::form(fields, files(request)) };
    Ok(TaskOut { body, ..TaskOut::default() })
}

/// What is to be seen.
///
/// # Errors
/// `BadRequest` without it.
pub(crate) fn prompt(request: &TaskRequest) -> Result<&str> {
    let missing = || Error::bad_request("Missing required parameter: 'prompt'.").with_param("prompt");
    request.fields.text("prompt").ok_or_else(missing)
}

/// Size and quality as they were asked for.
pub(crate) fn sizing(request: &TaskRequest) -> Sizing {
    let word = |name: &str| request.str(name).map(str::to_owned);
    Sizing { image_size: word("size"), image_quality: word("quality"), ..Sizing::default() }
}

/// Models of no family of OpenAI's take everything.
fn judged(request: &TaskRequest, ctx: &mut EncodeContext<'_>, free: bool) -> Result<Fields> {
    let bare = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let model = bare(&request.model);
    let family = FAMILIES.iter().find(|(family, _)| model.contains(&bare(family)));
    match family.or_else(|| FAMILIES.last().filter(|_| free)) {
        Some((_, taken)) => write::taken(request, ctx, &JUDGED, taken),
        None => Ok(write::fields(request)),
    }
}

/// Only the oldest model wants one picture under the bare name.
fn files(request: &TaskRequest) -> Vec<FilePart> {
    let one = request.model.starts_with("dall-e-2") || request.operation == OperationKind::ImageVariation;
    named_files(&request.files, if one { "image" } else { "image[]" })
}

fn named_files(files: &[FilePart], image: &str) -> Vec<FilePart> {
    let bare = |file: &FilePart| file.name.strip_suffix("[]").unwrap_or(&file.name).to_owned();
    let named = |file: &FilePart| match bare(file).as_str() {
        "image" => named_file(file, image),
        "mask" => named_file(file, "mask"),
        other => FilePart { name: other.to_owned(), ..file.clone() },
    };
    files.iter().map(named).collect()
}

/// A picture as LiteLLM names it: by its field and by what it is, whatever the client called it.
pub(crate) fn named_file(file: &FilePart, name: &str) -> FilePart {
    let kind = media_type(&file.data).or(file.content_type.as_deref());
    FilePart {
        name: name.to_owned(),
        filename: Some(format!("{}.png", name.trim_end_matches("[]"))),
        content_type: kind.map(str::to_owned),
        ..file.clone()
    }
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
