//! Headers by which a client steers this gateway: `x-litellm-*`. Most requests have none, and some twenty are asked for: each
//! question to a map of headers checks and hashes the name.

use http::{HeaderMap, HeaderName, HeaderValue};

/// What the names begin with.
const PREFIX: &str = "x-litellm-";

/// The headers of a request that steer the gateway, in their order.
#[derive(Debug, Clone, Default)]
pub struct Steering(Vec<(HeaderName, HeaderValue)>);

impl Steering {
    /// Those of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let own = headers.iter().filter(|(name, _)| name.as_str().starts_with(PREFIX));
        Self(own.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The text of the first header of a name (`x-litellm-...`, in lower case); nothing where it is no text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(name.starts_with(PREFIX), "{name} does not steer the gateway");
        let (_, value) = self.0.iter().find(|(own, _)| own.as_str() == name)?;
        value.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_others_are_left_alone() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-litellm-tags", "a"), ("x-litellm-tags", "b"), ("x-other", "c")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers.append("X-LiteLLM-Timeout", HeaderValue::from_bytes(b"\xff").unwrap());
        let steering = Steering::of(&headers);
        assert_eq!(steering.0.len(), 3);
        assert_eq!(steering.get("x-litellm-tags"), Some("a"));
        assert_eq!(steering.get("x-litellm-timeout"), None, "no text");
        assert_eq!(steering.get("x-litellm-num-retries"), None);
    }
}
