//! Parts of a message's content, as JSON.

use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind, Role};
use llm_types::{Json, RawJson};

use super::content_decode::text_type;
use super::{FORMAT, ITEM};
use crate::codec::EncodeContext;
use crate::openai::chat::data_url;
use crate::openai::object::{Arr, Obj};

/// True for parts that stand in the content of a message item.
pub(crate) fn is_content(part: &Part) -> bool {
    match &part.kind {
        PartKind::Thinking { .. }
        | PartKind::RedactedThinking { .. }
        | PartKind::ToolCall(_)
        | PartKind::ToolResult(_)
        | PartKind::HostedTool { .. } => false,
        PartKind::Opaque { format, .. } => *format == FORMAT,
        _ => true,
    }
}

/// A source in the words of chat, in this format's: what stands below the name of its kind stands beside it.
pub(crate) fn flat_source(source: &RawJson) -> RawJson {
    let given: Json = source.read().unwrap_or_default();
    let kind = given.text("type").unwrap_or_default();
    let Some(Json::Object(inner)) = given.get(kind) else { return source.clone() };
    let own = [("type".to_owned(), Json::from(kind))];
    Json::Object(own.into_iter().chain(inner.iter().cloned()).collect()).to_raw()
}

/// Writes a text part without marks.
pub(crate) fn text(text: &str, role: Role, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("type", text_type(role));
    obj.str("text", text);
}

/// Writes one part; reports it as lost when this format cannot say it.
pub(crate) fn part(part: &Part, role: Role, ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    match &part.kind {
        PartKind::Opaque { format: FORMAT, json } => return list.text(json.get()),
        PartKind::Opaque { format, .. } => return ctx.lost.push(format!("messages.{format} block")),
        PartKind::Video(_) => return ctx.lost.push("messages.video".to_owned()),
        _ => {}
    }
    let own_type = part.extra.fields_for(FORMAT).any(|(key, _)| key == "type");
    let mut obj = list.obj();
    match &part.kind {
        PartKind::Text { text, .. } => {
            if !own_type {
                obj.str("type", text_type(role));
            }
            obj.str("text", text);
        }
        PartKind::Refusal(text) => {
            obj.str("type", "refusal");
            obj.str("refusal", text);
        }
        PartKind::Image(media) => image(media, part, &mut obj),
        PartKind::File(of) => file(of, &mut obj),
        PartKind::Audio(media) => {
            obj.str("type", "input_audio");
            let mut inner = obj.obj("input_audio");
            inner.str("data", raw_source(&media.source));
            let format = media.media_type.as_deref().unwrap_or("wav");
            inner.str("format", format.strip_prefix("audio/").unwrap_or(format));
        }
        _ => {}
    }
    obj.extra(&part.extra, FORMAT, |key| !key.starts_with(ITEM));
}

fn image(media: &Media, part: &Part, obj: &mut Obj<'_>) {
    obj.str("type", "input_image");
    match &media.source {
        MediaSource::Base64(data) => {
            data_url(media.media_type.as_deref().unwrap_or("image/jpeg"), data, obj.key("image_url"));
        }
        MediaSource::FileId(id) => obj.str("file_id", id),
        source => obj.str("image_url", raw_source(source)),
    }
    // what LiteLLM writes for chat clients that do not say
    let chat = part.extra.format() == Some(llm_types::Format::OpenAiChat);
    obj.opt_str("detail", media.detail.as_deref().or(chat.then_some("auto")));
}

fn file(of: &FileRef, obj: &mut Obj<'_>) {
    if let MediaSource::Text(text) = &of.source {
        obj.str("type", "input_text");
        return obj.str("text", text);
    }
    obj.str("type", "input_file");
    match (&of.source, of.media_type.as_deref()) {
        (MediaSource::Base64(data), Some(kind)) => {
            // OpenAI refuses bytes without a name
            obj.str("filename", of.name.as_deref().unwrap_or("document.pdf"));
            return data_url(kind, data, obj.key("file_data"));
        }
        (MediaSource::Base64(data), None) => obj.str("file_data", data),
        (MediaSource::Url(url), _) => obj.str("file_url", url),
        (source, _) => obj.str("file_id", raw_source(source)),
    }
    obj.opt_str("filename", of.name.as_deref().filter(|_| matches!(of.source, MediaSource::Base64(_))));
}

fn raw_source(source: &MediaSource) -> &str {
    match source {
        MediaSource::Url(t) | MediaSource::Base64(t) | MediaSource::Text(t) | MediaSource::FileId(t) => t,
    }
}
