//! Content blocks, of requests and of answers, to parts.

use llm_types::generate::{FileRef, Media, MediaSource, Part, PartKind, ToolCall, ToolResult};
use llm_types::json::raw_str;
use llm_types::{Error, Extra, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::top::Top;

/// Reads `content`: a string or a list of blocks. The second value says whether it was a string.
pub(super) fn content(raw: &str, param: &str) -> Result<(Vec<Part>, bool)> {
    if let Some(text) = raw_str(raw) {
        return Ok((vec![Part::text(text)], true));
    }
    if raw == "null" {
        return Ok((Vec::new(), false));
    }
    let blocks: Vec<&RawValue> =
        serde_json::from_str(raw).map_err(|e| bad(param, format!("must be a string or a list of blocks: {e}")))?;
    let parts = blocks.into_iter().map(|b| part(b.get(), param)).collect::<Result<_>>()?;
    Ok((parts, false))
}

/// Reads one block.
pub(super) fn part(raw: &str, param: &str) -> Result<Part> {
    let top: Top<'_> =
        serde_json::from_str(raw).map_err(|e| bad(param, format!("a content block must be an object: {e}")))?;
    let kind = top.str("type").unwrap_or_default();
    let known: (PartKind, &[&str]) = match &*kind {
        "text" => match text(&top) {
            Some(found) => found,
            None => return Ok(opaque(raw)),
        },
        "image" => match top.get("source").and_then(source) {
            Some((source, media_type)) => {
                (PartKind::Image(Media { source, media_type, detail: None }), &["type", "source"])
            }
            None => return Ok(opaque(raw)),
        },
        "document" => match top.get("source").and_then(source) {
            Some((source, media_type)) => {
                let name = top.str("title").map(Into::into);
                (PartKind::File(FileRef { source, media_type, name }), &["type", "source", "title"])
            }
            None => return Ok(opaque(raw)),
        },
        "thinking" => {
            let text = top.str("thinking").unwrap_or_default().into_owned();
            let signature = top.str("signature").map(Into::into);
            (PartKind::Thinking { text, signature }, &["type", "thinking", "signature"])
        }
        "redacted_thinking" => {
            let data = top.str("data").unwrap_or_default().into_owned();
            (PartKind::RedactedThinking { data }, &["type", "data"])
        }
        "tool_use" => (PartKind::ToolCall(tool_call(&top)), &["type", "id", "name", "input"]),
        "tool_result" => {
            (PartKind::ToolResult(tool_result(&top, param)?), &["type", "tool_use_id", "content", "is_error"])
        }
        k if is_hosted(k) => return Ok(Part::new(PartKind::HostedTool { format: FORMAT, json: raw_json(raw) })),
        _ => return Ok(opaque(raw)),
    };
    Ok(Part { kind: known.0, cache_control: cache_control(&top), extra: rest(&top, known.1) })
}

/// Blocks of tools that the provider runs: calls and results.
pub(super) fn is_hosted(kind: &str) -> bool {
    matches!(kind, "server_tool_use" | "mcp_tool_use") || (kind.ends_with("_tool_result") && kind != "tool_result")
}

/// The fields that are not in `known`, with the mark that they came in this format.
pub(super) fn rest(top: &Top<'_>, known: &[&str]) -> Extra {
    let mut extra = Extra::new(FORMAT);
    for (key, value) in top.iter() {
        let carried = known.contains(&key) || (key == "cache_control" && value != "null");
        if !carried {
            extra.push(FORMAT, key, raw_json(value));
        }
    }
    extra
}

/// The node's `cache_control`, when it has one.
pub(super) fn cache_control(top: &Top<'_>) -> Option<RawJson> {
    top.get("cache_control").filter(|v| *v != "null").map(raw_json)
}

/// JSON text that a parser has seen already.
pub(super) fn raw_json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap_or_default()
}

/// A request that makes no sense at `param`.
pub(super) fn bad(param: &str, why: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("{param}: {why}")).with_param(param)
}

fn opaque(raw: &str) -> Part {
    Part::new(PartKind::Opaque { format: FORMAT, json: raw_json(raw) })
}

fn text(top: &Top<'_>) -> Option<(PartKind, &'static [&'static str])> {
    let text = top.str("text")?.into_owned();
    let citations = top.get("citations").filter(|c| c.starts_with('['));
    let Some(list) = citations else {
        return Some((PartKind::Text { text, citations: Vec::new() }, &["type", "text"]));
    };
    let citations = serde_json::from_str::<Vec<&RawValue>>(list).ok()?.into_iter().map(RawJson::borrowed).collect();
    Some((PartKind::Text { text, citations }, &["type", "text", "citations"]))
}

/// A `source` object; nothing for shapes that only this format knows.
fn source(raw: &str) -> Option<(MediaSource, Option<String>)> {
    let top: Top<'_> = serde_json::from_str(raw).ok()?;
    let text = |key: &str| top.str(key).map(String::from);
    let (source, keys) = match &*top.str("type")? {
        "base64" => (MediaSource::Base64(text("data")?), 3),
        "text" => (MediaSource::Text(text("data")?), 3),
        "url" => (MediaSource::Url(text("url")?), 2),
        "file" => (MediaSource::FileId(text("file_id")?), 2),
        _ => return None,
    };
    (top.iter().count() <= keys).then(|| (source, text("media_type")))
}

fn tool_call(top: &Top<'_>) -> ToolCall {
    let text = |key: &str| top.str(key).unwrap_or_default().into_owned();
    let arguments = top.get("input").filter(|i| *i != "null").unwrap_or("{}").to_owned();
    ToolCall { id: text("id"), name: text("name"), arguments }
}

fn tool_result(top: &Top<'_>, param: &str) -> Result<ToolResult> {
    let (parts, flat) = match top.get("content") {
        Some(raw) => content(raw, param)?,
        None => (Vec::new(), false),
    };
    Ok(ToolResult {
        call_id: top.str("tool_use_id").unwrap_or_default().into_owned(),
        name: None,
        parts,
        flat,
        is_error: top.read("is_error"),
    })
}
