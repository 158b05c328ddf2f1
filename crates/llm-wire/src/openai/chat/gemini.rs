//! What LiteLLM adds to the answers of Gemini: signatures, pictures, sound, annotations, `vertex_ai_*` fields.

use llm_types::generate::{Choice, Finish, GenerateResponse, Media, MediaSource, Part, PartKind};
use llm_types::{Format, Json, RawJson};

use super::content_encode::data_url;
use crate::codec::ReplyContext;
use crate::gemini::{is_blocked, split_call_id};
use crate::openai::object::{Arr, Obj};

const FORMAT: Format = Format::GeminiGenerate;

/// How long sound can be referred to, in seconds: OpenAI's `expires_at`, which Google does not have.
const SOUND_LIFETIME: u64 = 24 * 60 * 60;

/// LiteLLM's names for fields of the candidates.
const LISTS: [(&str, &str); 4] = [
    ("vertex_ai_grounding_metadata", "groundingMetadata"),
    ("vertex_ai_url_context_metadata", "urlContextMetadata"),
    ("vertex_ai_safety_results", "safetyRatings"),
    ("vertex_ai_citation_metadata", "citationMetadata"),
];

pub(super) fn is_upstream(ctx: &ReplyContext) -> bool {
    ctx.upstream == Some(FORMAT)
}

/// Google's word for why an answer ended; nothing for answers that were taken back.
pub(super) fn native_finish(finish: Option<&Finish>) -> Option<&str> {
    let (_, word) = finish?.raw.as_ref().filter(|(f, _)| *f == FORMAT)?;
    Some(word.as_str()).filter(|w| !is_blocked(w))
}

/// True for an answer that was taken back, by its first candidate or for its prompt.
pub(super) fn is_taken_back(resp: &GenerateResponse) -> bool {
    let Some(choice) = resp.choices.first().filter(|c| c.parts.is_empty()) else { return false };
    let refused = resp.extra.fields_for(FORMAT).any(|(key, _)| key == "promptFeedback");
    let word = choice.finish.as_ref().and_then(|f| f.raw.as_ref());
    match word {
        Some((FORMAT, word)) => is_blocked(word),
        _ => refused,
    }
}

/// Writes the fields that stand beside the choices.
pub(super) fn beside(resp: &GenerateResponse, obj: &mut Obj<'_>) {
    if is_taken_back(resp) {
        return;
    }
    for (name, field) in LISTS {
        let found = || resp.choices.iter().filter_map(|c| own(c, field)).filter(|json| json.get().len() > 2);
        if found().next().is_some() {
            let mut list = obj.arr(name);
            found().for_each(|json| list.text(json.get()));
        }
    }
}

fn own<'c>(choice: &'c Choice, field: &str) -> Option<&'c RawJson> {
    choice.extra.fields_for(FORMAT).find(|(key, _)| *key == field).map(|(_, json)| json)
}

/// Writes the text of a message. Films and documents that a model made are written as data URLs behind it.
pub(super) fn content(parts: &[Part], obj: &mut Obj<'_>) {
    let sound = parts.iter().any(|p| matches!(p.kind, PartKind::Audio(_)));
    let mut text = String::new();
    let mut any = false;
    for part in parts {
        let more = match &part.kind {
            PartKind::Text { text, .. } => text.clone(),
            PartKind::Video(Media { source: MediaSource::Base64(data), media_type, .. }) => {
                data_text(media_type.as_deref().unwrap_or("video/mp4"), data)
            }
            PartKind::File(file) => match &file.source {
                MediaSource::Base64(data) => {
                    data_text(file.media_type.as_deref().unwrap_or("application/octet-stream"), data)
                }
                _ => continue,
            },
            _ => continue,
        };
        any = true;
        text.push_str(&more);
    }
    match any && !sound {
        true => obj.str("content", &text),
        false => obj.text("content", "null"),
    }
}

fn data_text(kind: &str, data: &str) -> String {
    format!("data:{kind};base64,{data}")
}

/// Writes pictures, sound and annotations of a message.
pub(super) fn message(choice: &Choice, ctx: &ReplyContext, obj: &mut Obj<'_>) {
    let pictures: Vec<&Media> =
        choice.parts.iter().filter_map(|p| if let PartKind::Image(m) = &p.kind { Some(m) } else { None }).collect();
    if !pictures.is_empty() {
        let mut list = obj.arr("images");
        for (at, media) in pictures.into_iter().enumerate() {
            if let MediaSource::Base64(data) = &media.source {
                image(media.media_type.as_deref().unwrap_or("image/png"), data, at as u64, &mut list);
            }
        }
    }
    let sound = choice.parts.iter().find_map(|p| match &p.kind {
        PartKind::Audio(Media { source: MediaSource::Base64(data), .. }) => Some(data),
        _ => None,
    });
    if let Some(data) = sound {
        audio(data, ctx.created, obj);
    }
    if let Some(json) = own(choice, "groundingMetadata") {
        annotations(json.get(), obj);
    }
}

