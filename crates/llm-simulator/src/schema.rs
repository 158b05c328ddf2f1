//! An instance of a JSON schema: the smallest answer a strict model would give.

use serde_json::{Map, Value, json};

/// Recursive schemas end here.
const DEEPEST: usize = 12;

/// A value that fits `schema` as far as `type`, `enum`, `const`, `properties`, `items`, `minItems`, `minimum`, `anyOf`,
/// `oneOf`, `allOf` and local `$ref` go. All properties are present, as strict structured output demands.
pub(crate) fn instance(schema: &Value) -> Value {
    build(schema, schema, 0)
}

fn build(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(fixed) = schema.get("const") {
        return fixed.clone();
    }
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|options| options.first()) {
        return first.clone();
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return found.map_or(Value::Null, |inner| build(inner, root, depth + 1));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(key).and_then(Value::as_array).and_then(|options| options.first()) {
            return build(first, root, depth + 1);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    };
    match kind {
        "object" => object(schema, root, depth),
        "array" => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 16);
            let item = schema.get("items").map_or(Value::Null, |items| build(items, root, depth + 1));
            Value::Array((0..least).map(|_| item.clone()).collect())
        }
        "integer" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1.5)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!("sample"),
    }
}

fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let mut out = Map::new();
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, inner) in properties {
            out.insert(name.clone(), build(inner, root, depth + 1));
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_gets_a_value_of_its_type() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string"}, "age": {"type": "integer", "minimum": 3}, "ok": {"type": "boolean"},
                "unit": {"enum": ["c", "f"]}, "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
                "place": {"$ref": "#/$defs/place"}, "maybe": {"type": ["null", "string"]},
                "either": {"anyOf": [{"type": "number"}, {"type": "string"}]}
            },
            "$defs": {"place": {"type": "object", "properties": {"city": {"const": "Paris"}}}}
        });
        assert_eq!(
            instance(&schema),
            json!({"name": "sample", "age": 3, "ok": true, "unit": "c", "tags": ["sample", "sample"],
                   "place": {"city": "Paris"}, "maybe": null, "either": 1.5})
        );
    }

    #[test]
    fn recursion_ends() {
        let schema =
            json!({"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}});
        assert!(instance(&schema).is_object());
    }
}
