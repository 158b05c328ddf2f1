//! Choosing: which deployment answers a request, and what to try when it does not.
//!
//! Pure: no I/O, no timers. [`Attempts`] is a state machine that says what to do next ([`Step`]); its owner does it and
//! reports the [`Outcome`]. Time comes in as `Instant`s. Table of contents:
//!
//! - [`Deployment`]: one way to reach a model; those with the same name form a group.
//! - [`Router`]: an immutable snapshot of deployments and [`RouterSettings`]. What moves (cooldowns, counters) lives in
//!   [`RouterState`], which survives a reload.
//! - [`Router::resolve`]: from the name in the request to a group ([`Resolved`]).
//! - [`Router::explain`]: who would be a candidate and why the others are not, from the code that really chooses.
//! - [`Strategy`]: the order among candidates.
//! - [`AutoRouter`]: a group that stands for others, one of which a request's text chooses.
//! - [`Decision`]: the last decisions, to be read back.
//! - [`Changes`]: what processes tell each other ([`RouterState::take_changes`], [`RouterState::absorb`]).
//! - [`Attempts`]: retries, fallbacks and cooldowns.
//! - [`timeouts`]: how long one attempt may take.
//! - [`GroupRates`]: what a group may do and has done in this minute.

mod args;
mod attempts;
mod auto;
mod budget;
mod candidates;
mod chooser;
mod cooldown;
mod decide;
mod deployment;
mod fallback;
mod group;
mod note;
mod pattern;
mod policy;
mod request;
mod resolve;
mod retry;
mod rng;
mod router;
mod settings;
mod state;
mod step;
mod strategy;
mod timeout;

pub use args::StrategyArgs;
pub use attempts::{Attempts, FailedTry, Hedging};
pub use auto::{
    Adaptive, AdaptivePreferences, Asked, AutoChoice, AutoRouter, Cell, Complexity, History, How, Preferences,
};
pub use auto::{DIMENSION_WEIGHTS, TIER_BOUNDARIES, TOKEN_THRESHOLDS};
pub use auto::{Quality, QualityPreferences, RequestType, Semantic, SemanticRoute, Tier, TierModels, Weights};
pub use budget::{BudgetConfig, Period, Spent};
pub use candidates::{Dropped, TagPattern, encrypted_key};
pub use cooldown::Cooled;
pub use decide::{Explanation, Verdict};
pub use deployment::Deployment;
pub use fallback::{Fallback, FallbackLists, RequestFallbacks};
pub use group::{Group, GroupRates};
pub use pattern::Pattern;
pub use policy::{AllowedFailsPolicy, RetryPolicy};
pub use request::{Admit, RouteRequest, Scope};
pub use resolve::Resolved;
pub use rng::Rng;
pub use router::{ProviderOf, Router};
pub use settings::{Alias, DefaultParams, RouterSettings, RoutingGroup, Seconds};
pub use state::{AffinityKey, Changes, Consumed, DeploymentState, InFlight, Purse, RetryBudget, RouterState};
pub use state::{Decision, DecisionChoice, DecisionId};
pub use state::{SharedAffinity, SharedCooldown, SharedLoad, SharedSpend, SharedUsage};
pub use step::{Attempt, Outcome, Step};
pub use strategy::{Choice, DeploymentView, Needs, Ranking, Strategy, by_name, names};
pub use strategy::{LeastBusy, LowestCost, LowestLatency, LowestUsage, LowestUsageV2, PrefixAffinity, SimpleShuffle};
pub use timeout::{Phases, Timeouts, timeouts};
