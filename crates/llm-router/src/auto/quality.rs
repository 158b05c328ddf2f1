//! quality_router: models say how good they are, and the difficulty of a request says how good one must be.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Asked, AutoChoice, Complexity, How, Tier};

/// `quality_router_config`, under LiteLLM's names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct Quality {
    pub available_models: Vec<Arc<str>>,
    pub default_model: Option<Arc<str>>,
    pub complexity_to_quality: Option<BTreeMap<Tier, i64>>,
    #[serde(skip)]
    scorer: Complexity,
}

/// `model_info.litellm_routing_preferences`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct QualityPreferences {
    pub quality_tier: i64,
    #[serde(default)]
    pub keywords: Vec<String>,
    #[serde(default)]
    pub order: Option<i64>,
}

/// A model that may be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a Arc<str>,
    pub(crate) prefers: &'a QualityPreferences,
    /// US dollars per input token, as its `model_info` declares them.
    pub(crate) price: Option<f64>,
}

impl Candidate<'_> {
    /// The lowest order first, then the lowest price, then the name. Who says nothing comes last.
    fn before(&self, other: &Self) -> Ordering {
        let order = |c: &Self| c.prefers.order.unwrap_or(i64::MAX);
        let price = |c: &Self| c.price.unwrap_or(f64::INFINITY);
        order(self)
            .cmp(&order(other))
            .then(price(self).total_cmp(&price(other)))
            .then_with(|| self.name.cmp(other.name))
    }
}

impl Quality {
    /// How good a model must be for a request of this difficulty; nothing when the configuration does not say.
    #[must_use]
    pub fn wanted(&self, tier: Tier) -> Option<i64> {
        match &self.complexity_to_quality {
            Some(map) => map.get(&tier).copied(),
            None => Some(match tier {
                Tier::Simple => 1,
                Tier::Medium => 2,
                Tier::Complex => 3,
                Tier::Reasoning => 4,
            }),
        }
    }

