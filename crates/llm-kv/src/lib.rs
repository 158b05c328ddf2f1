//! State that expires: values with a lifetime, atomic window counters, reservations.
//!
//! | file | what |
//! |---|---|
//! | [`kv`] | [`Kv`], the trait; what its methods promise when the backend is slow or gone |
//! | [`claim`] | [`Window`], [`CounterClaim`], outcomes of a reservation |
//! | [`memory`] | [`MemoryKv`]: this process only; every method also without a future |
//! | [`counter`] | [`Counter`], a handle that needs no look-up, and reservations over handles |
//! | `conformance` | what every implementation must do, as a test suite (feature `testing`) |
//!
//! Redis and Valkey (single, sentinel, cluster) get a module `redis` behind a feature of that name, with the same suite.
//!
//! All amounts are whole numbers: requests, tokens, or nano-dollars (10⁻⁹ USD). Nothing here knows which.

pub mod claim;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod counter;
pub mod kv;
pub mod memory;
mod shards;
mod time;

pub use claim::{CounterClaim, Exceeded, Granted, Reading, ReserveOutcome, Stamp, Window};
pub use counter::{Claim, Counter, reserve_counters};
pub use kv::{Kv, KvError, KvFuture};
pub use memory::MemoryKv;
