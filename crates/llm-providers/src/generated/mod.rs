//! Tables made by `cargo xtask codegen`. Committed, reviewed, never edited.

mod mounts;
mod rows;

pub(crate) use mounts::MOUNTS;
pub(crate) use rows::*;
