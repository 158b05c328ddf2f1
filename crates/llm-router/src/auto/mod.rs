//! Groups that stand for others: which one, is read off the request. LiteLLM's `auto_router/...` deployments.

mod adaptive;
mod complexity;
mod quality;
mod semantic;
mod words;

use std::sync::Arc;
use std::time::Instant;

use crate::{Resolved, Rng, RouteRequest, Router};

pub(crate) use adaptive::Learned;
pub use adaptive::{Adaptive, AdaptivePreferences, Cell, History, RequestType, Weights};
pub use complexity::{Complexity, DIMENSION_WEIGHTS, TIER_BOUNDARIES, TOKEN_THRESHOLDS, Tier, TierModels};
pub use quality::{Quality, QualityPreferences};
pub use semantic::{Semantic, SemanticRoute};

/// Chooses a group by what a request says.
#[derive(Debug)]
pub enum AutoRouter {
    /// By how hard it looks: no call is made.
    Complexity(Box<Complexity>),
    /// By what it resembles: its text and the examples have to be turned into vectors by the owner.
    Semantic(Box<Semantic>),
    /// By how good a model must be for it.
    Quality(Box<Quality>),
    /// By what was learned of models for requests of its kind.
    Adaptive(Box<Adaptive>),
}

/// What a model's `model_info` says for auto routers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preferences {
    /// `litellm_routing_preferences`.
    pub quality: Option<QualityPreferences>,
    /// `adaptive_router_preferences`.
    pub adaptive: Option<AdaptivePreferences>,
    /// `input_cost_per_token`, where it is written down.
    pub price: Option<f64>,
}

/// The text of a request, as far as it says what is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The user's last words.
    pub user: String,
    /// The system prompt.
    pub system: String,
    /// The conversation so far; only adaptive routers look at it.
    pub history: Option<History>,
    /// The least quality that the client accepts (`x-litellm-min-quality-tier`).
    pub min_quality_tier: Option<i64>,
}

/// The group that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoChoice {
    /// Its name.
    pub model: Arc<str>,
    /// By what.
    pub how: How,
}

/// What made the choice.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// The difficulty.
    Complexity {
        /// Its tier.
        tier: Tier,
        /// Its score.
        score: f64,
    },
    /// The resemblance to examples.
    Semantic {
        /// From 0 to 1; 0 for the default.
        score: f64,
    },
    /// A keyword, or the quality that a difficulty asks for; neither for the default.
    Quality {
        /// The quality: of the model whose keyword was found, else the one that was asked for.
        tier: Option<i64>,
        /// The keyword.
        keyword: Option<String>,
        /// The difficulty.
        complexity: Option<Tier>,
    },
    /// What was learned for requests of a kind.
    Adaptive {
        /// The kind.
        kind: RequestType,
    },
}

impl AutoRouter {
    /// The groups that it may choose.
    #[must_use]
    pub fn targets(&self) -> Vec<Arc<str>> {
        match self {
            Self::Complexity(c) => c.targets(),
            Self::Semantic(s) => s.targets(),
            Self::Quality(q) => q.targets(),
            Self::Adaptive(a) => a.targets(),
        }
    }
}

impl Router {
    /// True when some model stands for others.
    #[must_use]
    pub const fn has_auto(&self) -> bool {
        self.has_auto
    }

    /// The auto router that a request's model stands for, if it does.
    #[must_use]
    pub fn auto(&self, request: &RouteRequest) -> Option<&Arc<AutoRouter>> {
        if !self.has_auto {
            return None;
        }
        self.auto_of(&self.resolve_request(request).ok()?)
    }

    /// The auto router among the members of a group.
    pub(crate) fn auto_of(&self, resolved: &Resolved) -> Option<&Arc<AutoRouter>> {
        let members = resolved.group.members.iter();
        members.filter_map(|at| self.deployments.get(*at)).find_map(|d| d.auto.as_ref())
    }

    /// Lets an auto router choose, without calls: a semantic one, which needs vectors for more, takes its default. An
    /// adaptive one learns from the conversation, where somebody says what time it is. Nothing: no model may be chosen.
    #[must_use]
    pub fn choose(
        &self,
        auto: &AutoRouter,
        asked: &Asked,
        learn: Option<Instant>,
        seed: Option<u64>,
    ) -> Option<AutoChoice> {
        match auto {
            AutoRouter::Complexity(c) => c.choose(asked, seed),
            AutoRouter::Semantic(s) => Some(s.usual()),
            AutoRouter::Quality(q) => {
                let known = q.available_models.iter().filter_map(|name| {
                    let told = self.preferences(name)?;
                    Some(quality::Candidate { name, prefers: told.quality.as_ref()?, price: told.price })
                });
                q.choose(&known.collect::<Vec<_>>(), asked)
            }
            AutoRouter::Adaptive(a) => a.choose(self, asked, learn.map(|now| self.state.millis(now)), &mut rng(seed)),
        }
    }

    /// What a model of this name says for auto routers: the first of its deployments that says something.
    #[must_use]
    pub fn preferences(&self, model: &str) -> Option<&Preferences> {
        let members = self.groups.get(model)?.members.iter();
        members.filter_map(|at| self.deployments.get(*at)).find_map(|d| d.preferences.as_deref())
    }
}

/// A random source for choices among several models of a tier.
pub(crate) fn rng(seed: Option<u64>) -> Rng {
    seed.map_or_else(Rng::random, Rng::seeded)
}
