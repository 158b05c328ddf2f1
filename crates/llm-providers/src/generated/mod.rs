//! Tables made by `cargo xtask codegen`. Committed, reviewed, never edited.

mod rows;

pub(crate) use rows::*;