fn image(kind: &str, data: &str, index: u64, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("type", "image_url");
    let mut url = obj.obj("image_url");
    data_url(kind, data, url.key("url"));
    url.str("detail", "auto");
    drop(url);
    obj.u64("index", index);
}

fn audio(data: &str, created: u64, obj: &mut Obj<'_>) {
    let mut audio = obj.obj("audio");
    audio.str("id", "");
    audio.str("data", data);
    audio.u64("expires_at", created.saturating_add(SOUND_LIFETIME));
    audio.str("transcript", "");
}

/// Writes `annotations` of grounding metadata: which piece of the text is from which page.
pub(super) fn annotations(grounding: &str, obj: &mut Obj<'_>) {
    let tree: Json = serde_json::from_str(grounding).unwrap_or_default();
    let list = |key: &str| tree.get(key).and_then(Json::as_array).unwrap_or_default();
    let chunks = list("groundingChunks");
    let cited: Vec<(&Json, &Json)> = list("groundingSupports")
        .iter()
        .filter_map(|support| {
            let first = support.get("groundingChunkIndices")?.as_array()?.first()?.as_i64()?;
            let web = chunks.get(usize::try_from(first).ok()?)?.get("web")?;
            Some((support.get("segment")?, web))
        })
        .collect();
    if cited.is_empty() {
        return;
    }
    let mut out = obj.arr("annotations");
    for (segment, web) in cited {
        let number = |key: &str| segment.get(key).and_then(Json::as_i64).and_then(|n| u64::try_from(n).ok());
        let mut entry = out.obj();
        entry.str("type", "url_citation");
        let mut citation = entry.obj("url_citation");
        citation.u64("start_index", number("startIndex").unwrap_or(0));
        citation.u64("end_index", number("endIndex").unwrap_or(0));
        citation.opt_str("url", web.text("uri"));
        citation.opt_str("title", web.text("title"));
    }
}

/// The signature of a part that is no thought.
fn signature(part: &Part) -> Option<String> {
    let (_, json) = part.extra.fields_for(FORMAT).find(|(key, _)| *key == "thoughtSignature")?;
    json.as_str().map(Into::into)
}

/// Writes the signature of a call beside it.
pub(crate) fn call(part: &Part, obj: &mut Obj<'_>) {
    if let Some(signature) = signature(part) {
        obj.obj("provider_specific_fields").str("thought_signature", &signature);
    }
}

/// True when [`specific`] has something to say.
pub(super) fn is_specific(parts: &[Part]) -> bool {
    parts.iter().any(|p| signature(p).is_some() || invocation(p).is_some())
}

/// Writes what stands below `provider_specific_fields` of a message: all signatures, and calls of Google's own tools.
pub(super) fn specific(parts: &[Part], obj: &mut Obj<'_>) {
    let mut signatures = parts.iter().filter_map(signature).peekable();
    if signatures.peek().is_some() {
        let mut list = obj.arr("thought_signatures");
        signatures.for_each(|s| list.str(&s));
    }
    let mut invocations = parts.iter().filter_map(invocation).peekable();
    if invocations.peek().is_some() {
        let mut list = obj.arr("server_side_tool_invocations");
        invocations.for_each(|json| list.text(json.get()));
    }
}

fn invocation(part: &Part) -> Option<&RawJson> {
    match &part.kind {
        PartKind::HostedTool { format: FORMAT, json } => {
            let text = json.get();
            (text.contains("\"toolCall\"") || text.contains("\"toolResponse\"")).then_some(json)
        }
        _ => None,
    }
}

/// Fills a delta with what a part holds that only Google's format knows; false when chat cannot say it.
pub(super) fn opaque_part(json: &str, pictures: &mut u64, created: u64, delta: &mut Obj<'_>) -> bool {
    let tree: Json = serde_json::from_str(json).unwrap_or_default();
    let Some(inline) = tree.get("inlineData") else { return false };
    let text = |key: &str| inline.text(key).unwrap_or_default();
    let (kind, data) = (text("mimeType"), text("data"));
    if kind.starts_with("image/") {
        image(kind, data, *pictures, &mut delta.arr("images"));
        *pictures += 1;
    } else if kind.starts_with("audio/") {
        audio(data, created, delta);
    } else {
        delta.str("content", &data_text(kind, data));
    }
    true
}

/// Fills a delta with the fields of a part that only Google's format knows.
pub(super) fn part_fields(json: &str, delta: &mut Obj<'_>) {
    let tree: Json = serde_json::from_str(json).unwrap_or_default();
    if let Some(signature) = tree.text("thoughtSignature") {
        delta.obj("provider_specific_fields").arr("thought_signatures").str(signature);
    }
}

/// LiteLLM's name for a field of a candidate in a stream.
pub(super) fn list_name(field: &str) -> Option<&'static str> {
    LISTS.iter().find(|(_, own)| *own == field).map(|(name, _)| *name)
}

/// Writes the signature that an id of a call holds.
pub(super) fn call_begin(id: &str, call: &mut Obj<'_>) {
    if let (_, Some(signature)) = split_call_id(id) {
        call.obj("provider_specific_fields").str("thought_signature", signature);
    }
}
