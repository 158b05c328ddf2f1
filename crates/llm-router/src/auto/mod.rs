//! Groups that stand for others: which one, is read off the request. LiteLLM's `auto_router/...` deployments.

mod complexity;
mod semantic;

use std::sync::Arc;

use crate::{Rng, RouteRequest, Router};

pub use complexity::{Complexity, Tier, TierModels};
pub use semantic::{Semantic, SemanticRoute};

/// Chooses a group by what a request says.
#[derive(Debug)]
pub enum AutoRouter {
    /// By how hard it looks: no call is made.
    Complexity(Box<Complexity>),
    /// By what it resembles: its text and the examples have to be turned into vectors by the owner.
    Semantic(Box<Semantic>),
}

/// The text of a request, as far as it says what is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The user's last words.
    pub user: String,
    /// The system prompt.
    pub system: String,
}

/// The group that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoChoice {
    /// Its name.
    pub model: Arc<str>,
    /// The tier of a complexity router.
    pub tier: Option<Tier>,
    /// Its score, or the similarity of a semantic router.
    pub score: f64,
}

impl AutoRouter {
    /// The groups that it may choose.
    #[must_use]
    pub fn targets(&self) -> Vec<Arc<str>> {
        match self {
            Self::Complexity(c) => c.targets(),
            Self::Semantic(s) => s.targets(),
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
        let resolved = self.resolve_request(request).ok()?;
        let position =
            resolved.group.members.iter().find(|at| self.deployments.get(**at).is_some_and(|d| d.auto.is_some()))?;
        self.deployments.get(*position)?.auto.as_ref()
    }
}

/// A random source for choices among several models of a tier.
pub(crate) fn rng(seed: Option<u64>) -> Rng {
    seed.map_or_else(Rng::random, Rng::seeded)
}
