//! Pictures, documents and films: each kind has its block, its list of formats, and no place for a URL but S3's.

use std::borrow::Cow;
use std::fmt::Write as _;

use llm_types::generate::MediaSource;
use llm_types::{Error, Result};
use sha2::{Digest, Sha256};

use crate::openai::object::Obj;
use crate::sniff;

/// How much of a document makes its name.
const SAMPLE: usize = 64 * 1024;

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Image,
    Document,
    Video,
}

/// Media types and the words for them.
const FORMATS: [(&str, Kind, &str); 25] = [
    ("image/png", Kind::Image, "png"),
    ("image/jpeg", Kind::Image, "jpeg"),
    ("image/jpg", Kind::Image, "jpeg"),
    ("image/gif", Kind::Image, "gif"),
    ("image/webp", Kind::Image, "webp"),
    ("application/pdf", Kind::Document, "pdf"),
    ("text/csv", Kind::Document, "csv"),
    ("application/msword", Kind::Document, "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", Kind::Document, "docx"),
    ("application/vnd.ms-excel", Kind::Document, "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Kind::Document, "xlsx"),
    ("text/html", Kind::Document, "html"),
    ("text/plain", Kind::Document, "txt"),
    ("text/markdown", Kind::Document, "md"),
    ("video/mp4", Kind::Video, "mp4"),
    ("video/quicktime", Kind::Video, "mov"),
    ("video/mov", Kind::Video, "mov"),
    ("video/x-matroska", Kind::Video, "mkv"),
    ("video/webm", Kind::Video, "webm"),
    ("video/x-flv", Kind::Video, "flv"),
    ("video/mpeg", Kind::Video, "mpeg"),
    ("video/mpg", Kind::Video, "mpg"),
    ("video/x-ms-wmv", Kind::Video, "wmv"),
    ("video/wmv", Kind::Video, "wmv"),
    ("video/3gpp", Kind::Video, "three_gp"),
];

/// A medium, ready to be written.
#[derive(Debug)]
pub(super) struct Medium<'a> {
    pub kind: Kind,
    pub format: Cow<'a, str>,
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    Bytes(&'a str),
    Text(&'a str),
    S3(&'a str),
}

impl<'a> Medium<'a> {
    /// Reads what is known of a medium. `usual` is what it is where its type does not say.
    ///
    /// # Errors
    /// `BadRequest` for what is not here: uploaded files, and URLs that nobody fetched.
    pub(super) fn of(source: &'a MediaSource, media_type: Option<&'a str>, usual: Kind) -> Result<Self> {
        let (source, inside) = match source {
            MediaSource::Base64(data) => (Source::Bytes(data), sniff::media_type(data)),
            MediaSource::Text(text) => (Source::Text(text), Some("text/plain")),
            MediaSource::Url(url) if url.starts_with("s3://") => (Source::S3(url), None),
            MediaSource::Url(url) => match url.strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
                Some((head, data)) => (Source::Bytes(data), head.split(';').next().filter(|k| !k.is_empty())),
                None => return Err(unreachable_file(url)),
            },
            MediaSource::FileId(id) if id.starts_with("s3://") => (Source::S3(id), None),
            MediaSource::FileId(id) => return Err(unreachable_file(id)),
        };
        let by_name = match &source {
            Source::S3(uri) => uri.rsplit_once('.').map(|(_, ending)| ending),
            _ => None,
        };
        let media_type = media_type.map(|t| t.split(';').next().unwrap_or(t).trim());
        let known = media_type.or(inside).and_then(by_type).or_else(|| by_name.and_then(by_ending));
        let (kind, format) = match (known, media_type.or(inside)) {
            (Some((kind, format)), _) => (kind, Cow::Borrowed(format)),
            // a type that is not listed: its last word, and the upstream judges
            (None, Some(other)) => (usual, Cow::Borrowed(other.rsplit('/').next().unwrap_or(other))),
            (None, None) => (usual, Cow::Borrowed(if usual == Kind::Document { "pdf" } else { "jpeg" })),
        };
        Ok(Self { kind, format, source })
    }

    /// The name of a document: of its content, so that prompt caches meet it again.
    pub(super) fn name(&self) -> String {
        let text = match self.source {
            Source::Bytes(t) | Source::Text(t) | Source::S3(t) => t,
        };
        let compact: Cow<'_, str> = if text.contains(char::is_whitespace) && matches!(self.source, Source::Bytes(_)) {
            Cow::Owned(text.split_whitespace().collect())
        } else {
            Cow::Borrowed(text)
        };
        let bytes = compact.as_bytes();
        let mut hash = Sha256::new();
        hash.update(bytes.get(..SAMPLE).unwrap_or(bytes));
        hash.update(bytes.len().to_string());
        let mut name = String::from("DocumentPDFmessages_");
        for byte in hash.finalize().iter().take(8) {
            let _ = write!(name, "{byte:02x}"); // writing into memory cannot fail
        }
        let _ = write!(name, "_{}", self.format);
        name
    }

    /// Writes the block's only field: `{"image": {...}}`.
    pub(super) fn write(&self, name: Option<&str>, citations: bool, block: &mut Obj<'_>) {
        let mut inner = block.obj(match self.kind {
            Kind::Image => "image",
            Kind::Document => "document",
            Kind::Video => "video",
        });
        inner.str("format", &self.format);
        inner.opt_str("name", name);
        let mut source = inner.obj("source");
        match self.source {
            Source::Bytes(data) => source.str("bytes", data),
            Source::Text(text) => source.str("text", text),
            Source::S3(uri) => source.obj("s3Location").str("uri", uri),
        }
        drop(source);
        if citations {
            inner.obj("citations").bool("enabled", true);
        }
    }
}

fn by_type(media_type: &str) -> Option<(Kind, &'static str)> {
    FORMATS.iter().find(|(t, ..)| t.eq_ignore_ascii_case(media_type)).map(|(_, kind, format)| (*kind, *format))
}

fn by_ending(ending: &str) -> Option<(Kind, &'static str)> {
    let ending = if ending.eq_ignore_ascii_case("jpg") { "jpeg" } else { ending };
    FORMATS.iter().find(|(_, _, f)| f.eq_ignore_ascii_case(ending)).map(|(_, kind, format)| (*kind, *format))
}

fn unreachable_file(which: &str) -> Error {
    Error::bad_request(format!("a file can be sent as bytes or lie in S3, '{which}' is neither")).with_param("messages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_says_what_a_medium_is() {
        let base64 = MediaSource::Base64("AAAA".into());
        let of = |t: Option<&'static str>, usual| {
            let m = Medium::of(&base64, t, usual).unwrap();
            (m.kind, m.format.into_owned())
        };
        assert_eq!(of(Some("image/jpg"), Kind::Image), (Kind::Image, "jpeg".into()));
        assert_eq!(of(Some("application/pdf"), Kind::Image), (Kind::Document, "pdf".into()));
        assert_eq!(of(Some("video/3gpp"), Kind::Document), (Kind::Video, "three_gp".into()));
        assert_eq!(of(Some("image/tiff"), Kind::Image), (Kind::Image, "tiff".into()));
        assert_eq!(of(None, Kind::Document), (Kind::Document, "pdf".into()));
        let s3 = MediaSource::Url("s3://bucket/film.mkv".into());
        assert_eq!(Medium::of(&s3, None, Kind::Image).unwrap().kind, Kind::Video);
        assert!(Medium::of(&MediaSource::Url("https://x.test/a.png".into()), None, Kind::Image).is_err());
        assert!(Medium::of(&MediaSource::FileId("file-1".into()), None, Kind::Document).is_err());
    }

    #[test]
    fn names_of_documents_are_of_their_content() {
        let pdf = MediaSource::Base64("JVBERi0xLjQKMSAwIG9iajw8Pj5lbmRvYmoKdHJhaWxlcjw8Pj4KJSVFT0YK".into());
        let medium = Medium::of(&pdf, Some("application/pdf"), Kind::Document).unwrap();
        assert_eq!(medium.name(), "DocumentPDFmessages_d94647481f1d1b70_pdf");
    }
}
