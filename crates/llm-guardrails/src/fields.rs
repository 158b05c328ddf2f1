//! Which fields of a body that is only relayed a guardrail looks at (`guardrails` of pass-through endpoints).
//!
//! Facts: LiteLLM's `PassThroughGuardrailSettings` (`request_fields`, `response_fields`) and its paths: names with dots
//! between them, `[*]` for every item of a list.

use llm_types::Json;
use llm_types::generate::Role;

use crate::guardrail::Direction;
use crate::json;
use crate::texts::{Scope, Texts};

/// The guardrails of an endpoint, each with its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets(Vec<Target>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Target {
    name: String,
    request: Option<Vec<FieldPath>>,
    response: Option<Vec<FieldPath>>,
}

/// A path to texts of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The fields of this name.
    Named(String),
    /// Every item of a list.
    Each,
}

impl Targets {
    /// Reads `guardrails`: a list of names, or a map from names to their fields.
    ///
    /// # Errors
    /// What is wrong, for people: a guardrail must not be lost on a typing error.
    pub fn read(json: &Json) -> Result<Self, String> {
        let named = |name: &str| Target { name: name.to_owned(), ..Target::default() };
        let all: Result<Vec<Target>, String> = match json {
            Json::Null => Ok(Vec::new()),
            Json::Array(names) => {
                let name =
                    |item: &Json| item.as_str().map(named).ok_or_else(|| "expected names of guardrails".to_owned());
                names.iter().map(name).collect()
            }
            Json::Object(fields) => fields
                .iter()
                .map(|(name, settings)| {
                    let mut target = named(name);
                    match settings {
                        Json::Null | Json::Bool(true) => {}
                        Json::Object(settings) => {
                            for (key, value) in settings {
                                match key.as_str() {
                                    "request_fields" => target.request = paths(value)?,
                                    "response_fields" => target.response = paths(value)?,
                                    other => return Err(format!("{name}: there is no setting {other:?}")),
                                }
                            }
                        }
                        _ => return Err(format!("{name}: expected request_fields and response_fields")),
                    }
                    Ok(target)
                })
                .collect(),
            _ => Err("expected a list of names, or a map from names to their fields".to_owned()),
        };
        all.map(Self)
    }

    /// True where no guardrail is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The guardrails.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|target| target.name.as_str())
    }

    /// What a guardrail looks at; nothing: everything.
    fn paths(&self, name: &str, direction: Direction) -> Option<&[FieldPath]> {
        let target = self.0.iter().find(|target| target.name == name)?;
        match direction {
            Direction::Request => target.request.as_deref(),
            Direction::Response => target.response.as_deref(),
        }
    }

    /// The part of a body that a guardrail looks at.
    pub(crate) fn part<'b>(&'b self, name: &str, direction: Direction, body: &'b mut Json) -> Part<'b> {
        Part { paths: self.paths(name, direction), body }
    }
}

fn paths(json: &Json) -> Result<Option<Vec<FieldPath>>, String> {
    if json.is_null() {
        return Ok(None);
    }
    let list = json.as_array().ok_or("expected a list of paths")?;
    let path = |item: &Json| item.as_str().and_then(FieldPath::read).ok_or_else(|| format!("{item} is no path"));
    list.iter().map(path).collect::<Result<_, _>>().map(Some)
}

impl FieldPath {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("$.").or_else(|| text.strip_prefix('$')).unwrap_or(text);
        let mut steps = Vec::new();
        for part in text.replace("[*]", ".[*]").trim_start_matches('.').split('.') {
            match part {
                "" => return None,
                "[*]" => steps.push(Step::Each),
                name if name.contains(['[', ']']) => return None,
                name => steps.push(Step::Named(name.to_owned())),
            }
        }
        Some(Self(steps))
    }
}

/// The part of a body that a guardrail looks at: every text of it, names included, or those below some paths.
#[derive(Debug)]
pub(crate) struct Part<'b> {
    paths: Option<&'b [FieldPath]>,
    body: &'b mut Json,
}

impl Texts for Part<'_> {
    fn visit(&mut self, _: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
        let mut each = |text: &mut String| each(None, text);
        match self.paths {
            None => json::strings_mut(self.body, &mut each),
            Some(paths) => {
                paths.iter().for_each(|p| p.visit(self.body, &mut |found| json::strings_mut(found, &mut each)))
            }
        }
    }
}

impl FieldPath {
    /// Calls `found` for everything that the path leads to.
    pub(crate) fn visit(&self, body: &mut Json, found: &mut dyn FnMut(&mut Json)) {
        follow(&self.0, body, found);
    }
}

fn follow(steps: &[Step], json: &mut Json, found: &mut dyn FnMut(&mut Json)) {
    match (steps, json) {
        ([], json) => found(json),
        ([Step::Named(name), rest @ ..], Json::Object(fields)) => {
            fields.iter_mut().filter(|(known, _)| known == name).for_each(|(_, value)| follow(rest, value, found));
        }
        ([Step::Each, rest @ ..], Json::Array(items)) => items.iter_mut().for_each(|item| follow(rest, item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn paths_name_texts() {
        let settings =
            r#"{"g":{"request_fields":["query","docs[*].text","$.rows[*][*]"],"response_fields":null},"h":null}"#;
        let targets = Targets::read(&json(settings)).unwrap();
        assert_eq!(targets.names().collect::<Vec<_>>(), ["g", "h"]);
        let seen = |name: &str, direction| {
            let mut body = json(
                r#"{"query":{"x":["b"]},"docs":[{"text":"c","id":"no"},{"text":7},"no"],"rows":[["d"],"no"],"other":"no"}"#,
            );
            let mut texts = Vec::new();
            targets.part(name, direction, &mut body).visit(Scope::default(), &mut |_, text| texts.push(text.clone()));
            texts
        };
        assert_eq!(seen("g", Direction::Request), ["x", "b", "c", "d"]);
        for all in [seen("g", Direction::Response), seen("h", Direction::Request), seen("unknown", Direction::Request)]
        {
            assert!(all.contains(&"no".to_owned()) && all.contains(&"other".to_owned()), "{all:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for wrong in [
            r#""g""#,
            "[1]",
            r#"{"g":{"request_field":["a"]}}"#,
            r#"{"g":{"request_fields":"a"}}"#,
            r#"{"g":{"request_fields":["a..b"]}}"#,
            r#"{"g":{"request_fields":["a[0]"]}}"#,
            r#"{"g":{"request_fields":[""]}}"#,
            r#"{"g":["a"]}"#,
        ] {
            assert!(Targets::read(&json(wrong)).is_err(), "{wrong}");
        }
        assert!(Targets::read(&json("[]")).unwrap().is_empty());
    }
}
