//! Remembering responses: keys, backends, controls.
//!
//! An answer that was given once is given again when the same question comes. Table of contents:
//!
//! - [`Cache`]: what callers use: [`Plan`] of a request, look-up, storing.
//! - [`key`]: the key of a request, by LiteLLM's recipe; [`python`] writes values as Python prints them.
//! - [`Controls`]: what request, header and key say about caching.
//! - [`CacheSettings`]: LiteLLM's `cache_params`.
//! - [`CacheBackend`]: where entries live: [`MemoryCache`], `DiskCache` (feature `disk`), `RedisCache` (feature `redis`),
//!   [`ObjectCache`] over [`llm_blob::Blob`], [`Dual`].
//! - [`Shield`]: what stands before a backend that is elsewhere: its runtime, deadlines, a breaker ([`Guard`]).
//! - [`semantic`]: finding answers by what a question means.
//! - [`Flights`]: identical requests at the same time become one.
//! - [`Entry`]: what is stored, and its form in LiteLLM's stores.
//! - [`Batch`]: embeddings, which are remembered one by one.
//! - `conformance`: what every backend and every index must do, as a test suite (feature `testing`).

mod backend;
mod batch;
mod breaker;
mod cache;
#[cfg(feature = "testing")]
pub mod conformance;
mod controls;
#[cfg(feature = "disk")]
pub mod disk;
mod dual;
mod entry;
mod flight;
mod fuse;
pub mod key;
mod memory;
mod names;
mod object;
pub mod python;
#[cfg(feature = "redis")]
mod redis;
pub mod semantic;
mod settings;
mod shield;

pub use backend::{BoxFuture, CacheBackend, CacheError, Now};
pub use batch::Batch;
pub use cache::{Cache, Hit, Place, Plan};
pub use controls::Controls;
#[cfg(feature = "disk")]
pub use disk::DiskCache;
pub use dual::Dual;
pub use entry::Entry;
pub use flight::{Flights, Follow, Lead, Seat};
pub use fuse::{Deadlines, Guard, Nobody, Witness};
pub use key::{CallType, KeyOptions, key};
pub use memory::{MemoryCache, MemoryLimits};
pub use object::ObjectCache;
#[cfg(feature = "redis")]
pub use redis::RedisCache;
pub use semantic::SemanticCache;
pub use settings::{CacheMode, CacheSettings, CacheType, Scope};
pub use shield::Shield;
