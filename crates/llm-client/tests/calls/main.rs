//! Calls through the engine, over real HTTP: what goes to the provider, what comes back, and what is settled.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: a failure is a failed test"
)]

mod attempts;
mod batches;
mod cached;
mod counting;
mod echo;
mod exact;
mod faults;
mod hang_up;
mod host;
mod kept;
mod objects;
mod parameters;
mod passthrough;
mod pictures;
mod prices;
mod realtime;
mod sdk;
mod support;
mod timeouts;
mod translate;
