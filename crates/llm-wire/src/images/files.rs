//! Pictures of a form as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_types::{Error, Result};

use crate::openai::images::media_type;
use crate::task::{FilePart, TaskRequest};

/// The first picture.
///
/// # Errors
/// `BadRequest` without one.
pub(crate) fn image(request: &TaskRequest) -> Result<&FilePart> {
    request.files("image").next().ok_or_else(|| Error::bad_request("an image is needed").with_param("image"))
}

pub(crate) fn base64(file: &FilePart) -> String {
    STANDARD.encode(&file.data)
}

/// A `data:` URL. What nobody recognises is called a PNG, as LiteLLM does.
pub(super) fn data_url(file: &FilePart) -> String {
    data_url_of(media_type(&file.data).unwrap_or("image/png"), file)
}

/// The same of a known media type.
pub(crate) fn data_url_of(kind: &str, file: &FilePart) -> String {
    format!("data:{kind};base64,{}", base64(file))
}
