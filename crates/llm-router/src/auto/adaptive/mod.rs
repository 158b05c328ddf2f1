//! adaptive_router: the model with the best mean of quality and price. How good each is for a kind of request is learned from
//! how conversations go on.

mod bandit;
mod kind;
mod learned;
mod signals;

use std::sync::Arc;

use serde::Deserialize;

use super::{Asked, AutoChoice, How};
use crate::{Rng, Router};

pub use bandit::Cell;
pub use kind::RequestType;
pub(crate) use learned::Learned;
pub use signals::History;

/// Shorter conversations say nothing.
const LEAST_MESSAGES: usize = 4;

/// `adaptive_router_config`, under LiteLLM's names.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct Adaptive {
    /// What the router is called.
    #[serde(skip)]
    pub name: Arc<str>,
    pub available_models: Vec<Arc<str>>,
    /// The model when none has the quality that the client asks for.
    pub default_model: Option<Arc<str>>,
    pub weights: Weights,
    pub exploration_rate: f64,
    pub evaluation_priors: Vec<Evaluated>,
    pub evaluation_prior_max_mass: f64,
}

/// What counts how much.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct Weights {
    pub quality: f64,
    pub cost: f64,
}

/// What was measured of a model beforehand.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct Evaluated {
    pub request_type: RequestType,
    pub model: Arc<str>,
    pub successes: f64,
    pub failures: f64,
}

/// `model_info.adaptive_router_preferences`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct AdaptivePreferences {
    /// 1: cheap, 2: in between, 3: the best.
    pub quality_tier: i64,
    pub strengths: Vec<RequestType>,
}

impl Default for Weights {
    fn default() -> Self {
        Self { quality: 0.7, cost: 0.3 }
    }
}

impl Default for AdaptivePreferences {
    fn default() -> Self {
        Self { quality_tier: 2, strengths: Vec::new() }
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            name: Arc::from(""),
            available_models: Vec::new(),
            default_model: None,
            weights: Weights::default(),
            exploration_rate: 1.0,
            evaluation_priors: Vec::new(),
            evaluation_prior_max_mass: 50.0,
        }
    }
}

impl Adaptive {
    pub(super) fn targets(&self) -> Vec<Arc<str>> {
        self.available_models.iter().cloned().chain(self.default_model.clone()).collect()
    }

    /// What is believed of a model before anything was seen.
    fn prior(&self, prefers: &AdaptivePreferences, kind: RequestType, model: &str) -> Cell {
        let cell = Cell::prior(prefers, kind);
        match self.evaluation_priors.iter().find(|e| e.request_type == kind && *e.model == *model) {
            Some(e) => cell.evaluated(e.successes, e.failures, self.evaluation_prior_max_mass),
            None => cell,
        }
    }

    /// The place of the best of models, given what is believed of each and its price: by draws for a share of the requests
    /// (`exploration_rate`), else by the means.
    fn best(&self, models: &[(Cell, f64)], rng: &mut Rng) -> Option<usize> {
        let explore = rng.unit() < self.exploration_rate;
        let prices: Vec<f64> = models.iter().map(|(_, price)| *price).collect();
        let mut best: Option<(usize, f64)> = None;
        for (at, (cell, price)) in models.iter().enumerate() {
            let quality = if explore { cell.draw(rng) } else { cell.mean() };
            let score = self.weights.quality * quality + self.weights.cost * bandit::cheapness(*price, &prices);
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((at, score));
            }
        }
        best.map(|(at, _)| at)
    }

    /// The group for a request. With a time (milliseconds of the router's clock) the conversation is heard first, and
    /// remembered.
    pub(super) fn choose(
        &self,
        router: &Router,
        asked: &Asked,
        learn: Option<u64>,
        rng: &mut Rng,
    ) -> Option<AutoChoice> {
        let kind = RequestType::of(&asked.user);
        let learned = &router.state().learned;
        let prior = |kind, model: &str| self.prior(&prefers(router, model), kind, model);
        let history = asked.history.as_ref().filter(|h| h.messages >= LEAST_MESSAGES).zip(learn);
        if let Some((history, now)) = history {
            learned.hear(&self.name, history, now, prior);
        }
        let least = asked.min_quality_tier;
        let good = |model: &&Arc<str>| least.is_none_or(|least| prefers(router, model).quality_tier >= least);
        let models: Vec<&Arc<str>> = self.available_models.iter().filter(good).collect();
        let prices = models.iter().map(|model| price(router, model));
        let known: Vec<_> = self.believed(router, kind, &models).into_iter().zip(prices).collect();
        let model = match self.best(&known, rng) {
            Some(at) => Arc::clone(models.get(at)?),
            None => self.default_model.clone()?,
        };
        if let Some((history, now)) = history {
            learned.answers(&self.name, history, now, kind, &model);
        }
        Some(AutoChoice { model, how: How::Adaptive { kind } })
    }

    /// What is believed of every model for every kind of request now.
    #[must_use]
    pub fn cells(&self, router: &Router) -> Vec<(RequestType, Arc<str>, Cell)> {
        let models: Vec<&Arc<str>> = self.available_models.iter().collect();
        let of = |kind| {
            let cells = self.believed(router, kind, &models).into_iter();
            cells.zip(&models).map(|(cell, &model)| (kind, Arc::clone(model), cell)).collect::<Vec<_>>()
        };
        RequestType::ALL.into_iter().flat_map(of).collect()
    }

    /// What is believed of models for a kind of request, each in its place.
    fn believed(&self, router: &Router, kind: RequestType, models: &[&Arc<str>]) -> Vec<Cell> {
        let seen = router.state().learned.seen(&self.name, kind, models);
        let believed = |(model, seen): (&&Arc<str>, (f64, f64))| {
            let before = self.prior(&prefers(router, model), kind, model);
            before.with(seen).unwrap_or(before)
        };
        models.iter().zip(seen).map(believed).collect()
    }
}

/// What a model says of itself.
fn prefers(router: &Router, model: &str) -> AdaptivePreferences {
    router.preferences(model).and_then(|p| p.adaptive.clone()).unwrap_or_default()
}

/// US dollars per input token: as written down, else of the price list, else none.
fn price(router: &Router, model: &str) -> f64 {
    let written = router.preferences(model).and_then(|p| p.price);
    let listed = || {
        let found = router.resolve(model, &crate::Scope::default()).ok()?;
        router.members(&found.group).find_map(|d| d.input_price)
    };
    written.or_else(listed).unwrap_or_default()
}
