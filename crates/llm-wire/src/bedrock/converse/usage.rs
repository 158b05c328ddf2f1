//! Token counts.
//!
//! `inputTokens` has neither the tokens read from a cache nor those written to one: the three are disjoint.
//! `cacheDetails` splits the written ones by lifetime where its sum is theirs. `outputTokens` contains the thoughts,
//! which Claude counts among its own response fields when asked to.

use llm_types::generate::UsageReport;
use llm_types::{RawJson, Usage, UsageSource};
use serde::Deserialize;

use super::FORMAT;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_read_input_token_count: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    cache_write_input_token_count: Option<u64>,
    cache_details: Option<Vec<CacheDetail>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CacheDetail {
    ttl: Option<String>,
    input_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModelFields {
    usage: Option<ModelUsage>,
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModelUsage {
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    thinking_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

/// Reads a `usage` object, and `additionalModelResponseFields` where it is there.
pub(crate) fn report(raw: &str, fields: Option<&str>) -> UsageReport {
    let Ok(counts) = serde_json::from_str::<Counts>(raw) else { return UsageReport::default() };
    let count = |a: Option<u64>, b: Option<u64>| a.or(b).unwrap_or(0);
    let written = count(counts.cache_write_input_tokens, counts.cache_write_input_token_count);
    let details = counts.cache_details.unwrap_or_default();
    let of = |ttl: &str| -> u64 {
        details.iter().filter(|d| d.ttl.as_deref() == Some(ttl)).filter_map(|d| d.input_tokens).sum()
    };
    let split = of("5m") + of("1h") == written;
    let hour = if split { of("1h") } else { 0 };
    let output = counts.output_tokens.unwrap_or(0);
    let thoughts = fields.and_then(|f| serde_json::from_str::<ModelFields>(f).ok()).unwrap_or_default();
    let thoughts = thoughts.usage.and_then(|u| u.output_tokens_details).or(thoughts.output_tokens_details);
    let reasoning = thoughts.and_then(|d| d.thinking_tokens.or(d.reasoning_tokens)).unwrap_or(0).min(output);
    let usage = Usage {
        input_text: counts.input_tokens.unwrap_or(0),
        cache_read: count(counts.cache_read_input_tokens, counts.cache_read_input_token_count),
        cache_write_1h: hour,
        cache_write_5m: written - hour,
        output_text: output - reasoning,
        reasoning,
        source: UsageSource::Reported,
        ..Usage::default()
    };
    UsageReport { usage, raw: RawJson::parse(raw).ok().map(|json| (FORMAT, json)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_disjoint() {
        let raw = r#"{"inputTokens":50,"outputTokens":40,"totalTokens":1300,"cacheReadInputTokens":10,
            "cacheWriteInputTokens":1200,"cacheDetails":[{"ttl":"1h","inputTokens":200},{"ttl":"5m","inputTokens":1000}]}"#;
        let fields = r#"{"usage":{"output_tokens_details":{"thinking_tokens":30}}}"#;
        let u = report(raw, Some(fields)).usage;
        assert_eq!((u.input_text, u.cache_read, u.cache_write_5m, u.cache_write_1h), (50, 10, 1000, 200));
        assert_eq!((u.output_text, u.reasoning), (10, 30));
        assert_eq!((u.total_input(), u.total_tokens()), (1260, 1300));
        let other = raw.replace("200}", "7}");
        assert_eq!(report(&other, None).usage.cache_write_5m, 1200);
        assert_eq!(report("7", None).usage, Usage::default());
    }
}
