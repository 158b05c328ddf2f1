//! Made by `cargo xtask codegen`; see `xtask/src/models.rs`.

pub(crate) mod fields;
pub(crate) mod models;
pub(crate) mod rules;
