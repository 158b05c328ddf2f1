//! One model of the catalog and its facts.

use std::borrow::Cow;

use serde_json::{Map, Value as JsonValue};

use crate::{
    Capability, Column, Field, family,
    key::{Key, join_name, split_name},
    table::{Kind, Place, Table, Value},
};

/// A model in a [`crate::Catalog`]: a name and its facts. Copying it copies two numbers and a reference.
#[derive(Clone, Copy)]
pub struct ModelRef<'a> {
    pub(crate) table: &'a Table,
    pub(crate) place: Place,
}

impl std::fmt::Debug for ModelRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelRef").field("name", &self.name()).field("cells", &self.place.cells).finish()
    }
}

impl PartialEq for ModelRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.table, other.table) && self.place == other.place
    }
}

impl<'a> ModelRef<'a> {
    /// Key of the model in the price map, often `provider/model`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.table.name(self.place.index)
    }

    /// A number: a price in USD per unit, a limit. `None` when the table does not say; 0.0 is a real price.
    #[must_use]
    pub fn num(&self, field: Field) -> Option<f64> {
        self.table.number(self.place, Key::plain(field))
    }

    /// A number by LiteLLM's field name, suffixes included: `input_cost_per_token_above_200k_tokens_priority`.
    #[must_use]
    pub fn num_named(&self, name: &str) -> Option<f64> {
        self.named(name).filter(|value| value.kind == Kind::Number).map(|value| value.number)
    }

    /// A price in one column, for prompts above exactly `above` tokens (0: the price without a threshold).
    ///
    /// No fallback: see [`mod@crate::cost`] for the rules of choice.
    #[must_use]
    pub fn price(&self, field: Field, above: u64, column: Column) -> Option<f64> {
        self.table.number(self.place, Key::new(field.id(), above, column))
    }

    /// A flag. `None` when the table does not say.
    #[must_use]
    pub fn flag(&self, field: Field) -> Option<bool> {
        match self.value(field)?.kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// A text, such as `deprecation_date`.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.value(field).filter(|value| value.kind == Kind::Text).map(|value| value.text)
    }

    /// A list or object as JSON text, such as `supported_endpoints`.
    #[must_use]
    pub fn json(&self, field: Field) -> Option<&'a str> {
        self.value(field).filter(|value| value.kind == Kind::Json).map(|value| value.text)
    }

    /// The endpoint family: `chat`, `embedding`, `image_generation` ...
    #[must_use]
    pub fn mode(&self) -> Option<&'a str> {
        self.text(Field::Mode)
    }

    /// The provider label of the price map. Mostly a provider id; some providers have several labels
    /// (`vertex_ai-language-models`, `bedrock_converse`).
    #[must_use]
    pub fn provider(&self) -> Option<&'a str> {
        self.text(Field::LitellmProvider)
    }

    /// Context window for input, in tokens. Falls back to the legacy `max_tokens`.
    #[must_use]
    pub fn max_input_tokens(&self) -> Option<u64> {
        self.count(Field::MaxInputTokens).or_else(|| self.count(Field::MaxTokens))
    }

    /// Largest answer, in tokens. Falls back to the legacy `max_tokens`.
    #[must_use]
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.count(Field::MaxOutputTokens).or_else(|| self.count(Field::MaxTokens))
    }

    /// A number as a count. `None` for fractions below zero and when the table does not say.
    #[must_use]
    pub fn count(&self, field: Field) -> Option<u64> {
        self.num(field).filter(|number| *number >= 0.0).map(|number| number as u64)
    }

    /// Whether the model can do something. What the table leaves open is filled in by what is known of the model's
    /// family (see [`crate::family`]); unknown means no.
    #[must_use]
    pub fn supports(&self, capability: Capability) -> bool {
        self.flag(capability.field())
            .or_else(|| family::fill_missing(self.name(), self.provider()?, capability))
            .unwrap_or(false)
    }

    /// Every fact by LiteLLM's field name, in the table's order. Lists and objects come as JSON text.
    pub fn facts(&self) -> impl Iterator<Item = (Cow<'a, str>, Fact<'a>)> {
        let table = self.table;
        table.cells(self.place).filter_map(move |(key, value)| {
            let base = field_name(table, key.field_id())?;
            if base.contains(':') {
                return None; // flattened from a nested fact, which is written itself
            }
            let name = if key.above() == 0 && key.column() == Column::Standard {
                Cow::Borrowed(base)
            } else {
                let mut name = String::with_capacity(base.len() + 24);
                join_name(&mut name, base, key);
                Cow::Owned(name)
            };
            Some((name, Fact::from(value)))
        })
    }

    /// The model in LiteLLM's JSON shape, as in `model_prices_and_context_window.json`.
    #[must_use]
    pub fn to_json(&self) -> Map<String, JsonValue> {
        let known = self.facts().filter_map(|(name, fact)| Some((name.into_owned(), fact.to_json()?)));
        known.collect()
    }

    fn value(&self, field: Field) -> Option<Value<'a>> {
        self.table.get(self.place, Key::plain(field))
    }

    fn named(&self, name: &str) -> Option<Value<'a>> {
        let (base, above, column) = split_name(name);
        let field = match Field::from_name(base) {
            Some(field) => field.id(),
            None => (0..self.table.counts.names)
                .find(|n| self.table.extra_name(*n) == Some(base))
                .and_then(|n| u16::try_from(n as usize + Field::NAMES.len()).ok())?,
        };
        self.table.get(self.place, Key::new(field, above, column))
    }
}

fn field_name(table: &Table, id: u16) -> Option<&str> {
    let id = usize::from(id);
    match id.checked_sub(Field::NAMES.len()) {
        None => Field::NAMES.get(id).copied(),
        Some(extra) => table.extra_name(u32::try_from(extra).ok()?),
    }
}

/// A fact as the table holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact<'a> {
    /// A flag.
    Flag(bool),
    /// A number, and how it was written (`128000` and `128000.0` differ in JSON).
    Number(f64, &'a str),
    /// A text.
    Text(&'a str),
    /// A list or object as JSON text.
    Json(&'a str),
}

impl<'a> From<Value<'a>> for Fact<'a> {
    fn from(value: Value<'a>) -> Self {
        match value.kind {
            Kind::True => Self::Flag(true),
            Kind::False => Self::Flag(false),
            Kind::Number => Self::Number(value.number, value.text),
            Kind::Text => Self::Text(value.text),
            Kind::Json => Self::Json(value.text),
        }
    }
}

impl Fact<'_> {
    fn to_json(self) -> Option<JsonValue> {
        match self {
            Self::Flag(flag) => Some(JsonValue::Bool(flag)),
            Self::Text(text) => Some(JsonValue::String(text.to_owned())),
            Self::Number(_, text) | Self::Json(text) => serde_json::from_str(text).ok(),
        }
    }
}
