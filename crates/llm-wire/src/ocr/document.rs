//! The document of a request.

use llm_types::{Error, Json, Result};

use crate::images::data_url_of;
use crate::openai::images::media_type;
use crate::task::TaskRequest;

/// Where the document is: the kind of URL and the URL. A file of a form becomes a `data:` URL.
///
/// # Errors
/// `BadRequest` without a document.
pub(super) fn source(request: &TaskRequest) -> Result<(&'static str, String)> {
    if let Some((kind, url)) = named(request) {
        return Ok((kind, url.to_owned()));
    }
    let file = request.files("file").chain(request.files("document")).next();
    let missing = || Error::bad_request("a document with a document_url or an image_url is needed");
    let file = file.ok_or_else(missing)?;
    let kind = file.content_type.as_deref().or_else(|| media_type(&file.data)).unwrap_or("application/pdf");
    let what = if kind.starts_with("image/") { "image_url" } else { "document_url" };
    Ok((what, data_url_of(kind, file)))
}

/// The URL that the request itself names.
pub(super) fn named(request: &TaskRequest) -> Option<(&'static str, &str)> {
    let document = request.fields.get("document")?;
    ["document_url", "image_url"].into_iter().find_map(|kind| {
        let url = match document.get(kind)? {
            Json::Object(_) => document.get(kind)?.get("url")?.as_str()?,
            url => url.as_str()?,
        };
        (!url.is_empty()).then_some((kind, url))
    })
}

/// Puts a `data:` URL in place of the one that was named.
pub(super) fn put(request: &mut TaskRequest, data_url: String) {
    let Some((kind, _)) = named(request) else { return };
    if let Some(document) = request.fields.get_mut("document") {
        document.set(kind, data_url);
    }
}
