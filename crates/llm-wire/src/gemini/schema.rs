//! JSON schemas in the subset that Google's `Schema` knows (OpenAPI 3.0), as LiteLLM bends them: references are written
//! out, `null` becomes `nullable`, unknown keywords go. <https://ai.google.dev/api/caching#Schema>

use llm_types::{Json, RawJson};

use crate::definitions::{Definitions, Named};

/// How deep a schema may be nested; what is deeper is any object.
const DEPTH: usize = 100;

/// The keywords that are kept.
const KNOWN: [&str; 22] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "default",
    "items",
    "minItems",
    "maxItems",
    "enum",
    "properties",
    "propertyOrdering",
    "required",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
];

/// Google's schema of a JSON schema. `ordered`: the order of the properties is spelled out, too.
pub(super) fn for_google(schema: &RawJson, ordered: bool) -> Json {
    let mut tree: Json = schema.read().unwrap_or_default();
    if tree.as_object().is_none() {
        return tree;
    }
    let mut defs = Definitions::take(&mut tree);
    write_out(&mut tree, &mut defs);
    bend(&mut tree, 0);
    object_types(&mut tree);
    filter(&mut tree, ordered);
    tree
}

/// Puts definitions in place of references to them. A definition that needs itself is any object there.
fn write_out(node: &mut Json, defs: &mut Definitions) {
    if let Some(name) = node.text("$ref").and_then(|r| r.rsplit('/').next()).map(str::to_owned) {
        let Named::Schema(definition) = defs.enter_named(&name) else {
            return *node = Json::object([("type", "object")]);
        };
        *node = definition;
        children(node, &mut |child| write_out(child, defs));
        defs.leave();
        return;
    }
    children(node, &mut |child| write_out(child, defs));
}

/// The schemas inside of a schema.
fn children(node: &mut Json, each: &mut dyn FnMut(&mut Json)) {
    let Json::Object(fields) = node else { return };
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "$defs" | "definitions", Json::Object(list)) => {
                list.iter_mut().for_each(|(_, child)| each(child));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Json::Array(list)) => list.iter_mut().for_each(&mut *each),
            ("items" | "additionalProperties", child @ Json::Object(_)) => each(child),
            _ => {}
        }
    }
}

/// Types, nulls, enums and items, from the outside in.
fn bend(node: &mut Json, depth: usize) {
    if depth > DEPTH {
        return *node = Json::object([("type", "object")]);
    }
    if let Some(Json::Array(types)) = node.get("type") {
        let any = types.iter().map(|t| Json::object([("type", t.clone())])).collect();
        node.remove("type");
        if node.get("anyOf").is_none() {
            node.set("anyOf", Json::Array(any));
        }
    }
    nullable(node);
    enums(node);
    let array = node.text("type").is_some_and(|t| t.eq_ignore_ascii_case("array"));
    let empty = |items: &Json| items.as_object().is_some_and(<[_]>::is_empty);
    if node.get("items").map_or(array, empty) {
        node.set("items", Json::object([("type", "object")]));
    }
    children(node, &mut |child| bend(child, depth + 1));
}

fn nullable(node: &mut Json) {
    let Some(Json::Array(any)) = node.get_mut("anyOf") else { return };
    let is_null = |s: &Json| s.text("type").is_some_and(|t| t.eq_ignore_ascii_case("null"));
    let before = any.len();
    any.retain(|s| !is_null(s));
    if any.is_empty() {
        node.remove("anyOf");
        return node.set("nullable", true);
    }
    if any.len() < before {
        any.iter_mut().for_each(|s| s.set("nullable", true));
    }
}

/// Enums are for strings only, and an empty string stands for null.
fn enums(node: &mut Json) {
    let is_text = |s: &Json| s.text("type").is_some_and(|t| t.eq_ignore_ascii_case("string"));
    let text = is_text(node) || node.get("anyOf").and_then(Json::as_array).is_some_and(|any| any.iter().any(is_text));
    if !text {
        node.remove("enum");
        return;
    }
    if let Some(Json::Array(values)) = node.get_mut("enum") {
        values.iter_mut().filter(|v| v.as_str() == Some("")).for_each(|v| *v = Json::Null);
    }
}

