//! Token counts.
//!
//! `input_tokens` has neither the tokens read from a cache nor those written to one: the three are disjoint.
//! `cache_creation` splits the written ones by lifetime (`ephemeral_5m_input_tokens`, `ephemeral_1h_input_tokens`);
//! what it leaves unsplit counts as 5 minutes. `output_tokens` contains the thinking, which is split off where
//! `output_tokens_details.thinking_tokens` says how much it was. Where `iterations` is there (a call that compacted
//! its own prompt), its items are the counts, and the totals are their sums.

use bytes::BytesMut;
use llm_types::generate::UsageReport;
use llm_types::{InferenceGeo, RawJson, ServiceTier, Usage, UsageSource};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::FORMAT;
use super::object::Object;
use crate::top::Top;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<Creation>,
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Creation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    thinking_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tools {
    web_search_requests: Option<u64>,
}

/// Reads a `usage` object. An object that cannot be read gives no counts, with the source `Unknown`.
#[must_use]
pub fn decode(raw: &str, source: UsageSource) -> Usage {
    let (Ok(total), Ok(top)) = (serde_json::from_str::<Counts>(raw), serde_json::from_str::<Top<'_>>(raw)) else {
        return Usage::default();
    };
    let mut usage = Usage { source, ..Usage::default() };
    match top.read::<Vec<Counts>>("iterations").filter(|i| !i.is_empty()) {
        Some(iterations) => iterations.iter().for_each(|i| i.add_to(&mut usage)),
        None => total.add_to(&mut usage),
    }
    if usage.reasoning == 0 {
        // the details stand on the total only
        usage.reasoning = total.thinking().min(usage.output_text);
        usage.output_text -= usage.reasoning;
    }
    usage.web_search_medium = top.read::<Tools>("server_tool_use").and_then(|t| t.web_search_requests).unwrap_or(0);
    usage.service_tier = top.str("service_tier").and_then(|t| match &*t {
        "batch" => Some(ServiceTier::Batch),
        other => ServiceTier::parse(other),
    });
    usage.inference_geo = top.str("inference_geo").and_then(|g| InferenceGeo::parse(&g));
    usage.fast = top.str("speed").as_deref() == Some("fast");
    usage
}

impl Counts {
    fn thinking(&self) -> u64 {
        self.output_tokens_details.as_ref().and_then(|d| d.thinking_tokens).unwrap_or(0)
    }

    fn add_to(&self, usage: &mut Usage) {
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let split = self.cache_creation.as_ref();
        let hour = split.and_then(|s| s.ephemeral_1h_input_tokens).unwrap_or(0);
        let short = split.and_then(|s| s.ephemeral_5m_input_tokens).unwrap_or(0);
        let output = self.output_tokens.unwrap_or(0);
        let thinking = self.thinking().min(output);
        let adds = [
            (&mut usage.input_text, self.input_tokens.unwrap_or(0)),
            (&mut usage.cache_read, self.cache_read_input_tokens.unwrap_or(0)),
            (&mut usage.cache_write_1h, hour),
            (&mut usage.cache_write_5m, short.max(written.saturating_sub(hour))),
            (&mut usage.output_text, output - thinking),
            (&mut usage.reasoning, thinking),
        ];
        adds.into_iter().for_each(|(sum, n)| *sum = sum.saturating_add(n));
    }
}

/// The report of a stream that spoke of usage at its start and later on, or of one object.
pub(crate) fn of_stream(start: Option<&RawJson>, later: &str, source: UsageSource) -> UsageReport {
    match start {
        Some(_) => report(merged(start, later).get(), source),
        None => report(later, source),
    }
}

/// The report with the upstream's own words.
pub(super) fn report(raw: &str, source: UsageSource) -> UsageReport {
    let words = RawJson::parse(raw).ok().map(|json| (FORMAT, json));
    UsageReport { usage: decode(raw, source), raw: words }
}

/// The report of the start of a stream with the fields of a later one put in: later values win.
pub(super) fn merged(start: Option<&RawJson>, later: &str) -> RawJson {
    let whole = || RawJson::parse(later).unwrap_or_default();
    let Some(start) = start else { return whole() };
    let (Ok(top), Ok(new)) = (start.read::<Top<'_>>(), serde_json::from_str::<Top<'_>>(later)) else { return whole() };
    let edits: Vec<(&str, Option<&str>)> =
        new.iter().filter(|(_, v)| *v != "null").map(|(k, v)| (k, Some(v))).collect();
    RawJson::parse(String::from_utf8_lossy(&top.edited(&edits)).into_owned()).unwrap_or_else(|_| whole())
}

/// Writes a `usage` object: the upstream's own words when they are of this format, else the four counts that clients
/// of this format rely on. Without a report they are zero.
pub(super) fn write(report: Option<&UsageReport>, out: &mut BytesMut) {
    if let Some((FORMAT, raw)) = report.and_then(|r| r.raw.as_ref()) {
        out.extend_from_slice(raw.get().as_bytes());
        return;
    }
    let usage = report.map(|r| r.usage).unwrap_or_default();
    let input = usage.total_input().saturating_sub(usage.total_cache_read()).saturating_sub(usage.total_cache_write());
    write_counts(input, &usage, out);
}

/// Writes the first report of a stream, of which only an estimate of the prompt is known.
pub(super) fn write_estimate(prompt_tokens: u64, out: &mut BytesMut) {
    write_counts(prompt_tokens, &Usage::default(), out);
}

fn write_counts(input: u64, usage: &Usage, out: &mut BytesMut) {
    let mut o = Object::open(out);
    o.json("input_tokens", &input);
    o.json("output_tokens", &usage.total_output());
    o.json("cache_creation_input_tokens", &usage.total_cache_write());
    o.json("cache_read_input_tokens", &usage.total_cache_read());
    if usage.web_searches() > 0 {
        let mut tools = Object::open(o.key("server_tool_use"));
        tools.json("web_search_requests", &usage.web_searches());
        tools.close();
    }
    o.close();
}

/// True when there is something in a `usage` value.
pub(super) fn is_there(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}
