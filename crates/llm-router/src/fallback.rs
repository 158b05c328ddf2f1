//! Which groups to try when a group failed.

use std::sync::Arc;

use llm_types::{Json, RawJson};
use serde::{Deserialize, Deserializer};

/// A group to fall back to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// Name of the group.
    pub model: Arc<str>,
    /// Request fields that are replaced when this fallback is used.
    pub overrides: Arc<[(String, RawJson)]>,
}

/// `[{"group": ["other", {"model": "third", "temperature": 0}]}, ...]`: fallbacks per group. The key `*` is for all groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FallbackLists(Vec<(Arc<str>, Arc<[Fallback]>)>);

/// Fallbacks named by a request: a plain list of targets, or lists per group as in the configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestFallbacks {
    /// `["m1", {"model": "m2", ...}]`: for whatever group failed.
    Targets(Arc<[Fallback]>),
    /// `[{"group": ["m1"]}]`
    Lists(FallbackLists),
}

impl Fallback {
    /// A group without overrides.
    #[must_use]
    pub fn to(model: impl Into<Arc<str>>) -> Self {
        Self { model: model.into(), overrides: Arc::default() }
    }

    fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::String(model) => Some(Self::to(model.as_str())),
            Json::Object(fields) => {
                let Json::String(model) = json.get("model")? else { return None };
                let overrides = fields.iter().filter(|(k, _)| k != "model").map(|(k, v)| (k.clone(), v.to_raw()));
                Some(Self { model: model.as_str().into(), overrides: overrides.collect() })
            }
            _ => None,
        }
    }
}

impl FallbackLists {
    /// True when no group has a list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a list at the end.
    pub fn push(&mut self, group: impl Into<Arc<str>>, targets: impl Into<Arc<[Fallback]>>) {
        self.0.push((group.into(), targets.into()));
    }

    /// The lists, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Fallback])> {
        self.0.iter().map(|(group, targets)| (group.as_ref(), targets.as_ref()))
    }

    /// The list of exactly this group.
    #[must_use]
    pub fn exact(&self, group: &str) -> Option<&Arc<[Fallback]>> {
        self.0.iter().find(|(g, _)| g.as_ref() == group).map(|(_, targets)| targets)
    }

    /// The list of the first name that has one, else that of `*`.
    #[must_use]
    pub fn find<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<Arc<[Fallback]>> {
        names.into_iter().find_map(|name| self.exact(name)).or_else(|| self.exact("*")).cloned()
    }

    /// Reads lists from a tree.
    ///
    /// # Errors
    /// Says what is wrong with the tree.
    pub fn from_json(json: &Json) -> Result<Self, String> {
        let shape = || "expected a list like [{\"group\": [\"fallback\"]}]".to_owned();
        let mut lists = Self::default();
        for entry in json.as_array().ok_or_else(shape)? {
            for (group, targets) in entry.as_object().ok_or_else(shape)? {
                let targets = match targets {
                    Json::Array(items) => items.iter().map(Fallback::from_json).collect::<Option<Vec<_>>>(),
                    one => Fallback::from_json(one).map(|f| vec![f]),
                };
                let bad = || format!("the fallbacks of {group:?} must be names or objects with a \"model\"");
                lists.push(group.as_str(), targets.ok_or_else(bad)?);
            }
        }
        Ok(lists)
    }

    /// The lists as Python prints them, which is how they stand in LiteLLM's messages; `None` when there are none.
    #[must_use]
    pub fn python(&self) -> String {
        if self.is_empty() {
            return "None".into();
        }
        let entry = |(group, targets): (&str, &[Fallback])| {
            let names: Vec<_> = targets.iter().map(|t| format!("'{}'", t.model)).collect();
            format!("{{'{group}': [{}]}}", names.join(", "))
        };
        format!("[{}]", self.iter().map(entry).collect::<Vec<_>>().join(", "))
    }
}

impl<'de> Deserialize<'de> for FallbackLists {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match Json::deserialize(d)? {
            Json::Null => Ok(Self::default()),
            json => Self::from_json(&json).map_err(serde::de::Error::custom),
        }
    }
}

impl RequestFallbacks {
    /// Reads the `fallbacks` field of a request body.
    ///
    /// # Errors
    /// Says what is wrong with the field.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(raw).map_err(|e| e.to_string())?;
        let items = json.as_array().ok_or("fallbacks must be a list")?;
        match items.iter().map(Fallback::from_json).collect::<Option<Vec<_>>>() {
            Some(targets) => Ok(Self::Targets(targets.into())),
            None => FallbackLists::from_json(&json).map(Self::Lists),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_request_are_read() {
        let plain = RequestFallbacks::parse(r#"["a", {"model": "b", "temperature": 0.5}]"#).unwrap();
        let RequestFallbacks::Targets(targets) = plain else { panic!("a plain list") };
        assert_eq!(targets[0], Fallback::to("a"));
        assert_eq!(targets[1].overrides[0], ("temperature".into(), RawJson::parse("0.5").unwrap()));
        let lists = RequestFallbacks::parse(r#"[{"g": ["a"]}, {"*": "b"}]"#).unwrap();
        let RequestFallbacks::Lists(lists) = lists else { panic!("lists") };
        assert_eq!(lists.find(["g"]).unwrap()[0].model.as_ref(), "a");
        assert_eq!(lists.find(["other"]).unwrap()[0].model.as_ref(), "b");
        assert_eq!(lists.python(), "[{'g': ['a']}, {'*': ['b']}]");
        for bad in ["{}", "[1]", r#"[{"g": [1]}]"#, "nonsense"] {
            assert!(RequestFallbacks::parse(bad).is_err(), "{bad}");
        }
    }
}
