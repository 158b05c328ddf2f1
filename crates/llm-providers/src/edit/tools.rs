//! Tools, in the shape that a row takes.

use llm_types::Json;

use super::draft::Draft;
use super::scan;
use crate::quirk::{Quirk, Quirks};

/// Anthropic's examples of inputs: hosts of chat refuse them.
const EXAMPLES: &str = "\"input_examples\"";

/// The edited list, when something changed.
pub(super) fn edit(raw: &str, quirks: Quirks, strip_cache: bool) -> Option<String> {
    let strict = quirks.has(Quirk::StripStrict) && scan::has(raw, "\"strict\"");
    let additional = quirks.has(Quirk::StripAdditionalProperties)
        && (scan::has(raw, "\"additionalProperties\"") || scan::has(raw, "\"strict\""));
    let cache = (strip_cache || quirks.has(Quirk::StripToolCacheControl)) && scan::has(raw, "\"cache_control\"");
    let fill = quirks.has(Quirk::FillToolParameters);
    let uri = quirks.has(Quirk::StripSchemaUri) && names_uri(raw);
    let examples = scan::has(raw, EXAMPLES);
    if !(strict || additional || cache || fill || uri || examples) {
        return None;
    }
    let mut list: Vec<Json> = serde_json::from_str(raw).ok()?;
    let mut changed = false;
    for tool in &mut list {
        if cache {
            changed |= tool.remove("cache_control").is_some();
        }
        changed |= examples && tool.remove(EXAMPLES.trim_matches('"')).is_some();
        if let Some(function) = tool.get_mut("function").filter(|f| fill && f.get("parameters").is_none()) {
            let schema = [("type", Json::from("object")), ("properties", Json::Object(Vec::new()))];
            function.set("parameters", Json::object(schema));
            changed = true;
        }
        if let Some(schema) = tool.get_mut("function").and_then(|f| f.get_mut("parameters")).filter(|_| uri) {
            changed |= without_uri(schema);
        }
        if strict || additional {
            changed |= tool.remove("strict").is_some();
            changed |= tool.get_mut("function").is_some_and(|f| f.remove("strict").is_some());
        }
        if let Some(function) = tool.get_mut("function").filter(|_| additional || cache) {
            if cache {
                changed |= function.remove("cache_control").is_some();
            }
            if let Some(schema) = function.get_mut("parameters").filter(|_| additional) {
                changed |= open_objects(schema);
            }
        }
    }
    changed.then(|| Json::Array(list).to_string())
}

/// Leaves tools out that are no functions, and with them what speaks of them: a choice of one that is gone, the choice
/// and `parallel_tool_calls` when none is left.
pub(super) fn functions_only(draft: &mut Draft<'_>) {
    let Some(Json::Array(mut list)) = draft.json("tools") else { return };
    let before = list.len();
    list.retain(|tool| tool.text("type") == Some("function"));
    if list.len() == before {
        return;
    }
    if list.is_empty() {
        ["tools", "tool_choice", "parallel_tool_calls"].iter().for_each(|name| draft.lose(name));
        return;
    }
    let named = draft.json("tool_choice").filter(|choice| choice.as_object().is_some());
    let chosen = |choice: &Json| choice.get("function").and_then(|f| f.text("name").map(str::to_owned));
    let is = |tool: &Json, name: &str| tool.get("function").and_then(|f| f.text("name")) == Some(name);
    if named.is_some_and(|c| !chosen(&c).is_some_and(|name| list.iter().any(|tool| is(tool, &name)))) {
        draft.lose("tool_choice");
    }
    draft.set("tools", Json::Array(list).to_string());
}

/// A wish for a search of the web becomes the host's tool, behind those of the request.
pub(super) fn browser_search(draft: &mut Draft<'_>) {
    if draft.get("web_search_options").is_none_or(|wish| wish == "null") {
        return;
    }
    draft.remove("web_search_options");
    let mut list = match draft.json("tools") {
        Some(Json::Array(list)) => list,
        _ => Vec::new(),
    };
    list.push(Json::object([("type", "browser_search")]));
    draft.set("tools", Json::Array(list).to_string());
}

/// Tools of Anthropic's language without `$schema` and `$id`; nothing when there are none.
pub(super) fn plain_schemas(raw: &str) -> Option<String> {
    if !names_uri(raw) {
        return None;
    }
    let mut list: Vec<Json> = serde_json::from_str(raw).ok()?;
    let schemas = list.iter_mut().filter_map(|tool| tool.get_mut("input_schema"));
    let changed = schemas.fold(false, |any, schema| without_uri(schema) | any);
    changed.then(|| Json::Array(list).to_string())
}

fn names_uri(raw: &str) -> bool {
    scan::has(raw, "\"$schema\"") || scan::has(raw, "\"$id\"")
}

/// Takes what names a schema out of it, at every depth.
fn without_uri(schema: &mut Json) -> bool {
    match schema {
        Json::Object(fields) => {
            let before = fields.len();
            fields.retain(|(key, _)| key != "$schema" && key != "$id");
            let removed = fields.len() < before;
            fields.iter_mut().fold(removed, |any, (_, value)| without_uri(value) | any)
        }
        Json::Array(items) => items.iter_mut().fold(false, |any, item| without_uri(item) | any),
        _ => false,
    }
}

/// Takes `additionalProperties: false` and `strict` out of a schema, at every depth.
fn open_objects(schema: &mut Json) -> bool {
    match schema {
        Json::Object(fields) => {
            let before = fields.len();
            fields.retain(|(key, value)| {
                !(key == "additionalProperties" && *value == Json::Bool(false)
                    || key == "strict" && value.as_bool().is_some())
            });
            let removed = fields.len() < before;
            fields.iter_mut().fold(removed, |any, (_, value)| open_objects(value) | any)
        }
        Json::Array(items) => items.iter_mut().fold(false, |any, item| open_objects(item) | any),
        _ => false,
    }
}
