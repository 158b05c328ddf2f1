//! What calls of a group may cost at the most, by the prices of its deployments.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use llm_accounts::PriceBound;
use llm_catalog::{CostOptions, Field, ModelRef};
use llm_client::{Engine, Target};
use llm_router::{Deployment, Scope};
use llm_types::Usage;

/// Characters of a token, where a model is priced by them.
const CHARACTERS: u64 = 4;
/// Seconds that are set aside where a model is priced by time, and nobody knows how long it takes.
const SECONDS: f64 = 60.0;

/// The prices of a model, by the one pricing function: what is no token counts where no token costs anything.
#[must_use]
pub(crate) fn of_model(entry: ModelRef<'_>, provider: &str) -> PriceBound {
    let plain = |field| entry.num(field).unwrap_or_default(); // where it is off-peak now
    let input = first_price(entry, provider, &PROMPT).max(plain(Field::InputCostPerToken));
    let output = first_price(entry, provider, &ANSWER).max(plain(Field::OutputCostPerToken));
    let by_token = PriceBound { longest: entry.max_output_tokens(), ..(input, output).into() };
    if input + output > 0.0 {
        return by_token;
    }
    let by_time = CostOptions { response_seconds: Some(SECONDS), ..CostOptions::default() };
    let by_time = llm_catalog::cost(entry, provider, &Usage::default(), &by_time).total;
    let each = UNITS.iter().map(|usage| price(entry, provider, usage)).fold(by_time, f64::max);
    PriceBound { each, ..by_token }
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

/// The dearest prices among deployments; nothing when no price is known. `model`: what the caller names, for wildcards.
pub(crate) fn of_deployments<'d>(
    engine: &Engine,
    members: impl Iterator<Item = &'d Arc<Deployment>>,
    model: &str,
) -> Option<PriceBound> {
    let prices = members.filter_map(|d| {
        let target = d.payload::<Target>()?;
        let model = if target.model.contains('*') { model } else { &*target.model };
        Some(of_model(target.price(&engine.prices, model)?, target.provider.row().id))
    });
    prices.reduce(PriceBound::or_dearer)
}

/// The bounds of every group without a wildcard.
#[must_use]
pub(crate) fn of_groups(engine: &Engine) -> HashMap<Arc<str>, Option<PriceBound>> {
    let groups = engine.router.groups().filter(|g| !g.name.contains('*'));
    let mut all: HashMap<_, _> =
        groups.map(|g| (Arc::clone(&g.name), of_deployments(engine, engine.router.members(g), &g.name))).collect();
    // An auto router may cost as much as the dearest of those it chooses from.
    let markers =
        engine.router.deployments().iter().filter_map(|d| Some((Arc::clone(&d.group), d.auto.as_ref()?.targets())));
    for (group, targets) in markers.collect::<Vec<_>>() {
        let dearest = targets.iter().filter_map(|t| all.get(t).copied().flatten()).reduce(PriceBound::or_dearer);
        all.insert(group, dearest);
    }
    all
}

impl crate::snapshot::Snapshot {
    /// What a call of a group may cost at the most, as a caller sees the group; nothing when no price is known.
    #[must_use]
    pub fn price_bound(&self, group: &str, who: &Scope) -> Option<PriceBound> {
        let router = &self.engine.router;
        // A team's own model of this name is the one that is called.
        let own = who.team_id.as_deref().is_some_and(|team| router.team_group(team, group).is_some());
        if let Some(known) = self.bounds.get(group).filter(|_| !own) {
            return *known;
        }
        let resolved = router.resolve(group, who).ok()?;
        of_deployments(&self.engine, router.members(&resolved.group), group)
    }
}

#[cfg(test)]
mod tests {
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
}
