//! Parts to content blocks.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind as K, ToolCall, ToolResult};
use llm_types::{Json, RawJson};
use serde_json::value::RawValue;

use super::FORMAT;
use super::names::legal_id;
use super::object::{Array, Object};
use crate::sniff;
use crate::tool_names::ToolNames;
use crate::top::Top;

/// Blocks of this format that chat clients may write among their parts.
const FOREIGN_BLOCKS: [&str; 5] = ["document", "search_result", "tool_reference", "container_upload", "compaction"];

/// Writes parts and remembers what it met.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The parts go back into the format they came from: nothing is cleaned.
    pub native: bool,
    /// Tool names to rewrite.
    pub names: ToolNames,
    /// What could not be said, by OpenAI's names.
    pub lost: Vec<&'static str>,
    /// An uploaded file is referred to.
    pub files: bool,
    /// A file goes into the container of the code tool.
    pub uploads: bool,
    /// Calls without an id so far: OpenAI's legacy functions have none, here each needs one.
    pub nameless: u32,
}

impl Blocks {
    /// Writes one part; false when there is nothing to write.
    pub(super) fn part(&mut self, part: &Part, mark: Option<&RawJson>, out: &mut BytesMut) -> bool {
        let block = match &part.kind {
            K::HostedTool { format: FORMAT, json } | K::Opaque { format: FORMAT, json } => return raw(json.get(), out),
            K::Opaque { json, .. } if is_foreign_block(json) => return raw(json.get(), out),
            K::Audio(_) => return self.lose("input_audio"),
            K::Video(_) => return self.lose("video"),
            K::HostedTool { .. } | K::Opaque { .. } => return self.lose("content"),
            K::Thinking { signature, .. } if !self.native && signature.as_deref().is_none_or(str::is_empty) => {
                return false;
            }
            K::Refusal(text) if text.is_empty() => return false,
            kind => kind,
        };
        let mut o = Object::open(out);
        match block {
            K::Text { text, citations } => {
                o.str("type", "text");
                o.str("text", text);
                if self.native && !citations.is_empty() {
                    o.json("citations", citations);
                }
            }
            K::Refusal(text) => {
                o.str("type", "text");
                o.str("text", text);
            }
            K::Thinking { text, signature } => {
                o.str("type", "thinking");
                o.str("thinking", text);
                if let Some(signature) = signature {
                    o.str("signature", signature);
                }
            }
            K::RedactedThinking { data } => {
                o.str("type", "redacted_thinking");
                o.str("data", data);
            }
            K::Image(media) => {
                o.str("type", "image");
                self.image_source(media, &mut o);
            }
            K::File(file) => self.file(file, &mut o),
            K::ToolCall(call) => self.tool_use(call, &mut o),
            K::ToolResult(result) => self.tool_result(result, &mut o),
            K::Audio(_) | K::Video(_) | K::HostedTool { .. } | K::Opaque { .. } => {} // answered above
        }
        if let Some(mark) = part.cache_control.as_ref().or(mark) {
            o.raw("cache_control", mark.get());
        }
        for (key, value) in part.extra.fields_for(FORMAT) {
            o.raw(key, value.get());
        }
        o.close();
        true
    }

    fn lose(&mut self, name: &'static str) -> bool {
        if !self.lost.contains(&name) {
            self.lost.push(name);
        }
        false
    }

    fn image_source(&mut self, media: &Media, o: &mut Object<'_>) {
        self.files |= matches!(media.source, MediaSource::FileId(_));
        write_source(&media.source, media.media_type.as_deref(), "image/jpeg", o);
    }

    fn file(&mut self, file: &FileRef, o: &mut Object<'_>) {
        let kind = file.media_type.as_deref();
        if let (MediaSource::FileId(id), false) = (&file.source, self.native) {
            if id.starts_with("http://") || id.starts_with("https://") {
                o.str("type", "document");
                return write_source(&MediaSource::Url(id.clone()), None, "", o);
            }
            self.files = true;
            match kind {
                Some(k) if k.starts_with("image/") => o.str("type", "image"),
                Some(k) if k.contains("pdf") || k.contains("text") => o.str("type", "document"),
                _ => {
                    self.uploads = true;
                    o.str("type", "container_upload");
                    return o.str("file_id", id);
                }
            }
            return write_source(&file.source, None, "", o);
        }
        self.files |= matches!(file.source, MediaSource::FileId(_));
        let image = !self.native && media_type_of(&file.source, kind).is_some_and(|k| k.starts_with("image/"));
        o.str("type", if image { "image" } else { "document" });
        write_source(&file.source, kind, "application/pdf", o);
        if let (Some(name), true) = (&file.name, self.native) {
            o.str("title", name);
        }
    }

