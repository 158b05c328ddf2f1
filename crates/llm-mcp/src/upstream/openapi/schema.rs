//! Schemas without references: a client of MCP has no document in which it could look them up.

use std::borrow::Cow;

use llm_types::Json;

/// Levels of a schema that are written out.
const DEEPEST: usize = 24;
/// Values of one tool's schema that are written out.
const OF_A_TOOL: usize = 4_000;
/// The same for all tools of a document.
const OF_ALL: usize = 400_000;
/// What a schema says to people and programs that draw pages: models do without.
const DROPPED: [&str; 5] = ["example", "examples", "xml", "externalDocs", "discriminator"];

/// Writes references out. What goes in circles, deeper than [`DEEPEST`] or beyond what may be written becomes a schema that
/// allows everything: what is left out is the API's to refuse.
#[derive(Debug)]
pub(super) struct Writer<'d> {
    root: &'d Json,
    all: usize,
    tool: usize,
}

impl<'d> Writer<'d> {
    /// A writer for the schemas of a document.
    pub(super) const fn new(root: &'d Json) -> Self {
        Self { root, all: OF_ALL, tool: OF_A_TOOL }
    }

    /// The next tool begins.
    pub(super) const fn begin(&mut self) {
        self.tool = OF_A_TOOL;
    }

    /// A schema, written out.
    pub(super) fn write(&mut self, schema: &'d Json) -> Json {
        self.value(schema, &mut Vec::new(), false)
    }

    /// `names`: the fields of this object are names of somebody's own, no words of a schema.
    fn value(&mut self, json: &'d Json, trail: &mut Vec<&'d str>, names: bool) -> Json {
        if self.all == 0 || self.tool == 0 || trail.len() > DEEPEST {
            return Json::Object(Vec::new());
        }
        self.all -= 1;
        self.tool -= 1;
        match json {
            Json::Object(fields) => {
                if let Some(to) = json.text("$ref").filter(|_| !names) {
                    let found = resolved(self.root, to).filter(|_| !trail.contains(&to));
                    let Some(found) = found else { return Json::Object(Vec::new()) };
                    return self.below(found, to, trail, false);
                }
                let kept = fields
                    .iter()
                    .filter(|(name, _)| names || !(DROPPED.contains(&name.as_str()) || name.starts_with("x-")));
                let mut out = Vec::new();
                for (name, value) in kept {
                    let literal = !names && matches!(name.as_str(), "enum" | "const" | "default" | "required");
                    let value =
                        if literal { value.clone() } else { self.below(value, name, trail, is_map(name, names)) };
                    out.push((name.clone(), value));
                }
                Json::Object(out)
            }
            Json::Array(items) => Json::Array(items.iter().map(|item| self.below(item, "", trail, false)).collect()),
            other => other.clone(),
        }
    }

    fn below(&mut self, json: &'d Json, step: &'d str, trail: &mut Vec<&'d str>, names: bool) -> Json {
        trail.push(step);
        let out = self.value(json, trail, names);
        trail.pop();
        out
    }
}

/// True for words whose value is a map from somebody's own names to schemas.
fn is_map(name: &str, names: bool) -> bool {
    !names && matches!(name, "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas")
}

/// What a reference within the document (`#/components/...`) names; nothing for other documents.
pub(super) fn resolved<'d>(root: &'d Json, to: &str) -> Option<&'d Json> {
    to.strip_prefix("#/")?.split('/').try_fold(root, |at, step| {
        let step = percent(step).replace("~1", "/").replace("~0", "~");
        match at {
            Json::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(&step),
        }
    })
}

/// What stands behind a chain of references; itself where it is none.
pub(super) fn followed<'d>(root: &'d Json, mut json: &'d Json) -> Option<&'d Json> {
    for _ in 0..8 {
        let Some(to) = json.text("$ref") else { return Some(json) };
        json = resolved(root, to)?;
    }
    None
}

/// Percent escapes of a fragment, undone.
fn percent(step: &str) -> Cow<'_, str> {
    if !step.contains('%') {
        return Cow::Borrowed(step);
    }
    let pair = format!("s={}", step.replace('+', "%2B"));
    let undone = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    undone.map_or(Cow::Borrowed(step), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn references_are_written_out_and_circles_end() {
        let root = json(
            r##"{"components":{"schemas":{
                "Pet":{"type":"object","x-own":1,"example":{"a":1},"properties":{"example":{"type":"string"},
                    "$ref":{"type":"string"},"owner":{"$ref":"#/components/schemas/Own~1er"}}},
                "Own/er":{"type":"object","properties":{"pets":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}
            }}}"##,
        );
        let schema = json(r##"{"$ref":"#/components/schemas/Pet"}"##);
        let written = Writer::new(&root).write(&schema).to_string();
        assert_eq!(
            written,
            r#"{"type":"object","properties":{"example":{"type":"string"},"$ref":{"type":"string"},"owner":{"type":"object","properties":{"pets":{"type":"array","items":{}}}}}}"#
        );
        assert_eq!(Writer::new(&root).write(&json(r#"{"$ref":"http://other/x"}"#)).to_string(), "{}");
    }

    #[test]
    fn a_schema_is_bounded() {
        // Each level doubles: written out it would have 2^40 values.
        let level = |at: usize| {
            let next = format!("{{\"$ref\":\"#/s/{}\"}}", at + 1);
            format!("{{\"properties\":{{\"a\":{next},\"b\":{next}}}}}")
        };
        let levels: Vec<String> = (0..40).map(level).collect();
        let root = json(&format!("{{\"s\":[{}]}}", levels.join(",")));
        let schema = json(r##"{"$ref":"#/s/0"}"##);
        assert!(Writer::new(&root).write(&schema).to_string().len() < 200_000);
    }
}
