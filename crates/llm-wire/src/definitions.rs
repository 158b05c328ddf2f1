//! The definitions of a JSON schema (`$defs`), written out where references name them: most hosts take no references.
//!
//! A definition may name others, each of them several times: a schema of two kilobytes can stand for more nodes than any
//! memory holds. What is written out has a bound.

use std::collections::HashMap;

use llm_types::Json;

/// Nodes that are written out for one schema at the most; what is beyond stays a reference.
const MOST: usize = 100_000;
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

/// A definition.
#[derive(Debug)]
pub(crate) struct Definition {
    /// Where it stood: `$defs` or `definitions`.
    pub key: &'static str,
    /// Its name.
    pub name: String,
    /// The schema.
    pub schema: Json,
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
        let Some(found) = self.list.get(at).filter(|_| !self.open.contains(&at)) else { return Named::Stays };
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

    /// How many definitions are being written out inside of each other.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Every definition, for schemas whose references had to stay.
    pub(crate) fn into_all(self) -> Vec<Definition> {
        self.list
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
        Json::Object(fields) => fields.iter().map(|(_, value)| nodes(value)).sum::<usize>() + 1,
        Json::Array(items) => items.iter().map(nodes).sum::<usize>() + 1,
        _ => 1,
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use llm_types::RawJson;

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
