use llm_types::{Json, Secret};
use parking_lot::RwLock;

/// Variables that count as set in the environment, whatever the process has: see [`overlay_environment`].
static OVERLAY: RwLock<Vec<(String, String)>> = RwLock::new(Vec::new());

/// Lays variables over the environment of the process, for everyone who looks keys and addresses up here. A gateway's
/// configuration may bring such variables; setting them in the process itself is not safe once threads run. Replaces
/// what an earlier call laid over.
pub fn overlay_environment(variables: Vec<(String, String)>) {
    *OVERLAY.write() = variables;
}

/// A deployment's other parameters (`api_version`, `organization`, `extra_headers` ...), in the order of the
/// configuration, and the environment to fall back on.
#[derive(Debug, Clone)]
pub struct Params {
    fields: Vec<(String, Json)>,
    env: fn(&str) -> Option<String>,
}

/// A variable of the process or of what lies over it; an empty one counts as unset. For those who look elsewhere than
/// in a deployment's parameters.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    process_env(name).filter(|value| !value.is_empty())
}

fn process_env(name: &str) -> Option<String> {
    let over = OVERLAY.read().iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    over.or_else(|| std::env::var(name).ok())
}

fn no_env(_: &str) -> Option<String> {
    None
}

impl Default for Params {
    fn default() -> Self {
        Self { fields: Vec::new(), env: process_env }
    }
}

impl<K: Into<String>> FromIterator<(K, Json)> for Params {
    fn from_iter<I: IntoIterator<Item = (K, Json)>>(fields: I) -> Self {
        Self { fields: fields.into_iter().map(|(k, v)| (k.into(), v)).collect(), env: process_env }
    }
}

impl Params {
    /// Parameters that see no environment, for tests and for deployments that must not inherit any.
    #[must_use]
    pub fn without_env<K: Into<String>>(fields: impl IntoIterator<Item = (K, Json)>) -> Self {
        Self { env: no_env, ..fields.into_iter().collect() }
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) {
        match self.fields.iter_mut().find(|(k, _)| k == name) {
            Some((_, v)) => *v = value.into(),
            None => self.fields.push((name.to_owned(), value.into())),
        }
    }

    /// The value of a parameter; nothing for `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.fields.iter().find(|(k, _)| k == name).map(|(_, v)| v).filter(|v| !v.is_null())
    }

    /// A text that is not empty.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|s| !s.is_empty())
    }

    /// A truth value, also when it was written as a text.
    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Json::Bool(b) => Some(*b),
            Json::String(s) if s.eq_ignore_ascii_case("true") => Some(true),
            Json::String(s) if s.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A text to be kept secret.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.str(name).map(Secret::new)
    }

    /// The items of a list of texts; a bare text is a list of one.
    pub fn strings(&self, name: &str) -> impl Iterator<Item = &str> {
        let value = self.get(name);
        let one = value.and_then(Json::as_str);
        let many = value.and_then(Json::as_array).unwrap_or_default();
        one.into_iter().chain(many.iter().filter_map(Json::as_str))
    }

    /// The pairs of an object of texts (`extra_headers`).
    pub fn pairs(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let object = self.get(name).and_then(Json::as_object).unwrap_or_default();
        object.iter().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)))
    }

    /// An environment variable that is not empty.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|v| !v.is_empty())
    }

    /// All parameters, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.fields.iter().map(|(k, v)| (k.as_str(), v))
    }
}
