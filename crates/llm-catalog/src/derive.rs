//! Facts that LiteLLM nests in lists and objects, flattened into cells of their own so that pricing never parses JSON.
//!
//! Their field names contain a colon and are left out when a model is written back. The nested original stays beside
//! them for that.

use serde_json::{Map, Value};

/// A flattened fact: a field, a threshold, a value.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) field: &'static str,
    pub(crate) above: u64,
    pub(crate) value: Value,
}

/// Every field name that flattening can make.
pub const DERIVED_FIELDS: &[&str] = &[
    "geo:eu",
    "geo:us",
    "off_peak:cache_creation_input_token_cost",
    "off_peak:cache_read_input_token_cost",
    "off_peak:input_cost_per_token",
    "off_peak:output_cost_per_reasoning_token",
    "off_peak:output_cost_per_token",
    "off_peak:windows",
    "results:input_cost_per_query",
    "search_context:high",
    "search_context:low",
    "search_context:medium",
    "speed:fast",
    "tier:cache_creation_input_token_cost",
    "tier:cache_creation_input_token_cost_above_1hr",
    "tier:cache_read_input_token_cost",
    "tier:input_cost_per_token",
    "tier:output_cost_per_reasoning_token",
    "tier:output_cost_per_token",
];

/// The facts inside field `name` of a model, if it is one of the nested fields.
pub(crate) fn cells(name: &str, fields: &Map<String, Value>) -> Vec<Derived> {
    let Some(value) = fields.get(name) else { return Vec::new() };
    match (name, value) {
        ("tiered_pricing", Value::Array(tiers)) => tiers.iter().flat_map(tier).collect(),
        ("off_peak_pricing", Value::Object(block)) => off_peak(block),
        ("search_context_cost_per_query", Value::Object(prices)) => ["high", "low", "medium"]
            .iter()
            .filter_map(|size| Some((*size, prices.get(&format!("search_context_size_{size}"))?)))
            .filter_map(|(size, price)| derived("search_context:", size, 0, price))
            .collect(),
        ("provider_specific_entry", Value::Object(entry)) => [("geo:", "us"), ("geo:", "eu"), ("speed:", "fast")]
            .iter()
            .filter_map(|(prefix, word)| derived(prefix, word, 0, entry.get(*word)?))
            .collect(),
        _ => Vec::new(),
    }
}

fn derived(prefix: &str, name: &str, above: u64, value: &Value) -> Option<Derived> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    let known = DERIVED_FIELDS.iter().find(|known| known.strip_prefix(prefix) == Some(name));
    let value = serde_json::Number::from_f64(number).map(Value::Number)?;
    known.map(|&field| Derived { field, above, value })
}

/// One entry of `tiered_pricing`: prices for prompts above the lower end of `range`; or, for search providers, the
/// price of a query that asks for at least so many results.
fn tier(tier: &Value) -> Vec<Derived> {
    let Some(tier) = tier.as_object() else { return Vec::new() };
    let low = |name: &str| tier.get(name)?.get(0)?.as_f64().filter(|low| *low >= 0.0);
    if let (Some(low), Some(price)) = (low("max_results_range"), tier.get("input_cost_per_query")) {
        return derived("results:", "input_cost_per_query", RESULTS_SCALE * low as u64, price).into_iter().collect();
    }
    let Some(low) = low("range") else { return Vec::new() };
    tier.iter().filter_map(|(name, price)| derived("tier:", name, low as u64, price)).collect()
}

/// Result counts are small, and a key's threshold counts hundreds.
pub(crate) const RESULTS_SCALE: u64 = 100;

fn off_peak(block: &Map<String, Value>) -> Vec<Derived> {
    let mut windows = String::new();
    if let Some(hours) = block.get("hours_utc") {
        push_windows(&mut windows, ALL_DAYS, hours);
    }
    for rule in block.get("windows").and_then(Value::as_array).into_iter().flatten() {
        let days = match rule.get("weekdays") {
            None | Some(Value::Null) => ALL_DAYS,
            Some(Value::Array(days)) => days.iter().filter_map(weekday).fold(0, |mask, day| mask | 1 << (day - 1)),
            Some(_) => 0,
        };
        if let Some(hours) = rule.get("hours_utc") {
            push_windows(&mut windows, days, hours);
        }
    }
    let mut cells: Vec<Derived> =
        block.iter().filter_map(|(name, price)| derived("off_peak:", name, 0, price)).collect();
    cells.push(Derived { field: "off_peak:windows", above: 0, value: Value::String(windows) });
    cells
}

const ALL_DAYS: u8 = 0b111_1111;

/// Appends windows as `days:start-end;`: days as bits from Monday, times in minutes of the UTC day.
fn push_windows(out: &mut String, days: u8, hours: &Value) {
    let one = hours.as_str().into_iter();
    let many = hours.as_array().into_iter().flatten().filter_map(Value::as_str);
    for window in one.chain(many) {
        let Some((start, end)) = window.split_once('-') else { continue };
        if let (Some(start), Some(end)) = (minutes(start), minutes(end)) {
            out.push_str(&format!("{days}:{start}-{end};"));
        }
    }
}

fn minutes(time: &str) -> Option<u32> {
    let (hours, minutes) = time.trim().split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// ISO number of a weekday given as a number, a name or its usual short forms.
fn weekday(day: &Value) -> Option<u64> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    if let Some(number) = day.as_u64() {
        return (1..=7).contains(&number).then_some(number);
    }
    let name = day.as_str()?.trim().to_ascii_lowercase();
    let place = DAYS.iter().position(|day| name.len() >= 3 && day.starts_with(&name))?;
    u64::try_from(place + 1).ok()
}
