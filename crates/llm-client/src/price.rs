//! What a usage costs: the price table's entry, then discount and margin of the provider.

use std::ops::Deref;
use std::sync::Arc;

use llm_catalog::{Adjustment, Catalog, CostOptions, ModelRef, cost};
use llm_types::Usage;
use llm_types::record::Cost;

/// The catalog in use: the built-in one, or one with a price file laid over it.
#[derive(Debug, Clone, Default)]
pub enum Prices {
    /// What ships with the program.
    #[default]
    Builtin,
    /// A price file over it.
    Overlay(Arc<Catalog>),
}

impl Deref for Prices {
    type Target = Catalog;
    fn deref(&self) -> &Catalog {
        match self {
            Self::Builtin => Catalog::builtin(),
            Self::Overlay(catalog) => catalog,
        }
    }
}

/// Discounts and margins by provider id.
#[derive(Debug, Clone, Default)]
pub struct Adjustments {
    /// Shares taken off, 0.05 for 5 %.
    pub discounts: Vec<(String, f64)>,
    /// Share and amount (US dollars) put on each call. That of `global` holds for providers without their own.
    pub margins: Vec<(String, (f64, f64))>,
}

impl Adjustments {
    /// What is done to the price of a call to this provider.
    #[must_use]
    pub fn of(&self, provider: &str) -> Adjustment {
        fn find<T: Copy>(list: &[(String, T)], name: &str) -> Option<T> {
            list.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
        }
        let discount = find(&self.discounts, provider).unwrap_or_default();
        let margin = find(&self.margins, provider).or_else(|| find(&self.margins, "global"));
        let (margin, margin_fixed) = margin.unwrap_or_default();
        Adjustment { discount, margin, margin_fixed }
    }

    /// What a usage costs by an entry of the price table, in US dollars.
    pub(crate) fn price(&self, provider: &str, entry: ModelRef<'_>, usage: &Usage, options: &CostOptions<'_>) -> Cost {
        let c = cost(entry, provider, usage, options);
        let adjusted = self.of(provider).apply(c.total);
        Cost {
            total: adjusted.total,
            input: c.input,
            output: c.output,
            cache_read: c.cache_read,
            cache_write: c.cache_write,
            reasoning: c.reasoning,
            tools: c.tools,
            original: adjusted.original,
            discount: adjusted.discount_amount,
            margin: adjusted.margin_amount,
        }
    }
}

/// Why a call has no price.
pub(crate) fn unknown(provider: &str, model: &str) -> String {
    format!("no price is known for {provider}/{model}")
}
