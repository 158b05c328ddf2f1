//! Forms with a file, and the JSON of speech.

use bytes::Bytes;
use llm_types::{Error, Json, Result};

use super::Audio;
use crate::openai::form::{text_fields, typed_by_name};
use crate::task::{FilePart, TaskBody, TaskOut, TaskRequest};

/// The form of a transcription or translation.
pub(super) fn transcription(dialect: &Audio, request: &TaskRequest, model: &str) -> Result<TaskOut> {
    let file = file(request)?;
    let mut fields = request.fields.clone();
    let format = request.str("response_format").unwrap_or("json");
    // OpenAI's newer models know neither that format nor a price by duration.
    let timed = dialect.timed && matches!(format, "json" | "text") && !model.contains("gpt-4o");
    if timed {
        fields.set("response_format", "verbose_json");
    }
    let mut text = vec![("model".to_owned(), model.to_owned())];
    text.extend(text_fields(&fields, dialect.lists));
    let file = if dialect.typed_by_name { typed_by_name(file) } else { file };
    Ok(TaskOut { body: TaskBody::Form { fields: text, files: vec![file] }, ..TaskOut::default() })
}

/// The file to listen to.
///
/// # Errors
/// `BadRequest` without one.
pub(crate) fn file(request: &TaskRequest) -> Result<FilePart> {
    let missing = || Error::bad_request("Missing required parameter: 'file'.").with_param("file");
    request.files("file").next().cloned().ok_or_else(missing)
}

/// The JSON of speech: all fields as they came.
pub(super) fn speech(request: &TaskRequest, model: &str) -> TaskOut {
    let mut all = vec![("model".to_owned(), Json::from(model))];
    all.extend(request.fields.as_object().unwrap_or_default().iter().filter(|(_, v)| !v.is_null()).cloned());
    TaskOut { body: TaskBody::Json(Bytes::from(Json::Object(all).to_string())), ..TaskOut::default() }
}
