//! Parts of a request.

use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind, ToolCall, ToolResult};
use llm_types::json::raw_str;
use llm_types::{Extra, Result};

use super::FORMAT;
use super::request_decode::{bad, get, list, raw_json, read, rest, str};
use super::wire::spaced;
use crate::top::Top;

/// Reads a list of parts.
pub(super) fn parts(raw: &str, path: &str) -> Result<Vec<Part>> {
    let path = format!("{path}.parts");
    list(raw, &path)?.into_iter().enumerate().map(|(at, p)| part(p.get(), &format!("{path}[{at}]"))).collect()
}

fn part(raw: &str, path: &str) -> Result<Part> {
    if let Some(text) = raw_str(raw) {
        return Ok(Part::text(text));
    }
    let top: Top<'_> = read(raw, path)?;
    let mut extra = Extra::new(FORMAT);
    let inner = |name: &str| get(&top, name).map(|raw| read::<Top<'_>>(raw, &format!("{path}.{name}"))).transpose();
    let (kind, known): (PartKind, &[&str]) = if let Some(raw) = get(&top, "text") {
        let text = raw_str(raw).ok_or_else(|| bad(&format!("{path}.text"), "must be a string"))?.into_owned();
        match get(&top, "thought") {
            Some("true") => {
                let signature = str(&top, "thoughtSignature");
                (PartKind::Thinking { text, signature }, &["text", "thought", "thoughtSignature"])
            }
            _ => (PartKind::Text { text, citations: Vec::new() }, &["text"]),
        }
    } else if let Some(data) = inner("inlineData")? {
        rest(&data, &["mimeType", "data"], "inlineData.", &mut extra);
        let source = str(&data, "data").ok_or_else(|| bad(&format!("{path}.inlineData.data"), "Field required"))?;
        (blob(MediaSource::Base64(source), str(&data, "mimeType")), &["inlineData"])
    } else if let Some(file) = inner("fileData")? {
        rest(&file, &["mimeType", "fileUri"], "fileData.", &mut extra);
        let uri = str(&file, "fileUri").ok_or_else(|| bad(&format!("{path}.fileData.fileUri"), "Field required"))?;
        (blob(MediaSource::Url(uri), str(&file, "mimeType")), &["fileData"])
    } else if let Some(call) = inner("functionCall")? {
        rest(&call, &["name", "args"], "functionCall.", &mut extra);
        (PartKind::ToolCall(function_call(&call)), &["functionCall"])
    } else if let Some(response) = inner("functionResponse")? {
        rest(&response, &["name", "response", "parts"], "functionResponse.", &mut extra);
        (PartKind::ToolResult(function_response(&response, path)?), &["functionResponse"])
    } else {
        return Ok(unknown(&top, raw));
    };
    rest(&top, known, "", &mut extra);
    Ok(Part { kind, cache_control: None, extra })
}

/// A tool of the provider's own, or a part that is new.
fn unknown(top: &Top<'_>, raw: &str) -> Part {
    let hosted = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"];
    let json = raw_json(raw);
    Part::new(match hosted.iter().any(|name| get(top, name).is_some()) {
        true => PartKind::HostedTool { format: FORMAT, json },
        false => PartKind::Opaque { format: FORMAT, json },
    })
}

/// What bytes of a media type are.
pub(super) fn blob(source: MediaSource, media_type: Option<String>) -> PartKind {
    let kind = media_type.as_deref().unwrap_or_default();
    if let Some(name) = kind.strip_prefix("audio/") {
        return PartKind::Audio(Media { source, media_type: Some(name.to_owned()), detail: None });
    }
    match kind.split('/').next() {
        Some("image") => PartKind::Image(Media { source, media_type, detail: None }),
        Some("video") => PartKind::Video(Media { source, media_type, detail: None }),
        _ => PartKind::File(FileRef { source, media_type, name: None }),
    }
}

fn function_call(call: &Top<'_>) -> ToolCall {
    ToolCall {
        id: str(call, "id").unwrap_or_default(),
        name: str(call, "name").unwrap_or_default(),
        arguments: spaced(get(call, "args").unwrap_or("{}")),
    }
}

fn function_response(response: &Top<'_>, path: &str) -> Result<ToolResult> {
    let mut content = vec![Part::text(spaced(get(response, "response").unwrap_or("{}")))];
    if let Some(raw) = get(response, "parts") {
        content.extend(parts(raw, &format!("{path}.functionResponse"))?);
    }
    Ok(ToolResult {
        call_id: str(response, "id").unwrap_or_default(),
        name: str(response, "name"),
        flat: content.len() == 1,
        parts: content,
        is_error: None,
    })
}
