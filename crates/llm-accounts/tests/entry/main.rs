//! The ways in beside keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod mapping;
mod order;
mod others;
mod rights;
mod support;
mod teams;
mod trouble;
