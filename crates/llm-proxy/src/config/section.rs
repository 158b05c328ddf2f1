//! Typed reading of one map of the configuration: wrong kinds are errors, names nobody asked for are warnings.

use std::cell::RefCell;
use std::time::Duration;

use llm_types::{Json, Secret};
use serde::de::DeserializeOwned;

use super::node::{Entry, Node, Value};
use super::problem::{Mark, Problems, nearest};

/// A map that is being read. Every getter says what it expected when the value is something else.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    path: String,
    mark: Mark,
    entries: &'a [Entry],
    problems: &'a Problems,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// Opens a map; nothing for null, and an error for anything else.
    pub(crate) fn open(node: &'a Node, path: impl Into<String>, problems: &'a Problems) -> Option<Self> {
        let path = path.into();
        match &node.value {
            Value::Map(entries) => {
                Some(Self { path, mark: node.mark.clone(), entries, problems, asked: RefCell::default() })
            }
            Value::Null => None,
            _ => {
                problems.error(&node.mark, path, format!("expected a map, found {}", node.kind()));
                None
            }
        }
    }

    /// The path of a key of this map.
    #[must_use]
    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where the map begins.
    pub(crate) const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Where the value of a key is; where the map begins when it has no such key.
    #[must_use]
    pub(crate) fn mark_of(&self, key: &str) -> &Mark {
        self.find(key).map_or(&self.mark, |e| &e.node.mark)
    }

    /// The list of problems.
    #[must_use]
    pub(crate) const fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// All entries.
    pub(crate) const fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    fn find(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The value of a key that is there and not null.
    pub(crate) fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key);
        self.find(key).map(|e| &e.node).filter(|n| !n.is_null())
    }

    fn wrong(&self, key: &str, node: &Node, expected: &str) {
        let value = match &node.value {
            Value::Text(t) if !node.secret && !sensitive(key) && t.len() <= 40 => format!("the text {t:?}"),
            Value::Int(i) if !node.secret => i.to_string(),
            Value::Float(f) if !node.secret => f.to_string(),
            _ => node.kind().to_owned(),
        };
        self.problems.error(&node.mark, self.path(key), format!("expected {expected}, found {value}"));
    }

    /// Tells that a value is wrong.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) {
        self.problems.error(self.mark_of(key), self.path(key), message);
    }

    /// Tells that a value is odd.
    pub(crate) fn warn(&self, key: &str, message: impl Into<String>) {
        self.problems.warn(self.mark_of(key), self.path(key), message);
    }

    /// A text. Numbers and truth values count as what was written for them.
    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(t) => Some(t.clone()),
            Value::Int(i) => Some(i.to_string()),
            Value::Float(f) => Some(super::python::float(*f)),
            Value::Bool(b) if node.secret => Some(b.to_string()),
            _ => {
                self.wrong(key, node, "a text");
                None
            }
        }
    }

    /// A text that is not empty, kept secret.
    pub(crate) fn secret(&self, key: &'static str) -> Option<Secret> {
        self.text(key).filter(|t| !t.is_empty()).map(Secret::new)
    }

    /// True or false, also written as a text or as 0 and 1.
    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        let read = match &node.value {
            Value::Bool(b) => Some(*b),
            Value::Int(i @ (0 | 1)) => Some(*i == 1),
            Value::Text(t) => match t.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if read.is_none() {
            self.wrong(key, node, "true or false");
        }
        read
    }

    /// A number, also written as a text.
    pub(crate) fn number(&self, key: &'static str) -> Option<f64> {
        let node = self.node(key)?;
        let read = number(node);
        if read.is_none() {
            self.wrong(key, node, "a number");
        }
        read
    }

    /// A whole number that is not negative, also written as a text.
    pub(crate) fn whole(&self, key: &'static str) -> Option<u64> {
        let node = self.node(key)?;
        let read = number(node).filter(|n| n.fract() == 0.0 && (0.0..=9e15).contains(n)).map(|n| n as u64);
        if read.is_none() {
            self.wrong(key, node, "a whole number of 0 or more");
        }
        read
    }

    /// The same, of 32 bits.
    pub(crate) fn small(&self, key: &'static str) -> Option<u32> {
        self.whole(key).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// A size in megabytes (2^20 bytes), more than nothing, as bytes.
    pub(crate) fn megabytes(&self, key: &'static str) -> Option<usize> {
        let size = self.number(key)?;
        if size > 0.0 {
            return Some((size * 1_048_576.0) as usize);
        }
        self.error(key, "expected a size above 0");
        None
    }

    /// A map as it is, for whoever reads it later.
    pub(crate) fn map(&self, key: &'static str) -> Option<Json> {
        self.section(key).and(self.node(key)).map(Node::json)
    }

    /// A time in seconds.
    pub(crate) fn seconds(&self, key: &'static str) -> Option<Duration> {
        let node = self.node(key)?;
        let read = number(node).and_then(|n| Duration::try_from_secs_f64(n).ok());
        if read.is_none() {
            self.wrong(key, node, "a number of seconds");
        }
        read
    }

    /// A list of texts; a text alone is a list of one.
    pub(crate) fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        let node = self.node(key)?;
        if let Some(one) = node.text() {
            return Some(vec![one.to_owned()]);
        }
        if !matches!(node.value, Value::List(_)) {
            self.wrong(key, node, "a list of texts");
            return None;
        }
        let mut out = Vec::new();
        for (at, item) in node.items().iter().enumerate() {
            match item.text() {
                Some(text) => out.push(text.to_owned()),
                None if item.is_null() && item.secret => {}
                None => self.problems.error(
                    &item.mark,
                    format!("{}[{at}]", self.path(key)),
                    format!("expected a text, found {}", item.kind()),
                ),
            }
        }
        Some(out)
    }

    /// A list.
    pub(crate) fn list(&self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.node(key) else { return &[] };
        if !matches!(node.value, Value::List(_)) {
            self.wrong(key, node, "a list");
        }
        node.items()
    }

    /// A map.
    pub(crate) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let node = self.node(key)?;
        Section::open(node, self.path(key), self.problems)
    }

    /// A value of one of the crates' own types.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        match node.json().to_raw().read() {
            Ok(value) => Some(value),
            Err(e) => {
                // serde's place is one in a text that nobody wrote: the first entry that is wrong alone is the place.
                let text = shape(&e);
                let alone = |entry: &&Entry| {
                    let json = Json::Object(vec![(entry.key.clone(), entry.node.json())]);
                    json.to_raw().read::<T>().is_err_and(|e| shape(&e) == text)
                };
                let broken = node.entries().iter().find(alone);
                let (mark, path) = match broken {
                    Some(entry) => (&entry.node.mark, format!("{}.{}", self.path(key), entry.key)),
                    None => (&node.mark, self.path(key)),
                };
                let hidden =
                    node.secret || sensitive(key) || broken.is_some_and(|e| e.node.secret || sensitive(&e.key));
                let text = if hidden { "a value of another shape was expected".to_owned() } else { text };
                self.problems.error(mark, path, text);
                None
            }
        }
    }

    /// The entries, of those that nobody asked for yet, that have one of these names and switch something on.
    pub(crate) fn switched_on(&self, names: &'static str) -> Vec<&'a Entry> {
        let asked = self.asked.borrow();
        let among = |key: &str| names.split_ascii_whitespace().any(|n| n == key);
        let new = |e: &&Entry| among(&e.key) && !asked.contains(&e.key.as_str()) && !e.node.is_off();
        self.entries.iter().filter(new).collect()
    }

    /// Tells about keys that LiteLLM knows and this gateway does not serve yet. Values that switch nothing on are silent.
    pub(crate) fn not_served(&self, names: &'static str) {
        for entry in self.switched_on(names) {
            self.problems.warn(
                &entry.mark,
                self.path(&entry.key),
                "LiteLLM knows this setting; it has no effect here yet",
            );
        }
        self.accept(names);
    }

    /// Names that are right and need nothing from us.
    pub(crate) fn accept(&self, names: &'static str) {
        self.asked.borrow_mut().extend(names.split_ascii_whitespace());
    }

    /// Warns about every name that nobody asked for.
    pub(crate) fn finish(&self) {
        let asked = self.asked.borrow();
        // `x-...` is where people keep anchors.
        for entry in self.entries.iter().filter(|e| !asked.contains(&e.key.as_str()) && !e.key.starts_with("x-")) {
            let hint = nearest(&entry.key, asked.iter().copied()).map(|name| format!("did you mean `{name}`?"));
            let path = self.path(&entry.key);
            match hint {
                Some(hint) => self.problems.warn_hint(&entry.mark, path, "unknown key", hint),
                None => self.problems.warn(&entry.mark, path, "unknown key"),
            }
        }
    }
}

/// The message without serde's place.
fn shape(e: &serde_json::Error) -> String {
    let text = e.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The finite number that a node says, also as a text.
#[must_use]
pub(crate) fn number(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        Value::Text(t) => t.trim().parse().ok(),
        _ => None,
    }
    .filter(|f| f.is_finite())
}

/// Keys whose values nobody prints.
pub(crate) fn sensitive(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "password", "credential", "header"].iter().any(|s| key.contains(s))
        || ["key", "token", "url", "base"].iter().any(|s| key.ends_with(s))
}
