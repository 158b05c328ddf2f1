//! What calls of a group may cost at the most, by the prices of its deployments.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use llm_accounts::{LongPrompt, PriceBound};
use llm_catalog::{Adjustment, CostOptions, Field, ModelRef, TokenPrices, token_prices};
use llm_client::{Engine, Target};
use llm_router::{Deployment, Scope};
use llm_types::{ServiceTier, Usage};

use crate::extras;

/// Characters of a token, where a model is priced by them.
const CHARACTERS: u64 = 4;
/// Seconds that are set aside where a model is priced by time, and nobody knows how long it takes.
const SECONDS: f64 = 60.0;

/// The prices of a model, by the one pricing function: what is no token counts where no token costs anything.
#[must_use]
fn of_model(entry: ModelRef<'_>, provider: &str) -> PriceBound {
    let plain = |field| entry.num(field).unwrap_or_default(); // where it is off-peak now
    let input = first_price(entry, provider, &PROMPT).max(plain(Field::InputCostPerToken));
    let prices = token_prices(entry, provider, None);
    // A table of tiers has no price for an answer without a prompt.
    let tiered = prices.first().map_or(0.0, |line| line.output);
    let output = first_price(entry, provider, &ANSWER).max(plain(Field::OutputCostPerToken)).max(tiered);
    let longest = entry.max_output_tokens();
    if input + output > 0.0 {
        let long = prices.iter().skip(1).map(|line| LongPrompt {
            above: line.above,
            input: line.input.max(input),
            output: line.output.max(output),
        });
        let (tier, place) = (tier_share(entry, provider, &prices), place_share(entry));
        return PriceBound { longest, long: long.collect(), tier, place, ..(input, output).into() };
    }
    let by_time = CostOptions { response_seconds: Some(SECONDS), ..CostOptions::default() };
    let by_time = llm_catalog::cost(entry, provider, &Usage::default(), &by_time).total;
    let each = UNITS.iter().map(|usage| price(entry, provider, usage)).fold(by_time, f64::max);
    PriceBound { each, longest, ..PriceBound::default() }
}

/// What the dearest tier or speed puts on the price of a token.
fn tier_share(entry: ModelRef<'_>, provider: &str, standard: &[TokenPrices]) -> f64 {
    let dearer = [ServiceTier::Priority, ServiceTier::UltraFast].into_iter().flat_map(|tier| {
        let there = token_prices(entry, provider, Some(tier));
        let ratio = |(one, there): (&TokenPrices, TokenPrices)| {
            let of = |plain: f64, dear: f64| if plain > 0.0 { dear / plain } else { 1.0 };
            of(one.input, there.input).max(of(one.output, there.output))
        };
        standard.iter().zip(there).map(ratio).collect::<Vec<_>>()
    });
    dearer.chain(entry.num(Field::SpeedFast)).fold(1.0, f64::max) - 1.0
}

/// What the dearest place puts on it.
fn place_share(entry: ModelRef<'_>) -> f64 {
    [Field::GeoUs, Field::GeoEu].into_iter().filter_map(|place| entry.num(place)).fold(1.0, f64::max) - 1.0
}

/// The prices of a model, with what the operator puts on them or takes off.
pub(crate) fn of_entry(engine: &Engine, entry: ModelRef<'_>, provider: &str) -> PriceBound {
    adjusted(of_model(entry, provider), engine.settings.adjustments.of(provider))
}

fn adjusted(price: PriceBound, adjustment: Adjustment) -> PriceBound {
    if adjustment == Adjustment::default() {
        return price;
    }
    let share = Adjustment { margin_fixed: 0.0, ..adjustment };
    let of = |usd: f64| share.apply(usd).total;
    PriceBound { each: of(price.each) + adjustment.margin_fixed, ..price.times(of(1.0)) }
}

/// The price of the first that costs something: models are paid by one of them.
fn first_price(entry: ModelRef<'_>, provider: &str, of: &[Usage]) -> f64 {
    of.iter().map(|usage| price(entry, provider, usage)).find(|cost| *cost > 0.0).unwrap_or_default()
}

fn price(entry: ModelRef<'_>, provider: &str, usage: &Usage) -> f64 {
    llm_catalog::cost(entry, provider, usage, &CostOptions::default()).total
}

