//! The definitions of a JSON schema (`$defs`), written out where references name them: most hosts take no references.
//!
//! A definition may name others, each of them several times: a schema of two kilobytes can stand for more nodes than any
//! memory holds. What is written out has a bound.

use std::collections::HashMap;

use llm_types::Json;

/// Nodes that are written out for one schema at the most; what is beyond stays a reference.
const MOST: usize = 100_000;
/// Bytes of text that count as a node more.
const TEXT: usize = 256;
/// Definitions that are written out inside of each other at the most: each takes a piece of the stack.
const DEEPEST: usize = 100;
/// Where schemas keep their definitions.
const KEYS: [&str; 2] = ["$defs", "definitions"];

/// The definitions of one schema.
#[derive(Debug)]
pub(crate) struct Definitions {
    /// By the reference that names them: `#/$defs/Name`.
    places: HashMap<String, usize>,
    list: Vec<Definition>,
    /// Those that are being written out right now.
    open: Vec<usize>,
    /// Nodes that may still be written out.
    left: usize,
}

#[derive(Debug)]
struct Definition {
    /// Where it stood: `$defs` or `definitions`.
    key: &'static str,
    name: String,
    schema: Json,
    nodes: usize,
}

/// What a reference names.
#[derive(Debug)]
pub(crate) enum Named {
    /// Nothing that is known.
    Unknown,
    /// A definition inside of itself, or one for which there is no room: it cannot be written out here.
    Stays,
    /// A copy of the definition. It is open until [`Definitions::leave`].
    Schema(Json),
}

impl Definitions {
    /// Takes the definitions out of a schema.
    pub(crate) fn take(root: &mut Json) -> Self {
        let mut out = Self { places: HashMap::new(), list: Vec::new(), open: Vec::new(), left: MOST };
        for key in KEYS {
            let Some(Json::Object(found)) = root.remove(key) else { continue };
            for (name, schema) in found {
                out.places.insert(format!("#/{key}/{name}"), out.list.len());
                out.list.push(Definition { key, name, nodes: nodes(&schema), schema });
            }
        }
        out
    }

    /// Begins to write out what a reference names.
    pub(crate) fn enter(&mut self, reference: &str) -> Named {
        match self.places.get(reference) {
            Some(at) => self.enter_at(*at),
            None => Named::Unknown,
        }
    }

    /// The same by the last word of a reference, wherever the definition stands.
    pub(crate) fn enter_named(&mut self, name: &str) -> Named {
        match KEYS.iter().find_map(|key| self.places.get(&format!("#/{key}/{name}"))) {
            Some(at) => self.enter_at(*at),
            None => Named::Unknown,
        }
    }

    fn enter_at(&mut self, at: usize) -> Named {
        let inside = self.open.len() >= DEEPEST || self.open.contains(&at);
        let Some(found) = self.list.get(at).filter(|_| !inside) else { return Named::Stays };
        let Some(left) = self.left.checked_sub(found.nodes) else { return Named::Stays };
        let schema = found.schema.clone();
        self.left = left;
        self.open.push(at);
        Named::Schema(schema)
    }

    /// What was entered last is written out.
    pub(crate) fn leave(&mut self) {
        self.open.pop();
    }

    /// Puts every definition back where it stood, for schemas whose references had to stay.
    pub(crate) fn put_back(self, root: &mut Json) {
        let mut rest = self.list;
        for key in KEYS {
            let (own, others): (Vec<Definition>, Vec<Definition>) =
                rest.into_iter().partition(|found| found.key == key);
            rest = others;
            let own = own.into_iter().map(|found| (found.name, found.schema));
            match root.get_mut(key) {
                Some(kept) => kept.extend(own),
                None if own.len() > 0 => root.set(key, Json::Object(own.collect())),
                None => {}
            }
        }
    }

    /// Begins to write out every definition in itself, one after the other; see [`Definitions::leave`].
    pub(crate) fn enter_nth(&mut self, at: usize) -> Option<(String, Json)> {
        let found = self.list.get(at)?;
        self.open.push(at);
        Some((found.name.clone(), found.schema.clone()))
    }
}

fn nodes(schema: &Json) -> usize {
    match schema {
        Json::Object(fields) => fields.iter().map(|(name, value)| name.len() / TEXT + nodes(value)).sum::<usize>() + 1,
        Json::Array(items) => items.iter().map(nodes).sum::<usize>() + 1,
        Json::String(text) => text.len() / TEXT + 1,
        _ => 1,
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use llm_types::RawJson;

    /// A schema of `length` definitions, each of which names the next one.
    pub(crate) fn chain(length: usize) -> RawJson {
        let next = |at: usize| {
            format!(r##""d{at}":{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d{}"}}}}}}"##, at + 1)
        };
        let defs: Vec<String> = (0..length).map(next).collect();
        let root = r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/d0"}},"$defs":{"##;
        RawJson::parse(format!("{root}{},\"d{length}\":{{\"type\":\"string\"}}}}}}", defs.join(","))).expect("JSON")
    }

    /// A schema with one long definition that is named many times.
    pub(crate) fn repeated(bytes: usize, times: usize) -> RawJson {
        let uses: Vec<String> = (0..times).map(|at| format!(r##""p{at}":{{"$ref":"#/$defs/d"}}"##)).collect();
        let long = "x".repeat(bytes);
        let root = format!(
            r#"{{"type":"object","properties":{{{}}},"$defs":{{"d":{{"type":"string","description":"{long}"}}}}}}"#,
            uses.join(",")
        );
        RawJson::parse(root).expect("JSON")
    }

    /// A schema of `depth` definitions, each of which names the next one twice.
    pub(crate) fn doubling(depth: usize) -> RawJson {
        let twice = |at: usize| {
            format!(
                r##"{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d{at}"}},"b":{{"$ref":"#/$defs/d{at}"}}}}}}"##
            )
        };
        let defs: Vec<String> = (0..depth).map(|at| format!(r#""d{at}":{}"#, twice(at + 1))).collect();
        let root = format!(
            r##"{{"type":"object","properties":{{"x":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{},"d{depth}":{{"type":"string"}}}}}}"##,
            defs.join(",")
        );
        RawJson::parse(root).expect("JSON")
    }
}
