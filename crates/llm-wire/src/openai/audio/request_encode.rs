//! Forms with a file, and the JSON of speech.

use llm_types::{Error, Json, Result};

use super::Audio;
use super::file_type::typed_by_name;
use crate::task::write;
use crate::task::{FilePart, TaskOut, TaskRequest};

/// The form of a transcription or translation.
pub(super) fn transcription(dialect: &Audio, request: &TaskRequest, model: &str) -> Result<TaskOut> {
    let file = file(request)?;
    let mut fields = write::fields(request);
    // OpenAI's newer models know neither that format nor a price by duration.
    let timed = dialect.timed && request.str("response_format").is_none() && !model.contains("gpt-4o");
    if timed {
        write::set(&mut fields, "response_format", "verbose_json");
    }
    fields.insert(0, ("model".to_owned(), Json::from(model)));
    let file = if dialect.typed_by_name { typed_by_name(file) } else { file };
    Ok(TaskOut { body: write::form_as(fields, vec![file], dialect.lists), ..TaskOut::default() })
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
    let mut fields = write::fields(request);
    fields.insert(0, ("model".to_owned(), Json::from(model)));
    TaskOut { body: write::json(fields), ..TaskOut::default() }
}