macro_rules! usages {
    ($(#[$doc:meta])* $name:ident: $($field:ident = $count:expr),+ $(,)?) => {
        $(#[$doc])*
        static $name: LazyLock<Vec<Usage>> = LazyLock::new(|| vec![$(Usage { $field: $count, ..Usage::default() }),+]);
    };
}

usages!(
    /// A token of a prompt, as it may be counted.
    PROMPT: input_text = 1, input_audio = 1, input_image = 1, characters_in = CHARACTERS
);
usages!(
    /// A token of an answer.
    ANSWER: output_text = 1, reasoning = 1, output_audio = 1, output_image = 1, characters_out = CHARACTERS
);
usages!(
    /// One of whatever else is paid for.
    UNITS: images_out = 1, images_in = 1, queries = 1, pages = 1, credits = 1.0, seconds_in = SECONDS,
    seconds_out = SECONDS, video_seconds_out = SECONDS,
);

/// The bounds of whatever can be called, worked out once for a configuration.
#[derive(Debug, Clone, Default)]
pub struct PriceBounds {
    /// Of groups without a wildcard.
    groups: HashMap<Arc<str>, Option<PriceBound>>,
    /// Of deployments without one, by their ids.
    deployments: HashMap<Arc<str>, Option<PriceBound>>,
}

impl PriceBounds {
    /// Works them out.
    pub(crate) fn new(engine: &Engine) -> Self {
        let router = &engine.router;
        let priced = router.deployments().iter().filter_map(|deployment| {
            let target = deployment.payload::<Target>().filter(|target| !target.model.contains('*'))?;
            Some((Arc::clone(&deployment.id), of_target(engine, target, &target.model)))
        });
        let mut all = Self { deployments: priced.collect(), groups: HashMap::new() };
        let groups = router.groups().filter(|group| !group.name.contains('*'));
        let groups = groups
            .map(|group| (Arc::clone(&group.name), all.of_deployments(engine, router.members(group), &group.name)))
            .collect();
        all.groups = groups;
        // An auto router may cost as much as the dearest of those it chooses from.
        let markers =
            router.deployments().iter().filter_map(|d| Some((Arc::clone(&d.group), d.auto.as_ref()?.targets())));
        for (group, targets) in markers.collect::<Vec<_>>() {
            let dearest = targets.iter().filter_map(|t| all.groups.get(t).copied().flatten());
            let dearest = dearest.reduce(PriceBound::or_dearer);
            all.groups.insert(group, dearest);
        }
        all
    }

    /// The dearest prices among deployments; nothing when no price is known. `model`: what the caller names, for wildcards.
    pub(crate) fn of_deployments<'d>(
        &self,
        engine: &Engine,
        members: impl Iterator<Item = &'d Arc<Deployment>>,
        model: &str,
    ) -> Option<PriceBound> {
        let prices = members.filter_map(|deployment| match self.deployments.get(&deployment.id) {
            Some(known) => *known,
            None => of_target(engine, deployment.payload::<Target>()?, model),
        });
        prices.reduce(PriceBound::or_dearer)
    }
}

fn of_target(engine: &Engine, target: &Target, model: &str) -> Option<PriceBound> {
    let model = if target.model.contains('*') { model } else { &*target.model };
    let entry = target.price(&engine.prices, model)?;
    Some(of_entry(engine, entry, target.provider_id()).with(extras::of_target(target)))
}

impl crate::snapshot::Snapshot {
    /// What a call of a group may cost at the most, as a caller sees the group; nothing when no price is known.
    #[must_use]
    pub fn price_bound(&self, group: &str, who: &Scope) -> Option<PriceBound> {
        let router = &self.engine.router;
        // A team's own model of this name is the one that is called.
        let own = who.team_id.as_deref().is_some_and(|team| router.team_group(team, group).is_some());
        if let Some(known) = self.bounds.groups.get(group).filter(|_| !own) {
            return *known;
        }
        let resolved = router.resolve(group, who).ok()?;
        self.bounds.of_deployments(&self.engine, router.members(&resolved.group), group)
    }
}

#[cfg(test)]
mod tests {
    use llm_accounts::Extras;

    use super::*;

    #[test]
    fn only_what_costs_nothing_is_free() {
        let catalog = llm_catalog::Catalog::builtin();
        let of = |provider: &str, model: &str| of_model(catalog.lookup_price(provider, None, model).unwrap(), provider);
        let chat = of("openai", "gpt-4o");
        assert_eq!((chat.input, chat.output, chat.each), (2.5e-6, 1e-5, 0.0));
        assert_eq!(chat.longest, Some(16_384));
        for (provider, model) in [
            ("aiml", "dall-e-3"),
            ("openai", "whisper-1"),
            ("openai", "tts-1"),
            ("openai", "sora-2"),
            ("cohere", "rerank-v3.5"),
            ("mistral", "mistral-ocr-latest"),
            ("dashscope", "qwen-plus-latest"),
        ] {
            assert!(!of(provider, model).is_free(), "{provider}/{model}");
        }
        assert!(PriceBound::default().is_free());
    }

    #[test]
    fn a_bound_is_what_the_call_costs_at_the_most() {
        let catalog = llm_catalog::Catalog::builtin();
        let dear = Extras { tier: true, place: true };
        for (provider, model, tier) in [
            ("openai", "gpt-5.4", Some(ServiceTier::Priority)),
            ("gemini", "gemini-2.5-pro", Some(ServiceTier::Priority)),
            ("anthropic", "claude-sonnet-4-5", None),
            ("xai", "grok-4.20", None),
            ("dashscope", "qwen3-coder-plus", None),
        ] {
            let entry = catalog.lookup_price(provider, None, model).unwrap();
            let bound = of_model(entry, provider);
            for prompt in [1, 1_000, 40_000, 128_000, 130_000, 200_000, 210_000, 256_000, 280_000, 900_000] {
                for (asked, tier, extras) in [("plain", None, Extras::default()), ("dear", tier, dear)] {
                    let usage = Usage { input_text: prompt, output_text: 100, service_tier: tier, ..Usage::default() };
                    let cost = price(entry, provider, &usage);
                    let (input, output) = bound.tokens(prompt, extras);
                    let most = prompt as f64 * input + 100.0 * output;
                    assert!(most >= cost * 0.999_999, "{model}, {prompt} tokens, {asked}: {most} < {cost}");
                    assert!(asked == "dear" || most <= cost * 1.000_001, "{model}, {prompt} tokens: {most} > {cost}");
                }
            }
        }
    }

    #[test]
    fn what_an_operator_puts_on_prices_is_in_the_bound() {
        let price = PriceBound { each: 1.0, ..(1.0, 2.0).into() };
        let margin = Adjustment { discount: 0.5, margin: 1.0, margin_fixed: 0.25 };
        let with = adjusted(price, margin);
        assert_eq!((with.input, with.output, with.each), (1.0, 2.0, 1.25));
    }
}
