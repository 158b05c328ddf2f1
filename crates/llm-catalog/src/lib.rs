//! Facts on models: prices, limits, capabilities, token counts, cost of a usage record. No I/O.
//!
//! - [`Catalog`]: the built-in table of models and price files laid over it; `lookup` finds a model under the names
//!   that callers use. [`CustomPrice`] is one deployment's own prices.
//! - [`ModelRef`]: one model. [`Field`] names its facts, [`Capability`] what it can do.
//! - [`fn@cost`]: prices a [`llm_types::Usage`]; [`nano_dollars`] rounds it for the ledger.
//! - [`Rules`] and [`family`]: what differs between providers, and what is known of unknown models.
//! - [`tokens`]: counting tokens when an upstream does not.
//! - [`pack`]: how `cargo xtask codegen` and price files become a table.
//!
//! The table is `data/models.jsonl`, packed by `cargo xtask codegen` into two files under `generated/` that are part of
//! the executable: nothing is parsed or allocated at start, and a page is read when a model on it is looked up.

mod catalog;
pub mod cost;
mod custom;
mod derive;
pub mod family;
mod generated;
mod key;
mod lookup;
mod model;
pub mod pack;
mod rules;
mod table;
pub mod tokens;

pub use catalog::Catalog;
pub use cost::{Adjusted, Adjustment, CostBreakdown, CostOptions, TokenPrices, cost, nano_dollars, token_prices};
pub use custom::CustomPrice;
pub use derive::DERIVED_FIELDS;
pub use generated::fields::{Capability, Field};
pub use key::Column;
pub use lookup::Priced;
pub use model::{Fact, ModelRef};
pub use rules::{Rules, Shorten, SizeClass};
pub use table::{Counts, Table};
