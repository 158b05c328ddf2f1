//! Tokens of a call.

use llm_types::Usage;

/// Tokens of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) total: i64,
    pub(crate) cache_read: i64,
    pub(crate) cache_write: i64,
}

impl Counts {
    /// The counts of a usage record.
    pub(crate) fn of(usage: &Usage) -> Self {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            input: whole(usage.total_input()),
            output: whole(usage.total_output()),
            total: whole(usage.total_tokens()),
            cache_read: whole(usage.total_cache_read()),
            cache_write: whole(usage.total_cache_write()),
        }
    }
}
