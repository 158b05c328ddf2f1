//! Pictures, sounds, films and documents: which media type a URL shows, and where bytes go.

use llm_types::generate::{FileRef, Media, MediaSource, PartKind};
use llm_types::{Error, Extra, Result};

use super::FORMAT;
use crate::openai::object::Obj;

/// Where AI Studio keeps uploaded files. Their types are known there.
const FILES: &str = "https://generativelanguage.googleapis.com/";

/// Media types by the ending of a name.
const ENDINGS: [(&str, &str); 31] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("bmp", "image/bmp"),
    ("tiff", "image/tiff"),
    ("svg", "image/svg+xml"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("mov", "video/mov"),
    ("avi", "video/avi"),
    ("flv", "video/x-flv"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
    ("3gpp", "video/3gpp"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("aac", "audio/aac"),
    ("m4a", "audio/m4a"),
    ("opus", "audio/opus"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
];

/// The media type that the ending of a URL or a path shows.
#[must_use]
pub fn media_type_of_url(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, kind)| *kind)
}

/// True for a URL whose content is fetched and sent along, because Google does not fetch it itself.
pub(super) fn is_fetched(url: &str) -> bool {
    let foreign = url.starts_with("http://") || url.starts_with("https://");
    let films = ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"];
    foreign && !url.starts_with(FILES) && !films.iter().any(|f| url.starts_with(f))
}

/// One thing to look at or listen to, whatever kind of part it came in.
#[derive(Debug)]
pub(super) struct Blob<'a> {
    source: &'a MediaSource,
    kind: Option<String>,
    /// How closely to look.
    pub detail: Option<&'a str>,
}

impl<'a> Blob<'a> {
    /// The blob of a part; nothing for other parts.
    pub(super) fn of(kind: &'a PartKind) -> Option<Self> {
        Some(match kind {
            PartKind::Image(m) | PartKind::Video(m) => Self::media(m, None),
            PartKind::Audio(m) => Self::media(m, Some("audio/")),
            PartKind::File(FileRef { source, media_type, .. }) => {
                Self { source, kind: media_type.clone(), detail: None }
            }
            _ => return None,
        })
    }

    /// `bare`: stands before media types that are only a name (`wav`).
    fn media(media: &'a Media, bare: Option<&str>) -> Self {
        let kind = media.media_type.as_deref().map(|kind| match bare {
            Some(bare) if !kind.contains('/') => format!("{bare}{kind}"),
            _ => kind.to_owned(),
        });
        Self { source: &media.source, kind, detail: media.detail.as_deref() }
    }

    /// Looks whether it can be asked for.
    ///
    /// # Errors
    /// `BadRequest` for something in Google's storage whose type nobody knows.
    pub(super) fn check(&self) -> Result<()> {
        match self.source {
            MediaSource::Url(url) if url.starts_with("gs://") => {
                let known = self.kind.is_some() || media_type_of_url(url).is_some();
                if known { Ok(()) } else { Err(unknown_type(url)) }
            }
            _ => Ok(()),
        }
    }

    /// Writes the bytes or the address. `camel`: in Google's own spelling; `extra`: the extra fields of the part.
    pub(super) fn write(&self, camel: bool, extra: &Extra, part: &mut Obj<'_>) {
        let (inline, file, mime, uri) = match camel {
            true => ("inlineData", "fileData", "mimeType", "fileUri"),
            false => ("inline_data", "file_data", "mime_type", "file_uri"),
        };
        let kind = |known: Option<&str>| {
            let kind = self.kind.as_deref().or(known);
            kind.map(|k| if k == "image/jpg" { "image/jpeg".to_owned() } else { k.to_owned() })
        };
        match self.source {
            MediaSource::Base64(data) => {
                let mut obj = part.obj(inline);
                obj.str("data", data);
                obj.str(mime, &kind(None).unwrap_or_else(|| "application/octet-stream".to_owned()));
                obj.inner(extra, FORMAT, "inlineData.");
            }
            MediaSource::Text(text) => part.str("text", text),
            MediaSource::Url(url) | MediaSource::FileId(url) => {
                if let Some((kind, data)) = data_url(url) {
                    let mut obj = part.obj(inline);
                    obj.str("data", data);
                    return obj.str(mime, kind);
                }
                let kind = kind(media_type_of_url(url));
                let mut obj = part.obj(file);
                obj.opt_str(mime, kind.as_deref());
                obj.str(uri, url);
                obj.inner(extra, FORMAT, "fileData.");
            }
        }
    }
}

/// A data URL with parameters before its data (`data:audio/pcm;rate=24000;base64,`).
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    Some((kind.split(';').next().unwrap_or(kind), data))
}

fn unknown_type(url: &str) -> Error {
    Error::bad_request(format!(
        "Unable to determine mime type for file_id: {url}, set this explicitly using message[..].content[..].file.format"
    ))
    .with_param("messages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_show_types() {
        assert_eq!(media_type_of_url("https://x.y/a/b.JPG?w=3"), Some("image/jpeg"));
        assert_eq!(media_type_of_url("gs://bucket/doc.pdf"), Some("application/pdf"));
        assert_eq!(media_type_of_url("https://x.y/image"), None);
        assert!(is_fetched("https://x.y/a.png") && !is_fetched("gs://b/a.png") && !is_fetched("files/abc"));
        assert!(!is_fetched("https://generativelanguage.googleapis.com/v1beta/files/1"));
        assert!(!is_fetched("https://www.youtube.com/watch?v=1"));
    }
}
