//! The environment a configuration is read under: that of the process, and `environment_variables` over it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::node::{Node, Value};
use super::problem::{Mark, Problems};

pub(super) const REFERENCE: &str = "os.environ/";

/// Environment variables, looked up by name.
///
/// `environment_variables` of a configuration lie over those of the process; they are not exported to it, which Rust
/// counts as unsafe once threads run.
#[derive(Clone, Default)]
pub struct Environment {
    /// What a secret manager said: it wins, as in LiteLLM.
    held: Arc<Vec<(String, String)>>,
    over: Arc<Vec<(String, String)>>,
    /// `None`: the process.
    base: Option<Arc<HashMap<String, String>>>,
}

impl Environment {
    /// The environment of the process.
    #[must_use]
    pub fn process() -> Self {
        Self::default()
    }

    /// These variables and no others.
    pub fn of<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let base = variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self { base: Some(Arc::new(base)), ..Self::default() }
    }

    /// The value of a variable; an empty one counts as set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.laid_over().find(|(n, _)| n == name) {
            return Some(value.clone());
        }
        match &self.base {
            Some(base) => base.get(name).cloned(),
            None => std::env::var(name).ok(),
        }
    }

    /// The value of a variable that is not empty.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|v| !v.is_empty())
    }

    /// The same for a variable that has to be there.
    ///
    /// # Errors
    /// That it is not, for people.
    pub fn needed(&self, name: &str) -> Result<String, String> {
        self.filled(name).ok_or_else(|| format!("{name} is not set"))
    }

    /// A variable that is a number of seconds.
    ///
    /// # Errors
    /// For anything else, for people.
    pub fn seconds(&self, name: &str) -> Result<Option<Duration>, String> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        let seconds = text.trim().parse().ok().and_then(llm_client::target::seconds);
        seconds.map(Some).ok_or_else(|| format!("{name} is no number of seconds"))
    }

    /// True for `false`, in any case.
    #[must_use]
    pub fn is_false(&self, name: &str) -> bool {
        self.filled(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("false"))
    }

    /// True for `true`, `1`, `yes` and `on`, in any case.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| matches!(v.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"))
    }

    fn laid_over(&self) -> impl Iterator<Item = &(String, String)> {
        self.held.iter().chain(self.over.iter())
    }

    /// What a secret manager and the configuration laid over the environment of the process; each name once.
    #[must_use]
    pub fn overlay(&self) -> Vec<(String, String)> {
        let held = |name: &str| self.held.iter().any(|(known, _)| known == name);
        let over = self.over.iter().filter(|(name, _)| !held(name));
        self.held.iter().chain(over).cloned().collect()
    }

    /// What the configuration says of variables.
    pub(super) fn over(&self) -> &[(String, String)] {
        &self.over
    }

    /// The same with variables laid over it.
    #[must_use]
    pub fn with(&self, over: Vec<(String, String)>) -> Self {
        Self { over: Arc::new(over), ..self.clone() }
    }

    /// The same with what a secret manager said.
    #[must_use]
    pub fn holding(&self, held: Vec<(String, String)>) -> Self {
        Self { held: Arc::new(held), ..self.clone() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.laid_over().map(|(n, _)| n).collect();
        f.debug_struct("Environment").field("over", &names).finish_non_exhaustive()
    }
}

/// Names that change how programs run rather than what they are told.
fn dangerous(name: &str) -> bool {
    ["LD_", "DYLD_", "PYTHON"].iter().any(|p| name.starts_with(p))
        || matches!(
            name,
            "PATH" | "HOME" | "SHELL" | "IFS" | "ENV" | "BASH_ENV" | "NODE_OPTIONS" | "PERL5OPT" | "RUBYOPT"
        )
}

/// Lays `environment_variables` over the environment.
pub(crate) fn overlay(root: &Node, env: &Environment, problems: &Problems) -> Environment {
    let Some(section) = root.get("environment_variables") else { return env.clone() };
    if !matches!(section.value, Value::Map(_) | Value::Null) {
        problems.error(
            &section.mark,
            "environment_variables",
            format!("expected a map of names and values, found {}", section.kind()),
        );
        return env.clone();
    }
    let mut over = Vec::new();
    for entry in section.entries() {
        let key = format!("environment_variables.{}", entry.key);
        if dangerous(&entry.key) {
            problems.warn(&entry.mark, key, "this variable may not be set by a configuration; it is ignored");
            continue;
        }
        let value = match &entry.node.value {
            Value::Null => continue,
            Value::Text(text) => match text.strip_prefix(REFERENCE) {
                Some(name) => match env.get(name) {
                    Some(value) => value,
                    None => {
                        problems.warn(&entry.node.mark, key, format!("the environment variable {name} is not set"));
                        continue;
                    }
                },
                None => text.clone(),
            },
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(i) => i.to_string(),
            Value::Float(f) => super::python::float(*f),
            Value::List(_) | Value::Map(_) => {
                problems.error(&entry.node.mark, key, format!("expected a text, found {}", entry.node.kind()));
                continue;
            }
        };
        over.push((entry.key.clone(), value));
    }
    env.with(over)
}

/// Replaces `os.environ/NAME` everywhere but in `environment_variables`, which are read before, by the value of the variable; by null, and a warning, when it is not set.
pub(crate) fn resolve(node: &mut Node, env: &Environment, problems: &Problems) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries.iter_mut().filter(|e| e.key != "environment_variables") {
        walk(&mut entry.node, &mut entry.key.clone(), env, problems);
    }
}

fn walk(node: &mut Node, path: &mut String, env: &Environment, problems: &Problems) {
    let here = path.len();
    match &mut node.value {
        Value::Text(text) => {
            let Some(name) = text.strip_prefix(REFERENCE) else { return };
            node.value = match env.get(name) {
                Some(value) => from_text(value),
                None => {
                    unset(&node.mark, path, name, problems);
                    Value::Null
                }
            };
            node.secret = true;
        }
        Value::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                path.push_str(&format!("[{at}]"));
                walk(item, path, env, problems);
                path.truncate(here);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                if here > 0 {
                    path.push('.');
                }
                path.push_str(&entry.key);
                walk(&mut entry.node, path, env, problems);
                path.truncate(here);
            }
        }
        _ => {}
    }
}

fn unset(mark: &Mark, path: &str, name: &str, problems: &Problems) {
    if name.is_empty() {
        problems.warn(mark, path, "os.environ/ names no variable; the value counts as not set");
    } else {
        problems.warn(mark, path, format!("the environment variable {name} is not set; the value counts as not set"));
    }
}

/// Variables are texts, but LiteLLM takes `true` and `false` (in any case) for truth values.
fn from_text(value: String) -> Value {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::Text(value),
    }
}
