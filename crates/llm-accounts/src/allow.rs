//! Model allow-lists of keys, teams and users.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use llm_store::AgentRow;

use crate::Capacity;

/// The provider of a model that was named without one (`gpt-4o` → `openai`).
pub type ProviderOf = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What allow-lists want to know of the served models; exchanged as a whole when the configuration changes.
#[derive(Clone, Default)]
pub struct Directory {
    /// Public model name → the access groups that it is in (`model_info.access_groups`).
    pub access_groups: HashMap<String, Vec<String>>,
    /// What groups of deployments can take, by name; those that say nothing of it are left out.
    pub capacity: HashMap<String, Capacity>,
    /// Finds the provider of an unprefixed name.
    pub provider_of: Option<ProviderOf>,
    /// A2A agents of the file, as rows, by id: limits of their keys.
    pub agents: HashMap<String, AgentRow>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("access_groups", &self.access_groups).finish_non_exhaustive()
    }
}

impl Directory {
    /// The access groups that a model is in.
    pub(crate) fn groups_of(&self, model: &str) -> impl Iterator<Item = &str> {
        self.access_groups.get(model).into_iter().flatten().map(String::as_str)
    }
}

/// An allow-list, read once.
#[derive(Debug, Clone, Default)]
pub struct ModelList {
    all: bool,
    /// `all-team-models`: the team's list holds instead.
    team: bool,
    names: HashSet<Box<str>>,
    patterns: Vec<Box<str>>,
}

impl ModelList {
    /// Reads a list. An empty list, `*` and `all-proxy-models` allow everything; `no-default-models` allows nothing.
    #[must_use]
    pub fn new(models: &[String]) -> Self {
        let has = |word: &str| models.iter().any(|m| m == word);
        let mut list = Self {
            all: models.is_empty() || has("*") || has("all-proxy-models"),
            team: has("all-team-models"),
            ..Self::default()
        };
        for model in models {
            if model.contains('*') {
                list.patterns.push(model.as_str().into());
            } else {
                list.names.insert(model.as_str().into());
            }
        }
        list
    }

    /// A list that allows nothing.
    pub(crate) fn nothing() -> Self {
        Self { all: false, ..Self::default() }
    }

    /// Lets a few more through; a list that allows everything stays that.
    pub fn add(&mut self, models: impl IntoIterator<Item = String>) {
        for model in models {
            if model.contains('*') {
                self.patterns.push(model.into());
            } else {
                self.names.insert(model.into());
            }
        }
    }

    /// True when everything is allowed.
    #[must_use]
    pub const fn allows_all(&self) -> bool {
        self.all
    }

    /// True when the team's list holds instead.
    #[must_use]
    pub const fn is_teams(&self) -> bool {
        self.team
    }

    /// True when the model is allowed: by its name, an access group it is in, a pattern, or a pattern for its provider.
    #[must_use]
    pub fn allows(&self, model: &str, directory: &Directory) -> bool {
        if self.all || self.names.contains(model) {
            return true;
        }
        let grouped = directory.groups_of(model).any(|group| self.names.contains(group));
        if grouped || self.patterns.iter().any(|p| matches(p, model)) {
            return true;
        }
        if self.patterns.is_empty() || model.contains('/') {
            return false;
        }
        let Some(provider) = directory.provider_of.as_ref().and_then(|of| of(model)) else { return false };
        let full = format!("{provider}/{model}");
        self.patterns.iter().any(|p| matches(p, &full))
    }

    /// The names and patterns, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.names.iter().chain(&self.patterns).map(|m| &**m)
    }
}

/// True when `text` is `pattern` with any characters in place of each `*`. Linear in the length of the text for each star.
#[must_use]
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(models: &[&str]) -> ModelList {
        ModelList::new(&models.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn lists_allow_what_they_say() {
        let provider_of: ProviderOf = Arc::new(|m| m.starts_with("gpt").then(|| "openai".to_owned()));
        let directory = Directory {
            access_groups: HashMap::from([("claude-next".to_owned(), vec!["beta".to_owned()])]),
            provider_of: Some(provider_of),
            ..Directory::default()
        };
        for (models, model, wanted) in [
            (&[][..], "anything", true),
            (&["*"], "anything", true),
            (&["all-proxy-models"], "anything", true),
            (&["gpt-4o"], "gpt-4o", true),
            (&["gpt-4o"], "gpt-4o-mini", false),
            (&["openai/*"], "openai/gpt-4o", true),
            (&["openai/*"], "gpt-4o", true),
            (&["openai/*"], "claude-3", false),
            (&["bedrock/us.*"], "bedrock/us.amazon.nova", true),
            (&["bedrock/us.*"], "bedrock/eu.amazon.nova", false),
            (&["*-mini"], "gpt-4o-mini", true),
            (&["beta"], "claude-next", true),
            (&["beta"], "claude-3", false),
            (&["no-default-models"], "gpt-4o", false),
        ] {
            assert_eq!(list(models).allows(model, &directory), wanted, "{models:?} {model}");
        }
        assert!(list(&["all-team-models"]).is_teams());
    }

    #[test]
    fn stars_match_any_characters() {
        for (pattern, text, wanted) in [
            ("a*", "a", true),
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*b", "axxbc", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*bc*bc", "abcbc", true),
            ("a*bc*bc", "abc", false),
            ("a.b", "axb", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
