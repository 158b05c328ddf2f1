//! The response cache as a part of the server: opening it, its endpoints, who is told when it fails.
//!
//! | file | what |
//! |---|---|
//! | `open` | what the configuration says → a cache |
//! | `wire` | requests of object stores go out through `llm-http` |
//! | `witness` | failures become metrics |
//! | `routes` | `/cache/ping`, `/cache/delete`, `/cache/flushall`, `/cache/redis/info` |
//! | `settings` | `/cache/settings`, `/cache/settings/test` |
//!
//! What a call does with it is in `recall`.

mod open;
pub mod routes;
pub mod settings;
mod wire;
mod witness;

pub use open::{Opening, connect, open};
pub(crate) use wire::Wire;
pub use witness::Meter;

/// What the cache was made of.
#[derive(Debug)]
pub struct Setup {
    /// What is configured.
    pub config: Option<crate::config::CacheConfig>,
    /// Stands in for parameters that are not.
    pub environment: crate::config::Environment,
}
