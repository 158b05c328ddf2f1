//! What is to be ingested.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use llm_http::{FetchError, Transport as _};
use llm_types::{Error, Kind, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;
use serde::Deserialize;

use crate::core::Core;
use crate::flow::Context;

/// The media type of what says none.
const UNKNOWN: &str = "application/octet-stream";

/// A document.
#[derive(Debug)]
pub(super) enum Document {
    /// Its bytes.
    File(FilePart),
    /// A file that the provider has.
    Kept(String),
}

/// A file inside of JSON.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    filename: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    content_type: Option<String>,
}

/// Reads the document of a request: a file of its form, `file` (its content in base64), `text`, `file_url`, `file_id`.
///
/// # Errors
/// 400 without any, and for content that is no base64 or a URL that cannot be had.
pub(super) async fn read(core: &Core, ctx: &Context, top: &Top<'_>, files: Vec<FilePart>) -> Result<Document> {
    if let Some(file) = files.into_iter().find(|f| f.name == "file") {
        return Ok(Document::File(file));
    }
    let text = |name: &str| top.str(name).filter(|t| !t.is_empty());
    if let Some(raw) = top.get("file").filter(|raw| raw.starts_with('{')) {
        let bad = |why: String| Error::bad_request(why).with_param("file");
        let file: Written = serde_json::from_str(raw).map_err(|e| bad(format!("file cannot be read: {e}")))?;
        let data = STANDARD.decode(file.content.trim()).map_err(|e| bad(format!("Invalid base64 content: {e}")))?;
        if file.filename.is_empty() || data.is_empty() {
            return Err(bad("file needs a 'filename' and its 'content' in base64".to_owned()));
        }
        return Ok(Document::File(part(&file.filename, file.content_type.as_deref().unwrap_or(UNKNOWN), data.into())));
    }
    if let Some(written) = text("text") {
        let name = text("filename").unwrap_or("document.txt".into());
        return Ok(Document::File(part(&name, "text/plain", Bytes::from(written.into_owned()))));
    }
    if let Some(url) = text("file_url") {
        return fetched(core, ctx, &url).await.map(Document::File);
    }
    match text("file_id") {
        Some(id) => Ok(Document::Kept(id.into_owned())),
        None => Err(Error::bad_request("Must provide file, file_url, or file_id").with_param("file")),
    }
}

fn part(name: &str, kind: &str, data: Bytes) -> FilePart {
    FilePart {
        name: "file".to_owned(),
        filename: Some(name.to_owned()),
        content_type: Some(kind.to_owned()),
        data,
        more: None,
    }
}

/// Downloads a document under the egress guard.
async fn fetched(core: &Core, ctx: &Context, url: &str) -> Result<FilePart> {
    let limits = &ctx.snapshot.engine.settings.fetch;
    let got = core.http.fetch(url, limits).await.map_err(|error| {
        let why = match error {
            // Addresses inside the network stay inside.
            FetchError::Denied(_) => "the address is not allowed".to_owned(),
            other => other.to_string(),
        };
        Error::bad_request(format!("file_url cannot be fetched: {why}")).with_param("file_url")
    })?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().filter(|n| !n.is_empty() && path.matches('/').count() > 2);
    let kind = got.content_type.as_deref().and_then(|k| k.split(';').next()).map_or(UNKNOWN, str::trim);
    Ok(part(name.unwrap_or("document"), kind, got.bytes))
}

/// A document that was read by OCR, as text.
pub(super) fn transcribed(file: &FilePart, text: String) -> Result<FilePart> {
    if text.trim().is_empty() {
        return Err(Error::new(Kind::InvalidReply, "no text was found in the document"));
    }
    let name = file.filename.as_deref().unwrap_or("document");
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Ok(part(&format!("{stem}.md"), "text/markdown", Bytes::from(text)))
}

/// A document as a `data:` URL.
pub(super) fn data_url(file: &FilePart) -> String {
    format!("data:{};base64,{}", file.content_type.as_deref().unwrap_or(UNKNOWN), STANDARD.encode(&file.data))
}
