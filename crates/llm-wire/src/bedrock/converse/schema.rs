//! JSON schemas of tools and of answers.

use llm_types::{Json, RawJson};

use crate::definitions::{Definitions, Named};

/// The schema of a tool: an object whose root says little, definitions in place of references, no nulls.
pub(super) fn of_tool(schema: Option<&RawJson>, closed_roots: bool) -> Json {
    let given = schema.map(|s| inlined(s.read().unwrap_or_default())).unwrap_or_default();
    let mut out = Json::object([("type", "object")]);
    let take = |key: &str| given.get(key).filter(|v| !v.is_null()).cloned();
    out.set("properties", take("properties").unwrap_or_else(|| Json::Object(Vec::new())));
    out.set("required", take("required").unwrap_or_else(|| Json::Array(Vec::new())));
    let more =
        if closed_roots { &["additionalProperties", "$defs", "definitions"][..] } else { &["$defs", "definitions"] };
    for key in more {
        if let Some(value) = take(key) {
            out.set(key, value);
        }
    }
    without_nulls(&mut out);
    out
}

/// The schema of an answer, for models that take one: every object is closed.
pub(super) fn of_answer(schema: &RawJson) -> Json {
    let mut tree: Json = schema.read().unwrap_or_default();
    close(&mut tree);
    tree
}

/// True when the root is something else than an object, so that a tool must wrap it.
pub(super) fn needs_wrapping(schema: &RawJson) -> bool {
    let tree: Json = schema.read().unwrap_or_default();
    tree.text("type").is_some_and(|k| k != "object")
}

fn close(node: &mut Json) {
    match node {
        Json::Object(fields) => {
            fields.iter_mut().for_each(|(_, value)| close(value));
            let object = node.text("type") == Some("object");
            if object && node.get("additionalProperties").is_none() {
                node.set("additionalProperties", false);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Fields that are null say nothing; null as one of several values does.
fn without_nulls(node: &mut Json) {
    match node {
        Json::Object(fields) => {
            fields.retain(|(_, value)| !value.is_null());
            fields.iter_mut().for_each(|(_, value)| without_nulls(value));
        }
        Json::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// References to definitions replaced by them. Definitions that contain themselves stay, and so do references to them.
fn inlined(mut root: Json) -> Json {
    let mut inliner = Inliner { defs: Definitions::take(&mut root), kept: false };
    inliner.walk(&mut root);
    if inliner.kept {
        inliner.defs.put_back(&mut root);
    }
    root
}

struct Inliner {
    defs: Definitions,
    /// Some references had to stay.
    kept: bool,
}

impl Inliner {
    fn walk(&mut self, node: &mut Json) {
        if let Some(path) = node.text("$ref").map(str::to_owned) {
            return self.inline(node, &path);
        }
        match node {
            Json::Object(fields) => fields.iter_mut().for_each(|(_, value)| self.walk(value)),
            Json::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            _ => {}
        }
    }

    fn inline(&mut self, node: &mut Json, path: &str) {
        let mut def = match self.defs.enter(path) {
            Named::Unknown => return,
            Named::Stays => return self.kept = true,
            Named::Schema(def) => def,
        };
        self.walk(&mut def);
        self.defs.leave();
        if let Json::Object(fields) = node {
            // what stands beside the reference (a description) wins over the definition
            def.extend(fields.drain(..).filter(|(k, _)| k != "$ref"));
        }
        *node = def;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(text: &str, closed: bool) -> String {
        of_tool(Some(&RawJson::parse(text).unwrap()), closed).to_string()
    }

    #[test]
    fn roots_are_objects_and_say_little() {
        let text = r#"{"type":"object","title":"T","additionalProperties":false,"properties":{"a":{"type":"string","default":null,"enum":["x",null]}}}"#;
        let a = r#""properties":{"a":{"type":"string","enum":["x",null]}},"required":[]"#;
        assert_eq!(tool(text, true), format!(r#"{{"type":"object",{a},"additionalProperties":false}}"#));
        assert_eq!(tool(text, false), format!(r#"{{"type":"object",{a}}}"#));
        assert_eq!(of_tool(None, false).to_string(), r#"{"type":"object","properties":{},"required":[]}"#);
    }

    #[test]
    fn references_are_replaced_unless_they_have_no_end() {
        let text = r##"{"type":"object","properties":{"s":{"$ref":"#/$defs/S","description":"d"}},"$defs":{"S":{"type":"string","description":"e"}}}"##;
        assert!(tool(text, false).contains(r#""s":{"type":"string","description":"d"}"#));
        let text = r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}}}"##;
        assert!(tool(text, false).contains(r##""$defs":{"N":"##), "{}", tool(text, false));
    }

    #[test]
    fn a_small_schema_cannot_become_a_huge_one() {
        let doubling = crate::definitions::testing::doubling(60);
        let told = of_tool(Some(&doubling), false).to_string();
        assert!(told.len() < 20 << 20 && told.contains(r##""$ref":"#/$defs/d59""##), "{}", told.len());
        let long = of_tool(Some(&crate::definitions::testing::repeated(1 << 16, 4000)), false).to_string();
        assert!(long.len() < 40 << 20, "{}", long.len());
    }

    #[test]
    fn a_long_chain_of_definitions_does_not_exhaust_the_stack() {
        let told = of_tool(Some(&crate::definitions::testing::chain(30_000)), false).to_string();
        assert!(told.contains(r##""$ref":"#/$defs/d29999""##));
    }

    #[test]
    fn objects_of_answers_are_closed() {
        let text = r#"{"type":"object","properties":{"o":{"type":"object","additionalProperties":true},"p":{"type":"object"}}}"#;
        let closed = of_answer(&RawJson::parse(text).unwrap()).to_string();
        assert!(closed.contains(r#""o":{"type":"object","additionalProperties":true}"#));
        assert!(closed.contains(r#""p":{"type":"object","additionalProperties":false}"#));
        assert!(closed.ends_with(r#""additionalProperties":false}"#));
    }
}
