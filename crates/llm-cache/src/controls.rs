//! What a request, its headers and its key say about caching.

use std::time::Duration;

use llm_types::Json;

use crate::{CacheMode, CacheSettings};

/// The wishes of one request. Unset ones leave it to the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controls {
    /// Do not look up; the answer is still stored.
    pub no_cache: bool,
    /// Do not store.
    pub no_store: bool,
    /// Take part although the mode is `default_off`.
    pub use_cache: bool,
    /// `caching: false`: neither look up nor store.
    pub off: bool,
    /// Lifetime of the stored answer.
    pub ttl: Option<Duration>,
    /// Oldest answer that is good enough.
    pub max_age: Option<Duration>,
    /// Namespace of the key.
    pub namespace: Option<String>,
}

impl Controls {
    /// Puts the sources together.
    ///
    /// `body` is the JSON text of the body's `cache` field, `caching` that of its `caching` field, `header` the value of
    /// `Cache-Control` (only `s-maxage` counts there, as lifetime), `key` the JSON text of `cache` in the metadata of the
    /// caller's key: it replaces the body's. Anything of another shape says nothing.
    #[must_use]
    pub fn read(body: Option<&str>, caching: Option<&str>, header: Option<&str>, key: Option<&str>) -> Self {
        let object = |raw: Option<&str>| {
            let json: Json = serde_json::from_str(raw?).ok()?;
            json.as_object().is_some().then_some(json)
        };
        let mut controls = object(key).or_else(|| object(body)).map_or_else(Self::default, |json| Self::of(&json));
        controls.off = caching == Some("false");
        controls.ttl = controls.ttl.or_else(|| s_maxage(header?));
        controls
    }

    fn of(json: &Json) -> Self {
        let on = |name: &str| json.get(name).is_some_and(truthy);
        let seconds = |name: &str| json.get(name).and_then(seconds);
        Self {
            no_cache: on("no-cache"),
            no_store: on("no-store"),
            use_cache: matches!(json.get("use-cache"), Some(Json::Bool(true))),
            off: false,
            ttl: seconds("ttl"),
            max_age: seconds("s-maxage").or_else(|| seconds("s-max-age")),
            namespace: json.get("namespace").and_then(|n| if let Json::String(s) = n { Some(s.clone()) } else { None }),
        }
    }

    /// True when the request takes part in caching at all.
    #[must_use]
    pub fn takes_part(&self, settings: &CacheSettings) -> bool {
        !self.off && (settings.mode == CacheMode::DefaultOn || self.use_cache)
    }
}

/// Python's truth: everything but `false`, `null`, zero and what is empty.
fn truthy(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::Bool(b) => *b,
        Json::Number(n) => n.as_f64() != Some(0.0),
        Json::String(s) => !s.is_empty(),
        Json::Array(a) => !a.is_empty(),
        Json::Object(o) => !o.is_empty(),
    }
}

fn seconds(json: &Json) -> Option<Duration> {
    let number = match json {
        Json::Number(n) => n.as_f64()?,
        Json::String(s) => s.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(number).ok()
}

fn s_maxage(header: &str) -> Option<Duration> {
    header.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("s-maxage").then(|| value.parse().ok().map(Duration::from_secs))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_controls_replace_the_bodys() {
        let body = r#"{"no-cache":true,"ttl":10,"s-maxage":"3.5","namespace":"n"}"#;
        let c = Controls::read(Some(body), None, Some("no-cache, S-MaxAge=99"), None);
        assert_eq!((c.no_cache, c.no_store, c.ttl), (true, false, Some(Duration::from_secs(10))));
        assert_eq!((c.max_age, c.namespace.as_deref()), (Some(Duration::from_millis(3500)), Some("n")));
        let c = Controls::read(Some(body), None, Some("s-maxage=99"), Some(r#"{"no-store":1}"#));
        assert_eq!((c.no_cache, c.no_store, c.ttl), (false, true, Some(Duration::from_secs(99))));
        for odd in ["[]", "true", "nonsense", r#"{"ttl":-1,"s-max-age":{},"no-cache":0}"#] {
            assert_eq!(Controls::read(Some(odd), Some("true"), Some("private"), None), Controls::default(), "{odd}");
        }
    }

    #[test]
    fn taking_part_follows_the_mode() {
        let on = CacheSettings::default();
        let off = CacheSettings { mode: CacheMode::DefaultOff, ..CacheSettings::default() };
        let read = |body| Controls::read(Some(body), None, None, None);
        assert!(read("{}").takes_part(&on) && !read("{}").takes_part(&off));
        assert!(read(r#"{"use-cache":true}"#).takes_part(&off) && !read(r#"{"use-cache":"yes"}"#).takes_part(&off));
        assert!(!Controls::read(None, Some("false"), None, None).takes_part(&on));
    }
}
