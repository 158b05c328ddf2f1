//! Durable rows: keys, teams, users, organizations, budgets, spend, audit ... in SQLite or PostgreSQL.
//!
//! One schema with LiteLLM's tables and columns, so its databases open here; the rules over the rows are `llm-accounts`'.
//!
//! - [`Store`]: open, migrate, ping, close; [`StoreConfig`] says where. [`StoreTx`]: several changes at once.
//! - [`Store::table`]: get, insert, update, delete and list for any row struct; [`Filter`] and [`ListQuery`] say which rows.
//! - The row structs, one per table ([`VerificationToken`], [`TeamRow`], [`UserRow`], [`SpendLogRow`] ...), each with a patch
//!   for partial updates. Every one is a [`Table`]; a new one is one macro call.
//! - [`Store::keys`]: what virtual keys need besides: unique aliases, deletion with a copy, rotation, [`KeyFilter`].
//! - [`Store::known_keys`]: who keys are or were, by their hashes.
//! - [`Store::versions`]: whether tables changed.
//! - [`Store::apply`]: a [`SettlementBatch`] of the journal, written once however often it is applied.
//! - [`SpendFilter`], [`SpendGroup`]: questions about requests; [`Store::daily`]: the daily rollups.
//! - [`Store::ledger_days`], [`Store::ledger_totals`]: rows, rollups and totals side by side.
//! - [`Store::lead`]: which gateway runs a background job.

mod access;
mod cell;
mod clean;
mod config;
mod daily;
mod daily_days;
mod daily_exports;
mod daily_groups;
mod daily_names;
mod daily_people;
pub mod defaults;
mod dialect;
mod error;
mod filter;
mod keys;
mod known_keys;
mod leader;
mod ledger;
mod list;
mod migrate;
mod row;
mod rows;
mod settle;
mod spend_filter;
mod spend_logs;
mod spend_pace;
mod spend_sessions;
mod sql;
mod store;
mod table;
#[cfg(all(unix, feature = "testing"))]
pub mod testing;
mod transaction;
mod value;
mod versions;

pub use access::Rows;
pub use cell::{Cell, Serial};
pub use config::StoreConfig;
pub use daily::{DailyCounters, DailyFilter, DailyKey, DailyScope, DailySpendRow};
pub use daily_days::{DailyPart, DearestKeys};
pub use daily_groups::{DailyGroup, DailySum};
pub use daily_people::{PersonSum, TagFilter, TagPeople};
pub use dialect::Dialect;
pub use error::{Result, StoreError};
pub use filter::Filter;
pub use keys::{DeletedBy, KeyFilter};
pub use known_keys::KnownKey;
pub use ledger::{LedgerPair, LedgerSum, LedgerTotal};
pub use list::{ListQuery, Listing};
pub use migrate::Migrated;
pub use row::Row;
pub use rows::*;
pub use settle::{
    Applied, GUARDRAIL_INFORMATION, GuardAction, KeySpend, SettlementBatch, SpendCall, SpendRun, WindowSpend,
};
pub use spend_filter::{SpendFilter, SpendSpan};
pub use spend_logs::{COUNTED, SpendGroup, SpendSum};
pub use spend_pace::{FailureCount, FirstToken};
pub use spend_sessions::{SessionMark, SessionPage, SessionSum};
pub use store::Store;
pub use table::{Patch, Table};
pub use transaction::StoreTx;
pub use value::Value;
pub use versions::TableVersion;
