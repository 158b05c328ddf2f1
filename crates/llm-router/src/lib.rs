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
//! - [`Attempts`]: retries, fallbacks and cooldowns.
//! - [`timeouts`]: how long one attempt may take.
//! - [`GroupRates`]: what a group may do and has done in this minute.

mod attempts;
mod candidates;
mod cooldown;
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

pub use attempts::{Attempts, FailedTry};
pub use candidates::{Dropped, Explanation, Verdict};
pub use cooldown::Cooled;
pub use deployment::Deployment;
pub use fallback::{Fallback, FallbackLists, RequestFallbacks};
pub use group::{Group, GroupRates};
pub use pattern::Pattern;
pub use policy::{AllowedFailsPolicy, RetryPolicy};
pub use request::{Admit, RouteRequest, Scope};
pub use resolve::Resolved;
pub use rng::Rng;
pub use router::{ProviderOf, Router};
pub use settings::{Alias, DefaultParams, RouterSettings, Seconds};
pub use state::{DeploymentState, InFlight, RouterState};
pub use step::{Attempt, Outcome, Step};
pub use strategy::{Choice, DeploymentView, Ranking, SimpleShuffle, Strategy, by_name};
pub use timeout::{Timeouts, timeouts};
