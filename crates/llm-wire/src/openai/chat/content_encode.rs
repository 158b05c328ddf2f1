//! Parts of a message's content, as JSON.

use std::borrow::Cow;

use bytes::BufMut;
use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind, Role, Turn};
use llm_types::{Extra, Format};

use super::{FORMAT, keeps_marks};
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};

/// How the content of a message is written.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// Not at all, or as null.
    Absent,
    /// As a string.
    Text(Cow<'a, str>),
    /// As a list of parts.
    List,
}

/// True for what a Responses client sent.
pub(crate) fn of_responses(extra: &Extra) -> bool {
    extra.format() == Some(Format::OpenAiResponses)
}

/// A bare string where the client sent one. Of other formats' assistant turns LiteLLM joins the texts.
pub(crate) fn shape<'a>(content: &[&'a Part], turn: &Turn, native: bool) -> Content<'a> {
    match content {
        [] => Content::Absent,
        [one] if turn.flat && one.as_text().is_some() => {
            Content::Text(Cow::Borrowed(one.as_text().unwrap_or_default()))
        }
        many if !native
            && !of_responses(&turn.extra)
            && turn.role == Role::Assistant
            && many.iter().all(|p| p.as_text().is_some()) =>
        {
            match many {
                [one] => Content::Text(Cow::Borrowed(one.as_text().unwrap_or_default())),
                _ => Content::Text(Cow::Owned(many.iter().filter_map(|p| p.as_text()).collect())),
            }
        }
        _ => Content::List,
    }
}

/// Writes a text part without marks.
pub(crate) fn text(text: &str, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("type", "text");
    obj.str("text", text);
}

/// Writes one part; reports it as lost when chat cannot say it.
pub(crate) fn part(part: &Part, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let cannot = match &part.kind {
        PartKind::Opaque { format, json } | PartKind::HostedTool { format, json } => {
            if *format == FORMAT {
                list.text(json.get());
                return;
            }
            Some(format!("messages.{format} block"))
        }
        PartKind::Image(Media { source: MediaSource::FileId(_), .. }) => Some("messages.image.file_id".to_owned()),
        PartKind::Thinking { .. }
        | PartKind::RedactedThinking { .. }
        | PartKind::ToolCall(_)
        | PartKind::ToolResult(_) => Some("messages.misplaced block".to_owned()),
        _ => None,
    };
    if let Some(what) = cannot {
        ctx.lost.push(what);
        return;
    }
    let mut obj = list.obj();
    let prefix = body(part, &mut obj);
    obj.raw("cache_control", part.cache_control.as_ref().filter(|_| keeps_marks(&part.extra, ctx)));
    obj.extra(&part.extra, FORMAT, |key| prefix.is_empty() || !key.starts_with(prefix));
}

/// Writes type and content; tells the prefix of the extra fields that lie inside.
fn body(part: &Part, obj: &mut Obj<'_>) -> &'static str {
    match &part.kind {
        PartKind::Text { text, .. } => {
            obj.str("type", "text");
            obj.str("text", text);
            ""
        }
        PartKind::Refusal(text) => {
            obj.str("type", "refusal");
            obj.str("refusal", text);
            ""
        }
        PartKind::Image(media) => url_part("image_url", "image_url.", "image/png", media, part, obj),
        PartKind::Video(media) => url_part("video_url", "video_url.", "video/mp4", media, part, obj),
        PartKind::Audio(media) => {
            obj.str("type", "input_audio");
            let mut inner = obj.obj("input_audio");
            inner.str("data", raw_source(&media.source));
            let format = media.media_type.as_deref().unwrap_or("wav");
            inner.str("format", format.strip_prefix("audio/").unwrap_or(format));
            inner.inner(&part.extra, FORMAT, "input_audio.");
            "input_audio."
        }
        PartKind::File(file) => file_part(file, part, obj),
        _ => "",
    }
}

fn url_part(
    key: &'static str,
    prefix: &'static str,
    default_type: &str,
    media: &Media,
    part: &Part,
    obj: &mut Obj<'_>,
) -> &'static str {
    obj.str("type", key);
    let mut inner = obj.obj(key);
    match &media.source {
        MediaSource::Base64(data) => {
            data_url(media.media_type.as_deref().unwrap_or(default_type), data, inner.key("url"))
        }
        source => inner.str("url", raw_source(source)),
    }
    // what LiteLLM writes for Responses clients that do not say
    inner.opt_str("detail", media.detail.as_deref().or(of_responses(&part.extra).then_some("auto")));
    inner.inner(&part.extra, FORMAT, prefix);
    prefix
}

fn file_part(file: &FileRef, part: &Part, obj: &mut Obj<'_>) -> &'static str {
    if let MediaSource::Text(text) = &file.source {
        obj.str("type", "text");
        obj.str("text", text);
        return "file.";
    }
    obj.str("type", "file");
    let mut inner = obj.obj("file");
    inner.opt_str("filename", file.name.as_deref());
    match (&file.source, file.media_type.as_deref()) {
        (MediaSource::Base64(data), Some(kind)) => data_url(kind, data, inner.key("file_data")),
        (MediaSource::Base64(data), None) => inner.str("file_data", data),
        (source, _) => inner.str("file_id", raw_source(source)),
    }
    inner.inner(&part.extra, FORMAT, "file.");
    "file."
}

fn raw_source(source: &MediaSource) -> &str {
    match source {
        MediaSource::Url(t) | MediaSource::Base64(t) | MediaSource::Text(t) | MediaSource::FileId(t) => t,
    }
}

/// Writes `"data:TYPE;base64,DATA"` without building it first: pictures are large.
pub(crate) fn data_url(media_type: &str, data: &str, out: &mut bytes::BytesMut) {
    let plain = |t: &str| t.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain(media_type) && plain(data) {
        out.reserve(media_type.len() + data.len() + 16);
        out.put_slice(b"\"data:");
        out.put_slice(media_type.as_bytes());
        out.put_slice(b";base64,");
        out.put_slice(data.as_bytes());
        out.put_u8(b'"');
    } else {
        crate::top::write_str(&format!("data:{media_type};base64,{data}"), out);
    }
}
