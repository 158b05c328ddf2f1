//! State that expires: values with a lifetime, atomic window counters, reservations.
//!
//! | file | what |
//! |---|---|
//! | [`kv`] | [`Kv`], the trait; what its methods promise when the backend is slow or gone |
//! | [`claim`] | [`Window`], [`CounterClaim`], outcomes of a reservation |
//! | [`memory`] | [`MemoryKv`]: this process only; every method also without a future |
//! | [`counter`] | [`Counter`], a handle that needs no look-up, and reservations over handles |
//! | `redis` | Redis and Valkey: single, Sentinel, Cluster, with TLS (feature `redis`) |
//! | `conformance` | what every implementation must do, as a test suite (feature `testing`) |
//! | `testing` | Redis servers for tests (feature `testing`) |
//!
//! All amounts are whole numbers: requests, tokens, or nano-dollars (10⁻⁹ USD). Nothing here knows which.

pub mod claim;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod counter;
pub mod kv;
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;
mod shards;
#[cfg(feature = "testing")]
pub mod testing;
mod time;

pub use claim::{Correction, CounterClaim, Exceeded, Granted, Reading, ReserveOutcome, Stamp, Window};
pub use counter::{Claim, Counter, reserve_counters};
pub use kv::{Kv, KvError, KvFuture};
pub use memory::MemoryKv;
