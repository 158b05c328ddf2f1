//! Remembering responses: keys, backends, controls.
//!
//! An answer that was given once is given again when the same question comes. Table of contents:
//!
//! - [`Cache`]: what callers use: [`Plan`] of a request, look-up, storing.
//! - [`key`]: the key of a request, by LiteLLM's recipe; [`python`] writes values as Python prints them.
//! - [`Controls`]: what request, header and key say about caching.
//! - [`CacheSettings`]: LiteLLM's `cache_params`.
//! - [`CacheBackend`]: where entries live; [`MemoryCache`] is the one in this process.
//! - [`Entry`]: what is stored, and its form in LiteLLM's stores.
//! - [`Batch`]: embeddings, which are remembered one by one.

mod backend;
mod batch;
mod cache;
mod controls;
mod entry;
pub mod key;
mod memory;
mod names;
pub mod python;
mod settings;

pub use backend::{BoxFuture, CacheBackend, CacheError, SyncBackend};
pub use batch::Batch;
pub use cache::{Cache, Hit, Plan};
pub use controls::Controls;
pub use entry::Entry;
pub use key::{CallType, KeyOptions, key};
pub use memory::{MemoryCache, MemoryLimits};
pub use settings::{CacheMode, CacheSettings, CacheType};
