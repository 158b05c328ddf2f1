//! Parts of a message's content.

use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind};
use llm_types::json::raw_str;
use llm_types::{Extra, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use super::error::{invalid, read};
use super::message_decode::thoughts;
use super::message_view::ThinkingView;
use super::request_decode::{inner, rest, text};
use crate::openai::wire::{Content, List, Str, Text, view};

view!(strict PartIn {
    kind = "type": Option<Str<'a>>,
    text = "text": Text<'a>,
    image_url = "image_url": Option<&'a RawValue>,
    video_url = "video_url": Option<&'a RawValue>,
    input_audio = "input_audio": Option<&'a RawValue>,
    file = "file": Option<&'a RawValue>,
    refusal = "refusal": Text<'a>,
    cache_control = "cache_control": Option<&'a RawValue>,
});

/// Reads the content of a message below `path`.
pub(crate) fn parts(content: Content<'_>, path: &str) -> Result<Vec<Part>> {
    match content {
        Content::None => Ok(Vec::new()),
        Content::Wrong => Err(invalid(path, "expected a string or a list of parts")),
        Content::Text(text) => Ok(vec![Part::text(text)]),
        Content::Parts(list) => {
            let mut out = Vec::with_capacity(list.len());
            for (at, raw) in list.into_iter().enumerate() {
                part(raw, &format!("{path}[{at}]"), &mut out)?;
            }
            Ok(out)
        }
    }
}

/// The texts of a content, joined; Mistral writes thoughts as lists of parts.
pub(crate) fn joined(content: &Content<'_>) -> String {
    match content {
        Content::Text(text) => text.clone().into_owned(),
        Content::Parts(list) => {
            list.iter().filter_map(|raw| serde_json::from_str::<PartIn<'_>>(raw.get()).ok()?.text.0).collect()
        }
        Content::None | Content::Wrong => String::new(),
    }
}

/// Reads one part and adds it.
pub(crate) fn part(raw: &RawValue, path: &str, out: &mut Vec<Part>) -> Result<()> {
    if let Some(bare) = raw_str(raw.get()) {
        out.push(Part::text(bare));
        return Ok(());
    }
    let view: PartIn<'_> = read(raw, path)?;
    let kind = view.kind.as_ref().map_or("text", |k| k.0.as_ref());
    let mut extra = Extra::new(FORMAT);
    let kind = match (kind, view.image_url, view.video_url, view.input_audio, view.file) {
        ("text" | "input_text" | "output_text", ..) if view.text.0.is_some() => {
            PartKind::Text { text: view.text.0.unwrap_or_default().into_owned(), citations: Vec::new() }
        }
        ("text", ..) => return Err(invalid(&format!("{path}.text"), "expected a string")),
        ("refusal", ..) => PartKind::Refusal(view.refusal.0.unwrap_or_default().into_owned()),
        ("image_url", Some(url), ..) => {
            PartKind::Image(media_url(url, "image_url.", &format!("{path}.image_url"), &mut extra)?)
        }
        ("image_url", ..) => return Err(invalid(&format!("{path}.image_url"), "expected an object with a 'url'")),
        ("video_url", _, Some(url), ..) => {
            PartKind::Video(media_url(url, "video_url.", &format!("{path}.video_url"), &mut extra)?)
        }
        ("input_audio", _, _, Some(audio), _) => {
            PartKind::Audio(input_audio(audio, &format!("{path}.input_audio"), &mut extra)?)
        }
        ("file", _, _, _, Some(of)) => PartKind::File(file(of, &format!("{path}.file"), &mut extra)?),
        ("thinking" | "redacted_thinking", ..) => {
            thoughts(&[read::<ThinkingView<'_>>(raw, path)?], out);
            return Ok(());
        }
        ("reasoning", ..) => {
            out.push(summary(raw));
            return Ok(());
        }
        _ => {
            out.push(Part::new(PartKind::Opaque { format: FORMAT, json: RawJson::borrowed(raw) }));
            return Ok(());
        }
    };
    for (key, value) in rest(view.rest).all() {
        extra.push(FORMAT, key, value.clone());
    }
    out.push(Part { kind, cache_control: view.cache_control.map(RawJson::borrowed), extra });
    Ok(())
}

view!(lenient SummaryIn {
    summary = "summary": List<SummaryText<'a>>,
});

view!(lenient SummaryText {
    text = "text": Text<'a>,
    signature = "signature": Text<'a>,
});

/// Databricks writes thoughts as `{"type":"reasoning","summary":[{"type":"summary_text","text","signature"}]}`.
fn summary(raw: &RawValue) -> Part {
    let view: SummaryIn<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let list = view.summary.0.unwrap_or_default();
    let signature = list.iter().find_map(|s| s.signature.filled()).map(str::to_owned);
    Part::new(PartKind::Thinking { text: list.iter().filter_map(|s| s.text.0.as_deref()).collect(), signature })
}

view!(strict UrlIn {
    url = "url": Option<Str<'a>>,
    detail = "detail": Option<Str<'a>>,
    format = "format": Option<Str<'a>>,
});

fn media_url(raw: &RawValue, prefix: &str, path: &str, extra: &mut Extra) -> Result<Media> {
    let view = match raw_str(raw.get()) {
        Some(url) => UrlIn { url: Some(Str(url)), ..UrlIn::default() },
        None => read(raw, path)?,
    };
    let url = text(view.url).ok_or_else(|| invalid(&format!("{path}.url"), "a URL is required"))?;
    inner(view.rest, prefix, extra);
    let (source, media_type) = locate(url);
    // `format` is LiteLLM's: the media type, whatever a URL shows; it does not go on the wire
    Ok(Media { source, media_type: text(view.format).or(media_type), detail: text(view.detail) })
}

/// A URL, or the bytes of a plain base64 data URL with their type.
pub(crate) fn locate(url: String) -> (MediaSource, Option<String>) {
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((kind, data)) if !kind.contains(';') && !kind.is_empty() => {
            (MediaSource::Base64(data.to_owned()), Some(kind.to_owned()))
        }
        _ => (MediaSource::Url(url), None),
    }
}

view!(strict AudioIn {
    data = "data": Option<Str<'a>>,
    format = "format": Option<Str<'a>>,
});

fn input_audio(raw: &RawValue, path: &str, extra: &mut Extra) -> Result<Media> {
    let view: AudioIn<'_> = read(raw, path)?;
    let data = text(view.data).ok_or_else(|| invalid(&format!("{path}.data"), "base64 data is required"))?;
    inner(view.rest, "input_audio.", extra);
    Ok(Media { source: MediaSource::Base64(data), media_type: text(view.format), detail: None })
}

view!(strict FileIn {
    file_id = "file_id": Option<Str<'a>>,
    file_data = "file_data": Option<Str<'a>>,
    filename = "filename": Option<Str<'a>>,
    format = "format": Option<Str<'a>>,
});

fn file(raw: &RawValue, path: &str, extra: &mut Extra) -> Result<FileRef> {
    let view: FileIn<'_> = read(raw, path)?;
    inner(view.rest, "file.", extra);
    let format = text(view.format);
    let (source, media_type) = match (text(view.file_data), text(view.file_id)) {
        (Some(data), _) => match locate(data) {
            (MediaSource::Url(data), _) if !data.contains(':') => (MediaSource::Base64(data), None),
            found => found,
        },
        (None, Some(id)) if id.contains("://") => (MediaSource::Url(id), None),
        (None, Some(id)) => (MediaSource::FileId(id), None),
        (None, None) => return Err(invalid(path, "either 'file_id' or 'file_data' is required")),
    };
    Ok(FileRef { source, media_type: media_type.or(format), name: text(view.filename) })
}