    fn tool_use(&mut self, call: &ToolCall, o: &mut Object<'_>) {
        o.str("type", "tool_use");
        if call.id.is_empty() {
            self.nameless += 1;
        }
        o.str("id", &self.id(&call.id));
        o.str("name", self.names.written(&call.name));
        let input = input(&call.arguments);
        if let Cow::Owned(_) = input {
            self.lose("tool_calls.arguments");
        }
        o.raw("input", &input);
    }

    fn tool_result(&mut self, result: &ToolResult, o: &mut Object<'_>) {
        o.str("type", "tool_result");
        o.str("tool_use_id", &self.id(&result.call_id));
        match result.parts.as_slice() {
            [] if self.native && !result.flat => {}
            [] => o.str("content", ""),
            [only] if result.flat && only.as_text().is_some() => o.str("content", only.as_text().unwrap_or_default()),
            parts => {
                let native = self.native;
                let mut list = Array::open(o.key("content"));
                for part in parts.iter().filter(|p| native || p.as_text() != Some("")) {
                    list.item_if(|out| self.part(part, None, out));
                }
                list.close();
            }
        }
        if let Some(is_error) = result.is_error {
            o.json("is_error", &is_error);
        }
    }

    /// The id of a call, or of a result that answers it. A result without one answers the last call without one.
    fn id<'a>(&self, id: &'a str) -> Cow<'a, str> {
        if id.is_empty() && !self.native {
            return Cow::Owned(format!("call_function_{}", self.nameless));
        }
        if self.native { Cow::Borrowed(id) } else { legal_id(id) }
    }
}

/// The arguments as a JSON object. Owned text means that they were none and had to be wrapped.
pub(crate) fn input(arguments: &str) -> Cow<'_, str> {
    let text = arguments.trim();
    if text.is_empty() || text == "null" {
        return Cow::Borrowed("{}");
    }
    if text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(Json::object([("arguments", Json::from(arguments))]).to_string())
}

fn raw(json: &str, out: &mut BytesMut) -> bool {
    out.put_slice(json.as_bytes());
    true
}

fn is_foreign_block(json: &RawJson) -> bool {
    let kind = json.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(String::from));
    kind.is_some_and(|k| FOREIGN_BLOCKS.contains(&k.as_str()))
}

/// Splits `data:image/png;base64,AAAA` into media type and data.
fn data_uri(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((head.split(';').next().unwrap_or_default(), data))
}

fn media_type_of<'a>(source: &'a MediaSource, named: Option<&'a str>) -> Option<&'a str> {
    let inside = match source {
        MediaSource::Url(url) => data_uri(url).map(|(kind, _)| kind).filter(|k| !k.is_empty()),
        _ => None,
    };
    named.or(inside)
}

fn write_source(source: &MediaSource, media_type: Option<&str>, fallback: &str, o: &mut Object<'_>) {
    let mut s = Object::open(o.key("source"));
    match source {
        MediaSource::Url(url) => match data_uri(url) {
            Some((_, data)) => {
                let kind = media_type_of(source, media_type).or_else(|| sniff::media_type(data)).unwrap_or(fallback);
                base64(&mut s, kind, data);
            }
            None => {
                s.str("type", "url");
                s.str("url", url);
            }
        },
        MediaSource::Base64(data) => {
            base64(&mut s, media_type.or_else(|| sniff::media_type(data)).unwrap_or(fallback), data)
        }
        MediaSource::Text(text) => {
            s.str("type", "text");
            s.str("media_type", media_type.unwrap_or("text/plain"));
            s.str("data", text);
        }
        MediaSource::FileId(id) => {
            s.str("type", "file");
            s.str("file_id", id);
        }
    }
    s.close();
}

fn base64(s: &mut Object<'_>, media_type: &str, data: &str) {
    s.str("type", "base64");
    s.str("media_type", media_type);
    s.str("data", data);
}