/// Every schema has a type; objects without properties do not say so.
fn object_types(node: &mut Json) {
    let typed = ["type", "anyOf", "oneOf", "allOf"].iter().any(|k| node.get(k).is_some());
    if !typed {
        node.set("type", "object");
    }
    if let Some(properties) = node.get("properties") {
        if properties.as_object().is_none_or(<[_]>::is_empty) {
            node.remove("properties");
            node.remove("required");
        }
        node.set("type", "object");
    }
    if node.get("required").is_some_and(Json::is_null) {
        node.remove("required");
    }
    children(node, &mut object_types);
}

fn filter(node: &mut Json, ordered: bool) {
    if let Json::Object(fields) = node {
        fields.retain(|(key, value)| match key.as_str() {
            "format" => matches!(value.as_str(), Some("enum" | "date-time")),
            "default" => !value.is_null(),
            key => KNOWN.contains(&key),
        });
    }
    if ordered && let Some(properties) = node.get("properties").and_then(Json::as_object) {
        let names = properties.iter().map(|(name, _)| Json::from(name.as_str())).collect();
        node.set("propertyOrdering", Json::Array(names));
    }
    children(node, &mut |child| filter(child, ordered));
}

/// A JSON schema of Google's schema: type names are small there.
pub(super) fn to_json_schema(schema: &RawJson) -> RawJson {
    let mut tree: Json = schema.read().unwrap_or_default();
    small_types(&mut tree);
    tree.to_raw()
}

fn small_types(node: &mut Json) {
    if let Some(Json::String(name)) = node.get_mut("type") {
        name.make_ascii_lowercase();
    }
    children(node, &mut small_types);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bent(schema: &str) -> String {
        for_google(&RawJson::parse(schema).unwrap(), false).to_string()
    }

    #[test]
    fn a_small_schema_cannot_become_a_huge_one() {
        let told = for_google(&crate::definitions::testing::doubling(60), false).to_string();
        assert!(told.len() < 20 << 20, "{}", told.len());
        for_google(&crate::definitions::testing::chain(30_000), false);
    }

    #[test]
    fn keywords_that_google_does_not_know_go() {
        let trip = r##"{"type":"object","properties":{"stops":{"type":"array","items":{"$ref":"#/$defs/Stop"},"minItems":1},
            "budget":{"anyOf":[{"type":"number"},{"type":"null"}],"default":null},"mode":{"type":"string","enum":["car",""]},
            "when":{"type":"string","format":"date"},"opts":{"type":"object","additionalProperties":{"type":"string"}},
            "level":{"type":["integer","null"],"enum":[1,2]},"list":{"type":"array"},"any":{}},"required":["stops"],
            "$defs":{"Stop":{"type":"object","properties":{"city":{"type":"string"},"next":{"$ref":"#/$defs/Stop"}},
            "additionalProperties":false}},"additionalProperties":false}"##;
        let want = r#"{"type":"object","properties":{"stops":{"type":"array","items":{"type":"object","properties":{"city":{"type":"string"},"next":{"type":"object"}}},"minItems":1},"budget":{"anyOf":[{"type":"number","nullable":true}]},"mode":{"type":"string","enum":["car",null]},"when":{"type":"string"},"opts":{"type":"object"},"level":{"anyOf":[{"type":"integer","nullable":true}]},"list":{"type":"array","items":{"type":"object"}},"any":{"type":"object"}},"required":["stops"]}"#;
        assert_eq!(bent(trip), want);
    }

    #[test]
    fn empty_objects_say_only_their_type() {
        assert_eq!(bent(r#"{"type":"object","properties":{},"required":[]}"#), r#"{"type":"object"}"#);
        assert_eq!(bent("{}"), r#"{"type":"object"}"#);
    }

    #[test]
    fn the_order_of_properties_is_spelled_out_where_wanted() {
        let schema = RawJson::parse(r#"{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}}}"#);
        let tree = for_google(&schema.unwrap(), true);
        assert_eq!(tree.get("propertyOrdering").unwrap().to_string(), r#"["b","a"]"#);
    }

    #[test]
    fn type_names_become_small() {
        let own = RawJson::parse(r#"{"type":"OBJECT","properties":{"type":{"type":"STRING"}}}"#).unwrap();
        assert_eq!(to_json_schema(&own).get(), r#"{"type":"object","properties":{"type":{"type":"string"}}}"#);
    }
}
