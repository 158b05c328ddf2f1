//! What was spent, told to others: services that collect costs, people who ask, the provider's bill.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "spend/bill.rs"]
mod bill;
#[path = "spend/cached.rs"]
mod cached;
#[path = "spend/deserted.rs"]
mod deserted;
#[path = "spend/exports.rs"]
mod exports;
#[path = "spend/questions.rs"]
mod questions;
