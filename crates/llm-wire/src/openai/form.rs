//! Bodies that are forms: text fields as OpenAI's own library writes them, and what files are called.

use llm_types::Json;

use crate::task::FilePart;

/// How lists are named in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// `name[]`, once for each item: OpenAI's library.
    Brackets,
    /// `name`, once for each item: plain HTTP libraries.
    Bare,
}

/// The text fields of a form, in their order. Objects and lists of objects become JSON text, `null` is left out.
#[must_use]
pub fn text_fields(fields: &Json, lists: Lists) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in fields.as_object().unwrap_or_default() {
        match value {
            Json::Null => {}
            Json::Array(items) if items.iter().all(|i| !matches!(i, Json::Object(_) | Json::Array(_))) => {
                let name = if lists == Lists::Brackets { format!("{name}[]") } else { name.clone() };
                out.extend(items.iter().map(|i| (name.clone(), text(i))));
            }
            value => out.push((name.clone(), text(value))),
        }
    }
    out
}

/// A value as it stands in a form.
#[must_use]
pub fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Media types by the ends of file names, as OpenAI's library knows them from Python's table.
const TYPES: [(&str, &str); 20] = [
    ("aac", "audio/aac"),
    ("aif", "audio/x-aiff"),
    ("aiff", "audio/x-aiff"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m4a", "audio/mp4"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpga", "audio/mpeg"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/opus"),
    ("png", "image/png"),
    ("wav", "audio/x-wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

/// The file with the media type that its name tells; without one, as the client named it.
#[must_use]
pub fn typed_by_name(mut file: FilePart) -> FilePart {
    let ending = file.filename.as_deref().and_then(|n| n.rsplit_once('.')).map(|(_, e)| e.to_ascii_lowercase());
    if let Some(known) = ending.and_then(|e| TYPES.iter().find(|(name, _)| *name == e)) {
        file.content_type = Some(known.1.to_owned());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_fields_of_one_name() {
        let fields: Json =
            serde_json::from_str(r#"{"a":"x","n":0.5,"l":["p","q"],"o":{"k":1},"z":null,"b":true}"#).unwrap();
        let pairs = |lists| {
            text_fields(&fields, lists).into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(pairs(Lists::Brackets), r#"a=x&n=0.5&l[]=p&l[]=q&o={"k":1}&b=true"#);
        assert_eq!(pairs(Lists::Bare), r#"a=x&n=0.5&l=p&l=q&o={"k":1}&b=true"#);
    }
}