    /// A model of whose keywords one stands in the user's words, the best of several; else one of the quality that the
    /// difficulty asks for, else of the next better, else of the next worse; else the default.
    pub(crate) fn choose(&self, candidates: &[Candidate<'_>], asked: &Asked) -> Option<AutoChoice> {
        let chosen = |c: &Candidate<'_>, keyword: Option<String>, complexity: Option<Tier>| AutoChoice {
            model: Arc::clone(c.name),
            how: How::Quality { tier: Some(c.prefers.quality_tier), keyword, complexity },
        };
        let text = asked.user.to_lowercase();
        let default = || {
            let how = How::Quality { tier: None, keyword: None, complexity: None };
            Some(AutoChoice { model: self.default_model.clone()?, how })
        };
        if text.is_empty() {
            return default();
        }
        let named = candidates.iter().filter_map(|c| {
            let keyword = c.prefers.keywords.iter().find(|k| !k.is_empty() && text.contains(&k.to_lowercase()))?;
            Some((c, keyword))
        });
        let best = named
            .min_by(|(a, _), (b, _)| b.prefers.quality_tier.cmp(&a.prefers.quality_tier).then_with(|| a.before(b)));
        if let Some((c, keyword)) = best {
            return Some(chosen(c, Some(keyword.to_lowercase()), None));
        }
        let complexity = self.scorer.judge(asked).0;
        let wanted = self.wanted(complexity)?;
        // up first, then down; the nearest of either
        let far = |c: &Candidate<'_>| {
            let more = c.prefers.quality_tier.saturating_sub(wanted);
            (more < 0, more.unsigned_abs())
        };
        let nearest = candidates.iter().min_by(|a, b| far(a).cmp(&far(b)).then_with(|| a.before(b)));
        match nearest {
            Some(c) => {
                let how = How::Quality { tier: Some(wanted), keyword: None, complexity: Some(complexity) };
                Some(AutoChoice { how, ..chosen(c, None, None) })
            }
            None => default(),
        }
    }

    pub(super) fn targets(&self) -> Vec<Arc<str>> {
        self.available_models.iter().cloned().chain(self.default_model.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefers(quality_tier: i64, keywords: &[&str], order: Option<i64>) -> QualityPreferences {
        QualityPreferences { quality_tier, keywords: keywords.iter().map(|k| (*k).to_owned()).collect(), order }
    }

    fn choose(models: &[(&str, QualityPreferences, Option<f64>)], user: &str) -> Option<(String, How)> {
        let names: Vec<Arc<str>> = models.iter().map(|(name, ..)| Arc::from(*name)).collect();
        let candidates: Vec<Candidate<'_>> = models
            .iter()
            .zip(&names)
            .map(|((_, prefers, price), name)| Candidate { name, prefers, price: *price })
            .collect();
        let router: Quality = serde_json::from_str(r#"{"default_model":"d"}"#).unwrap();
        let asked = Asked { user: user.into(), ..Asked::default() };
        router.choose(&candidates, &asked).map(|c| (c.model.to_string(), c.how))
    }

    const HARD: &str = "Think step by step and analyze what follows from this";

    #[test]
    fn difficulty_asks_for_a_quality_and_the_nearest_better_one_serves() {
        let models = [
            ("low", prefers(1, &[], None), None),
            ("high", prefers(4, &[], None), None),
            ("top", prefers(5, &[], None), None),
        ];
        let quality = |complexity, tier| How::Quality { tier: Some(tier), keyword: None, complexity: Some(complexity) };
        assert_eq!(choose(&models, "hi"), Some(("low".into(), quality(Tier::Simple, 1))));
        assert_eq!(choose(&models, HARD), Some(("high".into(), quality(Tier::Reasoning, 4))));
        assert_eq!(choose(&models[2..], "hi").unwrap().0, "top", "up, when there is none");
        assert_eq!(choose(&models[..1], HARD).unwrap().0, "low", "down, when there is none above");
        let down = [("one", prefers(1, &[], None), None), ("three", prefers(3, &[], None), None)];
        assert_eq!(choose(&down, HARD).unwrap().0, "three", "the nearest below");
        assert_eq!(choose(&[], HARD).unwrap().0, "d");
        assert_eq!(choose(&models, "").unwrap().0, "d", "nothing was said");
    }

    #[test]
    fn among_equals_order_price_and_name_decide() {
        let models = [
            ("b", prefers(1, &[], None), Some(1.0)),
            ("a", prefers(1, &[], None), None),
            ("c", prefers(1, &[], None), Some(1.0)),
        ];
        assert_eq!(choose(&models, "hi").unwrap().0, "b");
        let ordered = [("b", prefers(1, &[], None), Some(1.0)), ("z", prefers(1, &[], Some(7)), None)];
        assert_eq!(choose(&ordered, "hi").unwrap().0, "z", "who has an order comes before who has none");
    }

    #[test]
    fn keywords_go_before_difficulty_and_the_best_model_wins() {
        let models = [
            ("law", prefers(1, &["Contract"], None), Some(0.1)),
            ("judge", prefers(3, &["contract", "court"], None), Some(9.0)),
            ("other", prefers(4, &[], None), None),
        ];
        let (model, how) = choose(&models, "Is this CONTRACTUAL?").unwrap();
        assert_eq!(model, "judge", "part of a word is enough, and quality comes first");
        assert_eq!(how, How::Quality { tier: Some(3), keyword: Some("contract".into()), complexity: None });
    }

    #[test]
    fn a_mapping_of_ones_own_holds() {
        let router: Quality = serde_json::from_str(r#"{"complexity_to_quality":{"SIMPLE":7}}"#).unwrap();
        assert_eq!((router.wanted(Tier::Simple), router.wanted(Tier::Medium)), (Some(7), None));
    }
}
