//! The sums of a day as LiteLLM's `DailySpendData` has them. Written straight to text: a day may be a megabyte.

use std::collections::BTreeMap;

use llm_store::DailyCounters;
use llm_types::{Json, RawJson};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::metrics::{Day, ENTITIES, PARTS, Part, Told, key_told};

/// A day, with who its keys and entities are.
#[derive(Debug)]
pub(super) struct DayShown<'a> {
    pub(super) date: &'a str,
    pub(super) day: &'a Day,
    pub(super) told: &'a Told,
}

impl Serialize for DayShown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("date", self.date)?;
        map.serialize_entry("metrics", &Metrics::from(&self.day.all))?;
        map.serialize_entry("breakdown", &Breakdown(self))?;
        map.end()
    }
}

struct Breakdown<'a>(&'a DayShown<'a>);

impl Serialize for Breakdown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DayShown { day, told, .. } = self.0;
        let mut map = serializer.serialize_map(Some(PARTS.len() + 1))?;
        for (name, parts) in PARTS.into_iter().zip(&day.parts) {
            if name == ENTITIES {
                map.serialize_entry("api_keys", &Keys(&day.keys, told))?;
            }
            map.serialize_entry(name, &Parts { parts, told, entities: name == ENTITIES })?;
        }
        map.end()
    }
}

struct Parts<'a> {
    parts: &'a BTreeMap<String, Part>,
    told: &'a Told,
    /// Only entities are told about.
    entities: bool,
}

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Shown<'a> {
            metrics: Metrics,
            metadata: &'a Json,
            api_key_breakdown: Keys<'a>,
        }
        let nothing = Json::Object(Vec::new());
        serializer.collect_map(self.parts.iter().map(|(id, part)| {
            let told = self.entities.then(|| self.told.entities.get(id)).flatten().and_then(Option::as_ref);
            let api_key_breakdown = Keys(&part.keys, self.told);
            (id, Shown { metrics: Metrics::from(&part.all), metadata: told.unwrap_or(&nothing), api_key_breakdown })
        }))
    }
}

struct Keys<'a>(&'a BTreeMap<String, DailyCounters>, &'a Told);

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Shown<'a> {
            metrics: Metrics,
            metadata: &'a Json,
        }
        let unknown = key_told([None; 3], None, false);
        serializer.collect_map(self.0.iter().map(|(id, counters)| {
            let metadata = self.1.keys.get(id).unwrap_or(&unknown);
            (id, Shown { metrics: Metrics::from(counters), metadata })
        }))
    }
}

/// A value as a tree.
pub(super) fn tree(value: &impl Serialize) -> Json {
    RawJson::of(value).map(|raw| Json::from(&raw)).unwrap_or_default()
}

/// `SpendMetrics`.
#[derive(Debug, serde::Serialize)]
pub(super) struct Metrics {
    spend: f64,
    flat_cost: f64,
    prompt_tokens: i64,
    completion_tokens: i64,
    cache_read_input_tokens: i64,
    cache_creation_input_tokens: i64,
    compression_saved_tokens: i64,
    compression_savings_spend: f64,
    prompt_caching_savings_spend: f64,
    gateway_injected_caching_savings_spend: f64,
    autorouter_savings_spend: f64,
    total_tokens: i64,
    successful_requests: i64,
    failed_requests: i64,
    api_requests: i64,
    total_response_time_ms: i64,
    timed_requests: i64,
}

impl From<&DailyCounters> for Metrics {
    fn from(of: &DailyCounters) -> Self {
        Self {
            spend: of.spend,
            flat_cost: 0.0,
            prompt_tokens: of.prompt_tokens,
            completion_tokens: of.completion_tokens,
            cache_read_input_tokens: of.cache_read_input_tokens,
            cache_creation_input_tokens: of.cache_creation_input_tokens,
            compression_saved_tokens: of.compression_saved_tokens,
            compression_savings_spend: of.compression_savings_spend,
            prompt_caching_savings_spend: of.prompt_caching_savings_spend,
            gateway_injected_caching_savings_spend: of.gateway_injected_caching_savings_spend,
            autorouter_savings_spend: of.autorouter_savings_spend,
            total_tokens: of.prompt_tokens + of.completion_tokens,
            successful_requests: of.successful_requests,
            failed_requests: of.failed_requests,
            api_requests: of.api_requests,
            total_response_time_ms: of.total_response_time_ms,
            timed_requests: of.timed_requests,
        }
    }
}
