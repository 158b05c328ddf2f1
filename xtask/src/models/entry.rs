//! A line of `data/models.jsonl`: LiteLLM's flat fields, sorted into limits, prices, capabilities and other facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One model. Prices are USD per unit, by field and column: `standard`, or LiteLLM's suffixes (`priority`,
/// `above_200k_tokens`, `above_200k_tokens_priority`).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    limits: Map<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    prices: BTreeMap<String, BTreeMap<String, Value>>,
    /// Flags that are true, without LiteLLM's `supports_`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    supports: Vec<String>,
    /// Flags that are false, without LiteLLM's `supports_`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lacks: Vec<String>,
    /// Everything else, as it was.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    facts: Map<String, Value>,
}

const STANDARD: &str = "standard";
const SUPPORTS: &str = "supports_";
const COLUMNS: [&str; 4] = ["_flex", "_priority", "_ultrafast", "_batches"];
const LIMITS: [&str; 7] = [
    "max_input_tokens",
    "max_output_tokens",
    "max_tokens",
    "output_vector_size",
    "prompt_cache_min_tokens",
    "rpm",
    "tpm",
];

impl Entry {
    pub(super) fn import(model: String, fields: Map<String, Value>) -> Self {
        let mut entry = Self {
            model,
            provider: None,
            mode: None,
            limits: Map::new(),
            prices: BTreeMap::new(),
            supports: Vec::new(),
            lacks: Vec::new(),
            facts: Map::new(),
        };
        for (name, value) in fields {
            entry.sort_in(name, value);
        }
        entry
    }

    fn sort_in(&mut self, name: String, value: Value) {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("litellm_provider", Value::String(provider)) => self.provider = Some(provider),
            ("mode", Value::String(mode)) => self.mode = Some(mode),
            (limit, value) if LIMITS.contains(&limit) => {
                self.limits.insert(name, value);
            }
            (price, value @ Value::Number(_)) if price.contains("cost") => {
                let (field, column) = split(price);
                self.prices.entry(field.to_owned()).or_default().insert(column.to_owned(), value);
            }
            (flag, Value::Bool(yes)) if flag.starts_with(SUPPORTS) => {
                let list = if yes { &mut self.supports } else { &mut self.lacks };
                list.extend(flag.strip_prefix(SUPPORTS).map(str::to_owned));
            }
            (_, value) => {
                self.facts.insert(name, value);
            }
        }
    }

    /// Name and fields in LiteLLM's shape.
    pub(super) fn export(self) -> (String, Map<String, Value>) {
        let mut fields = self.facts;
        fields.extend(self.limits);
        fields.extend(self.provider.map(|provider| ("litellm_provider".to_owned(), Value::String(provider))));
        fields.extend(self.mode.map(|mode| ("mode".to_owned(), Value::String(mode))));
        for (flags, value) in [(self.supports, true), (self.lacks, false)] {
            fields.extend(flags.into_iter().map(|flag| (format!("{SUPPORTS}{flag}"), Value::Bool(value))));
        }
        for (field, columns) in self.prices {
            for (column, price) in columns {
                let name = if column == STANDARD { field.clone() } else { format!("{field}_{column}") };
                fields.insert(name, price);
            }
        }
        (self.model, fields)
    }
}

/// Splits a price field's name into the field and its column.
fn split(name: &str) -> (&str, &str) {
    let without = COLUMNS.iter().find_map(|column| name.strip_suffix(column)).unwrap_or(name);
    let base = match without.strip_suffix("_tokens").and_then(|rest| rest.rsplit_once("_above_")) {
        Some((base, size)) if size.trim_end_matches('k').bytes().all(|b| b.is_ascii_digit()) => base,
        _ => without,
    };
    match name.strip_prefix(base).and_then(|column| column.strip_prefix('_')) {
        Some(column) => (base, column),
        None => (name, STANDARD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_survive() {
        let fields = serde_json::json!({
            "litellm_provider": "p", "mode": "chat", "max_tokens": 5, "input_cost_per_token": 1e-6,
            "input_cost_per_token_above_200k_tokens_priority": 2e-6, "cache_creation_input_token_cost_above_1hr": 3e-6,
            "supports_vision": true, "supports_reasoning": false, "source": "https://x", "tiered_pricing": [{"range": [0, 1]}],
            "search_context_cost_per_query": {"search_context_size_low": 0.01}, "thinking_always_on": true,
        });
        let Value::Object(fields) = fields else { panic!() };
        let entry = Entry::import("m".to_owned(), fields.clone());
        let line = serde_json::to_string(&entry).unwrap();
        assert!(
            line.contains(r#""input_cost_per_token":{"above_200k_tokens_priority":2e-6,"standard":1e-6}"#),
            "{line}"
        );
        let back: Entry = serde_json::from_str(&line).unwrap();
        assert_eq!(back.export(), ("m".to_owned(), fields));
    }
}
