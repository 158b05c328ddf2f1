//! JSON schemas: what tools take, and the subset that native structured output takes.
//! <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>

use std::borrow::Cow;

use llm_types::{Json, RawJson};

use crate::definitions::{Definitions, Named};
use crate::top::Top;

/// Keys that the root of a tool's schema may have.
const ROOT: [&str; 6] = ["type", "properties", "additionalProperties", "required", "$defs", "strict"];

/// Keywords that structured output refuses, and how the description says them instead.
const RESTATED: [(&str, &str); 12] = [
    ("minItems", "minimum number of items"),
    ("maxItems", "maximum number of items"),
    ("uniqueItems", "items must be unique"),
    ("minimum", "minimum value"),
    ("maximum", "maximum value"),
    ("exclusiveMinimum", "exclusive minimum value"),
    ("exclusiveMaximum", "exclusive maximum value"),
    ("multipleOf", "multiple of"),
    ("minLength", "minimum length"),
    ("maxLength", "maximum length"),
    ("minProperties", "minimum number of properties"),
    ("maxProperties", "maximum number of properties"),
];

/// Keywords that structured output refuses and that are restated as they stand.
const RESTATED_RAW: [&str; 13] = [
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "if",
    "then",
    "else",
    "not",
    "contains",
    "prefixItems",
    "unevaluatedProperties",
    "unevaluatedItems",
];

/// The schema of a tool: its root is an object and has no keys but the allowed ones. Unchanged text is not copied.
pub(super) fn of_tool(schema: Option<&RawJson>) -> Cow<'_, str> {
    let Some(top) = schema.and_then(|s| s.read::<Top<'_>>().ok()) else {
        return Cow::Borrowed(r#"{"type":"object","properties":{}}"#);
    };
    let object = top.str("type").as_deref() == Some("object");
    if object && top.iter().all(|(k, _)| ROOT.contains(&k)) {
        return Cow::Borrowed(schema.map_or("{}", RawJson::get));
    }
    let mut edits: Vec<(&str, Option<&str>)> =
        top.iter().filter(|(k, _)| !ROOT.contains(k)).map(|(k, _)| (k, None)).collect();
    if !object {
        edits.push(("type", Some("\"object\"")));
        if top.get("properties").is_none() {
            edits.push(("properties", Some("{}")));
        }
    }
    Cow::Owned(String::from_utf8_lossy(&top.edited(&edits)).into_owned())
}

/// True when the root is something else than an object, so that a tool must wrap it.
pub(super) fn needs_wrapping(schema: &RawJson) -> bool {
    schema.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(|k| k != "object")).unwrap_or(false)
}

/// The schema in the subset that native structured output takes: definitions inlined, refused keywords said in words,
/// every object closed.
pub(super) fn for_output(schema: &RawJson) -> Json {
    let mut root: Json = schema.read().unwrap_or_default();
    let mut cleaner = Cleaner { defs: Definitions::take(&mut root), recursive: false };
    cleaner.clean(&mut root);
    if cleaner.recursive {
        // a type that contains itself cannot be inlined: it stays a definition
        let mut kept = Vec::new();
        while let Some((name, mut def)) = cleaner.defs.enter_nth(kept.len()) {
            cleaner.clean(&mut def);
            cleaner.defs.leave();
            kept.push((name, def));
        }
        root.set("$defs", Json::Object(kept));
    }
    root
}

struct Cleaner {
    defs: Definitions,
    /// Some references had to stay.
    recursive: bool,
}

impl Cleaner {
    fn clean(&mut self, node: &mut Json) {
        if let Some(path) = node.text("$ref").map(str::to_owned) {
            self.inline(node, &path);
            return;
        }
        restate(node);
        if let Some(any) = node.remove("oneOf") {
            node.set("anyOf", any);
        }
        drop_contradicting_type(node);
        for key in ["properties"] {
            if let Some(Json::Object(fields)) = node.get_mut(key) {
                fields.iter_mut().for_each(|(_, field)| self.clean(field));
            }
        }
        for key in ["anyOf", "allOf"] {
            if let Some(Json::Array(items)) = node.get_mut(key) {
                items.iter_mut().for_each(|item| self.clean(item));
            }
        }
        if let Some(items) = node.get_mut("items") {
            self.clean(items);
        }
        if is_object(node) {
            node.set("additionalProperties", false);
        }
    }

    fn inline(&mut self, node: &mut Json, path: &str) {
        let mut def = match self.defs.enter(path) {
            Named::Unknown => return,
            Named::Stays => return self.recursive = true,
            Named::Schema(def) => def,
        };
        if let Json::Object(fields) = node {
            // what stands beside the reference (a description) wins over the definition
            def.extend(fields.drain(..).filter(|(k, _)| k != "$ref"));
        }
        self.clean(&mut def);
        self.defs.leave();
        *node = def;
    }
}

fn is_object(node: &Json) -> bool {
    match node.get("type") {
        Some(Json::String(t)) => t == "object",
        Some(Json::Array(types)) => types.iter().any(|t| t.as_str() == Some("object")),
        _ => node.get("properties").is_some(),
    }
}

fn restate(node: &mut Json) {
    let mut notes = Vec::new();
    for (key, words) in RESTATED {
        if let Some(value) = node.remove(key) {
            notes.push(if key == "uniqueItems" { words.to_owned() } else { format!("{words}: {value}") });
        }
    }
    for key in RESTATED_RAW {
        if let Some(value) = node.remove(key) {
            notes.push(format!("{key}: {value}"));
        }
    }
    if notes.is_empty() {
        return;
    }
    let note = format!("Note: {}.", notes.join(", "));
    let text = match node.text("description") {
        Some(d) if !d.is_empty() => format!("{d} {note}"),
        _ => note,
    };
    node.set("description", text);
}

/// An `enum` with values of another type than `type` names: the values are right.
fn drop_contradicting_type(node: &mut Json) {
    let fits = |value: &Json, kind: &str| match value {
        Json::Null => kind == "null",
        Json::Bool(_) => kind == "boolean",
        Json::Number(n) => kind == "number" || (kind == "integer" && !n.is_f64()),
        Json::String(_) => kind == "string",
        Json::Array(_) => kind == "array",
        Json::Object(_) => kind == "object",
    };
    let (Some(values), Some(kind)) = (node.get("enum").and_then(Json::as_array), node.get("type")) else { return };
    let kinds: Vec<&str> = match kind {
        Json::Array(list) => list.iter().filter_map(Json::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if values.iter().any(|v| !kinds.iter().any(|k| fits(v, k))) {
        node.remove("type");
    }
}
