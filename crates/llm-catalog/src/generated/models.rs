//! Made by `cargo xtask codegen` from data/models.jsonl. Do not edit.

use crate::table::{Counts, Table};

/// The built-in models.
pub(crate) static TABLE: Table = Table::from_static(
    include_str!("models.txt"),
    include_bytes!("models.bin"),
    Counts { models: 4383, cells: 46911, values: 2036, names: 0 },
);
