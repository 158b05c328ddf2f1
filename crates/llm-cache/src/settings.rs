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
    /// Ours: memory in front of Redis.
    Dual,
    /// Ours: comparing by meaning, in this process.
    LocalSemantic,
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

impl CacheType {
    /// Its name in configurations and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dual => "dual",
            Self::LocalSemantic => "local-semantic",
            Self::Redis => "redis",
            Self::RedisSemantic => "redis-semantic",
            Self::ValkeySemantic => "valkey-semantic",
            Self::QdrantSemantic => "qdrant-semantic",
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::AzureBlob => "azure-blob",
            Self::Disk => "disk",
        }
    }

    /// Answers are found by what a question means.
    #[must_use]
    pub const fn is_semantic(self) -> bool {
        matches!(self, Self::LocalSemantic | Self::RedisSemantic | Self::ValkeySemantic | Self::QdrantSemantic)
    }

    /// There is a Redis behind it.
    #[must_use]
    pub const fn is_redis(self) -> bool {
        matches!(self, Self::Redis | Self::Dual | Self::RedisSemantic | Self::ValkeySemantic)
    }
}

/// Whose questions a semantic cache compares (`semantic_cache_scope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those of the same key.
    #[default]
    Key,
    /// Those of the same end user of the same key.
    EndUser,
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

impl CacheMode {
    /// LiteLLM's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DefaultOn => "default_on",
            Self::DefaultOff => "default_off",
        }
    }
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
    /// Ours: a caller finds only answers to its own key. Unset, that holds for semantic caches only.
    pub tenant_isolation: Option<bool>,
    /// Whose questions a semantic cache compares.
    pub semantic_cache_scope: Scope,
    /// Ours: identical requests at the same time become one request upstream.
    #[serde(rename = "collapse_identical_requests")]
    pub collapse: bool,
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
            CacheType::Local | CacheType::LocalSemantic => self.default_in_memory_ttl,
            kind if kind.is_redis() => self.default_in_redis_ttl,
            _ => None,
        };
        special.or(self.ttl)
    }

    /// Callers do not find each other's answers.
    #[must_use]
    pub fn isolates(&self) -> bool {
        self.tenant_isolation.unwrap_or(self.kind.is_semantic())
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
