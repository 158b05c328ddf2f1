//! A request's way through the accounts: identify, admit, settle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod budgets;
mod capacity;
mod follow;
mod identity;
mod limits;
mod overshoot;
mod parties;
mod permission;
mod shared;
mod special;
mod strangers;
mod support;
