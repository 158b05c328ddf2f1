//! LiteLLM's `cache_params`, as far as they are not the connection of a backend.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::CallType;

/// Where entries live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub enum CacheType {
    Local,
    #[default]
    Redis,
    RedisSemantic,
    ValkeySemantic,
    QdrantSemantic,
    S3,
    Gcs,
    AzureBlob,
    Disk,
}

/// Whether a request must ask for caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMode {
    /// Every request is cached unless it objects.
    #[default]
    DefaultOn,
    /// Only requests with `cache: {"use-cache": true}`.
    DefaultOff,
}

/// Settings of the cache. The connection parameters of a backend belong to that backend.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CacheSettings {
    /// Where entries live.
    #[serde(rename = "type")]
    pub kind: CacheType,
    /// Put before every key.
    pub namespace: Option<String>,
    /// Lifetime in seconds of entries for which the request says nothing.
    #[serde(deserialize_with = "seconds")]
    pub ttl: Option<Duration>,
    /// The same, for type `local`; wins there.
    #[serde(deserialize_with = "seconds")]
    pub default_in_memory_ttl: Option<Duration>,
    /// The same, for the Redis types; wins there.
    #[serde(deserialize_with = "seconds")]
    pub default_in_redis_ttl: Option<Duration>,
    /// Whether a request must ask for caching.
    pub mode: CacheMode,
    /// LiteLLM's names of the calls whose answers are remembered; nothing: all.
    pub supported_call_types: Option<Vec<String>>,
    /// `litellm_settings.enable_caching_on_provider_specific_optional_params`
    pub enable_caching_on_provider_specific_optional_params: bool,
    /// Ours: a caller finds only answers of its own team, or its own key. Off, as in LiteLLM.
    pub tenant_isolation: bool,
    /// Ours: entries that type `local` holds at most. 200.
    pub local_max_entries: Option<usize>,
    /// Ours: bytes that type `local` holds at most. 64 MiB.
    pub local_max_bytes: Option<usize>,
    /// Ours: bytes of one entry of type `local` at most. 1 MiB.
    pub local_max_entry_bytes: Option<usize>,
}

impl CacheSettings {
    /// The lifetime of an entry for which the request says nothing; `None` leaves it to the backend.
    #[must_use]
    pub fn default_ttl(&self) -> Option<Duration> {
        let special = match self.kind {
            CacheType::Local => self.default_in_memory_ttl,
            CacheType::Redis | CacheType::RedisSemantic | CacheType::ValkeySemantic => self.default_in_redis_ttl,
            _ => None,
        };
        special.or(self.ttl)
    }

    /// True when answers of this kind of call are remembered.
    #[must_use]
    pub fn supports(&self, call: CallType) -> bool {
        let Some(names) = &self.supported_call_types else { return true };
        names.iter().any(|n| n == call.name() || n.strip_prefix('a') == Some(call.name()))
    }
}

/// Seconds: a number, or a text with a number in it. Negative ones are none.
fn seconds<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    struct SecondsVisitor;
    impl<'de> de::Visitor<'de> for SecondsVisitor {
        type Value = Option<Duration>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of seconds")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
            d.deserialize_any(self)
        }
        fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
            Ok(Some(Duration::from_secs(v)))
        }
        fn visit_i64<E: de::Error>(self, v: i64) -> Result<Self::Value, E> {
            let whole = u64::try_from(v).map_err(|_| E::invalid_value(de::Unexpected::Signed(v), &self))?;
            self.visit_u64(whole)
        }
        fn visit_f64<E: de::Error>(self, v: f64) -> Result<Self::Value, E> {
            Duration::try_from_secs_f64(v).map(Some).map_err(|_| E::invalid_value(de::Unexpected::Float(v), &self))
        }
        fn visit_str<E: de::Error>(self, v: &str) -> Result<Self::Value, E> {
            let number = v.trim().parse::<f64>().map_err(|_| E::invalid_value(de::Unexpected::Str(v), &self))?;
            self.visit_f64(number)
        }
    }
    d.deserialize_any(SecondsVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_params_are_read_under_litellms_names() {
        let s: CacheSettings = serde_json::from_str(
            r#"{"type":"local","ttl":"60","default_in_memory_ttl":1.5,"mode":"default_off","host":"ignored",
                "supported_call_types":["acompletion","embedding"]}"#,
        )
        .unwrap();
        assert_eq!(
            (s.kind, s.mode, s.default_ttl()),
            (CacheType::Local, CacheMode::DefaultOff, Some(Duration::from_millis(1500)))
        );
        assert!(s.supports(CallType::Completion) && s.supports(CallType::Embedding));
        assert!(
            !s.supports(CallType::AnthropicMessages) && CacheSettings::default().supports(CallType::AnthropicMessages)
        );
        let azure: CacheSettings =
            serde_json::from_str(r#"{"type":"azure-blob","default_in_redis_ttl":9,"ttl":null}"#).unwrap();
        assert_eq!((azure.kind, azure.default_ttl()), (CacheType::AzureBlob, None));
    }
}
