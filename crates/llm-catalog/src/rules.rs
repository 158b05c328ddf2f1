//! What differs between providers when models are looked up and calls are priced. The rows are data:
//! `data/models.rules.toml`.

use crate::generated::rules::RULES;

/// How a provider's model names are shortened until the table knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shorten {
    /// Not at all, apart from fine-tuning suffixes.
    No,
    /// A trailing `-001`-like version is taken off.
    Version,
    /// Routes, regions and geo prefixes of AWS are taken off.
    Aws,
}

/// A price class of models by number of parameters: up to `billions` (of all experts together), model `entry`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeClass {
    /// Largest size in billions of parameters. Infinite for the last class.
    pub billions: f64,
    /// Key in the price map.
    pub entry: &'static str,
}

/// The pricing and look-up rules of a provider. [`Rules::DEFAULT`] holds for those without a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The higher price already holds at the threshold, not only above it.
    pub inclusive_thresholds: bool,
    /// Service tiers do not change the price.
    pub one_column: bool,
    /// Share of the input price for cached tokens when the table has no price for them.
    pub cached_share: f64,
    /// All prompt tokens cost the input price, and reasoning is paid on top of the whole answer.
    pub flat: bool,
    /// All prompt tokens but cached ones cost the input price, whatever they encode.
    pub uniform_input: bool,
    /// The price that the upstream reports is the price.
    pub trust_reported: bool,
    /// Price of a web search when the model's entry has none, in USD.
    pub web_search: f64,
    /// Price of a call of the hosted file search tool, in USD.
    pub file_search: f64,
    /// Price of a gigabyte of vector storage for a day, in USD.
    pub storage_gb_day: f64,
    /// Prices of a token of the hosted computer tool, in and out, in USD.
    pub computer: (f64, f64),
    /// How model names are shortened.
    pub shorten: Shorten,
    /// Labels that start with this text belong to the provider.
    pub label_prefix: &'static str,
    /// Other providers' labels that are good enough for a price.
    pub borrow: &'static [&'static str],
    /// Accept any provider's label.
    pub any_label: bool,
    /// Price classes of models that have no entry, smallest first.
    pub sizes: &'static [SizeClass],
    /// Price classes of mixtures of experts (`8x7b`), smallest first. Empty: as `sizes`.
    pub expert_sizes: &'static [SizeClass],
    /// Entry for models without an entry and without a size in their name.
    pub unsized_entry: &'static str,
    /// Words in a requested model's name that make it a router, which takes a fee on top of the routed model's price.
    pub router_words: &'static [&'static str],
    /// Entry whose input price is that fee.
    pub router_entry: &'static str,
    /// Names that may be put before or after a model's name to find it.
    pub affixes: &'static [(&'static str, &'static str)],
}

impl Rules {
    /// The rules of providers without a row.
    pub const DEFAULT: Self = Self {
        inclusive_thresholds: false,
        one_column: false,
        cached_share: 1.0,
        flat: false,
        uniform_input: false,
        trust_reported: false,
        web_search: 0.0,
        file_search: 0.0025,
        storage_gb_day: 0.0,
        computer: (0.0, 0.0),
        shorten: Shorten::No,
        label_prefix: "",
        borrow: &[],
        any_label: false,
        sizes: &[],
        expert_sizes: &[],
        unsized_entry: "",
        router_words: &[],
        router_entry: "",
        affixes: &[],
    };

    /// The rules of a provider id or label.
    #[must_use]
    pub fn of(provider: &str) -> &'static Self {
        let found = RULES.binary_search_by(|(id, _)| (*id).cmp(provider));
        found.ok().and_then(|place| RULES.get(place)).map_or(&Self::DEFAULT, |(_, rules)| rules)
    }

    /// Whether a price map entry with this label may serve a call to `provider`.
    #[must_use]
    pub fn accept(&self, provider: &str, label: Option<&str>) -> bool {
        let Some(label) = label else { return true };
        provider.is_empty()
            || label == provider
            || self.any_label
            || (!self.label_prefix.is_empty() && label.starts_with(self.label_prefix))
            || self.borrow.contains(&label)
    }
}
