//! Content of message items and of tool outputs.

use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind, Role};
use llm_types::json::raw_str;
use llm_types::{Extra, RawJson};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::openai::chat::locate;
use crate::openai::wire::{Content, Rest, Text, view};
use crate::top::Top;

view!(lenient PartView {
    kind = "type": Text<'a>,
    text = "text": Text<'a>,
    refusal = "refusal": Text<'a>,
    image_url = "image_url": Option<&'a RawValue>,
    detail = "detail": Text<'a>,
    file_id = "file_id": Text<'a>,
    file_data = "file_data": Text<'a>,
    file_url = "file_url": Text<'a>,
    filename = "filename": Text<'a>,
    input_audio = "input_audio": AudioView<'a>,
});

view!(lenient AudioView {
    data = "data": Text<'a>,
    format = "format": Text<'a>,
});

/// Reads content; the second value says whether it was a bare string.
pub(crate) fn parts(content: &Content<'_>, role: Role) -> (Vec<Part>, bool) {
    match content {
        Content::Text(text) => (vec![Part::text(text.as_ref())], true),
        Content::Parts(list) => (list.iter().map(|raw| part(raw, role)).collect(), false),
        Content::None | Content::Wrong => (Vec::new(), false),
    }
}

/// Reads one part; what this format alone knows is carried as it came.
pub(crate) fn part(raw: &RawValue, role: Role) -> Part {
    let opaque = || Part::new(PartKind::Opaque { format: FORMAT, json: RawJson::borrowed(raw) });
    let Ok(view) = serde_json::from_str::<PartView<'_>>(raw.get()) else { return opaque() };
    let mut extra = Extra::new(FORMAT);
    let word = view.kind.filled().unwrap_or("input_text").to_owned();
    let own = |text: Text<'_>| text.0.map(std::borrow::Cow::into_owned);
    let kind = match word.as_str() {
        "input_text" | "output_text" | "text" | "summary_text" if view.text.0.is_some() => {
            if word != text_type(role) {
                extra.push(FORMAT, "type", RawJson::string(&word));
            }
            PartKind::Text { text: own(view.text).unwrap_or_default(), citations: Vec::new() }
        }
        "refusal" => PartKind::Refusal(own(view.refusal).unwrap_or_default()),
        "input_image" | "image_url" => match (view.image_url.and_then(picture), own(view.file_id)) {
            (Some((url, detail)), _) => {
                let (source, media_type) = locate(url);
                PartKind::Image(Media { source, media_type, detail: own(view.detail).or(detail) })
            }
            (None, Some(id)) => {
                let source = MediaSource::FileId(id);
                PartKind::Image(Media { source, media_type: None, detail: own(view.detail) })
            }
            (None, None) => return opaque(),
        },
        "input_file" => {
            let (source, media_type) = match (own(view.file_data), own(view.file_url), own(view.file_id)) {
                (Some(data), ..) => match locate(data) {
                    (MediaSource::Url(data), _) => (MediaSource::Base64(data), None),
                    found => found,
                },
                (None, Some(url), _) => (MediaSource::Url(url), None),
                (None, None, Some(id)) => (MediaSource::FileId(id), None),
                (None, None, None) => return opaque(),
            };
            PartKind::File(FileRef { source, media_type, name: own(view.filename) })
        }
        "input_audio" => {
            let Some(data) = own(view.input_audio.data) else { return opaque() };
            let media_type = own(view.input_audio.format);
            PartKind::Audio(Media { source: MediaSource::Base64(data), media_type, detail: None })
        }
        _ => return opaque(),
    };
    keep(view.rest, "", &mut extra);
    Part { kind, cache_control: None, extra }
}

/// The URL of a picture, and how closely to look at it: careless clients write both as chat does.
fn picture(raw: &RawValue) -> Option<(String, Option<String>)> {
    if let Some(url) = raw_str(raw.get()) {
        return Some((url.into_owned(), None));
    }
    let top: Top<'_> = serde_json::from_str(raw.get()).ok()?;
    Some((top.str("url")?.into_owned(), top.str("detail").map(Into::into)))
}

/// The type of text that somebody of this role writes.
pub(crate) const fn text_type(role: Role) -> &'static str {
    if matches!(role, Role::Assistant) { "output_text" } else { "input_text" }
}

/// Keeps unknown fields below `prefix`.
pub(crate) fn keep(rest: Rest<'_>, prefix: &str, extra: &mut Extra) {
    for (key, value) in rest {
        extra.push(FORMAT, format!("{prefix}{key}"), RawJson::borrowed(value));
    }
}
