//! The management API over SQLite in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod audit;
mod bad_input;
mod bulk;
mod dashboards;
mod delegation;
mod entities;
mod grants;
mod keys;
mod login;
mod models;
mod money;
mod pages;
mod people;
mod permission;
mod saml;
mod scim;
mod searching;
mod sso;
mod sso_settings;
mod support;
mod teams;
mod usage;
