//! What tokens cost, prompt size by prompt size, for those who have to know before a call is made.

use llm_types::{ServiceTier, Usage};

use super::{CostOptions, rates};
use crate::{ModelRef, Rules};

/// What tokens cost where a prompt is of some size, in USD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenPrices {
    /// Prompts of more tokens than these.
    pub above: u64,
    /// A token of the prompt.
    pub input: f64,
    /// A token of the answer.
    pub output: f64,
}

/// The prices of tokens in a service tier, from the shortest prompts on: the first line holds for those above nothing.
///
/// `provider` is the id that calls go to. Off-peak prices are left out where they are not in force now.
#[must_use]
pub fn token_prices(model: ModelRef<'_>, provider: &str, tier: Option<ServiceTier>) -> Vec<TokenPrices> {
    let rules = Rules::of(provider);
    let options = CostOptions { service_tier: tier, ..CostOptions::default() };
    let column = options.column(&Usage::default(), rules);
    let sizes = rates::thresholds(model).into_iter().map(|size| match rules.inclusive_thresholds {
        true => size.saturating_sub(1),
        false => size,
    });
    let line = |above: u64| {
        let rates = rates::Rates::choose(model, rules, above.saturating_add(1), column, None);
        TokenPrices { above, input: rates.input, output: rates.output }
    };
    std::iter::once(0).chain(sizes).map(line).collect()
}
