//! Values the columns start with.

use chrono::{DateTime, SubsecRound, Utc};
use llm_types::RawJson;

/// `{}`.
#[must_use]
pub fn empty_object() -> RawJson {
    RawJson::parse("{}").unwrap_or_default()
}

/// `[]`.
#[must_use]
pub fn empty_list() -> RawJson {
    RawJson::parse("[]").unwrap_or_default()
}

/// A random version 4 UUID, as LiteLLM makes its ids.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Now, in whole milliseconds: what the time columns can hold.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}
